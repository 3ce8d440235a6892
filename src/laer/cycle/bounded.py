"""A session that ends in time: checks of the data may be asked of any book."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from laer.engine.session import DuckDBSession

SECONDS = 60.0


@contextmanager
def bounded(what: str) -> Iterator[DuckDBSession]:
    """A session with bounded threads and memory, interrupted when it takes too long.

    Raises  TimeoutError that says what could not be done
    """
    with DuckDBSession() as session:
        late = threading.Timer(SECONDS, session.interrupt)
        late.start()
        try:
            yield session
        except Exception as error:
            if "interrupt" in str(error).lower():
                raise TimeoutError(f"{what} within {SECONDS:.0f} seconds") from error
            raise
        finally:
            late.cancel()
