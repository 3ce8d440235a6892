"""What a pass has read and counted, as the makers of inputs take it, and columns of records as numbers of days and of amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.ledger import LedgerInput
from laer.cycle.terms import Counting
from laer.metrics.effort import MINUTES

Columns = dict[str, Any]


@dataclass(frozen=True)
class Book:
    """What a pass has read and counted: tables by record type, the ledger's lines, when they count, spans of dimensions."""

    tables: Mapping[str, pa.Table]
    given: LedgerInput
    when: Counting
    spans: pa.Table
    currency: str
    rates: Mapping[str, Fraction]
    zone: str
    hi: int  # the last date that is asked for: how far terms that renew by themselves are rolled on
    minutes: Mapping[str, int] = field(default_factory=lambda: MINUTES)  # of work that does not say how long it took, by kind
    grace: int = 30  # days after a term within which what goes on renews it

    @property
    def known_rates(self) -> dict[str, Fraction]:
        """Currency -> what one unit is in the firm's own, that one included."""
        return {self.currency: Fraction(1), **{code: rate for code, rate in self.rates.items() if code != self.currency}}

    def amounts(self, table: pa.Table, column: str = "amount") -> list[float | None]:
        """Exact amounts in the firm's currency; one of which no rate is known is unknown."""
        known, pairs = self.known_rates, zip(table[column].to_pylist(), table["currency"].to_pylist(), strict=True)
        return [None if said is None or (code or self.currency) not in known else float(Fraction(said) * known[code or self.currency]) for said, code in pairs]


def days(column: Any) -> Any:
    """Day numbers of dates."""
    return column.cast(pa.int32())


def local_days(column: Any, zone: str) -> Any:
    """Day numbers of instants, by the firm's clock."""
    return pc.local_timestamp(column.cast(pa.timestamp("us", tz=zone))).cast(pa.date32(), safe=False).cast(pa.int32())


def numbers(column: Any, factor: float = 1.0) -> Any:
    """Numbers of exact decimal texts."""
    return pc.multiply(column.cast(pa.float64()), factor)


def listed(column: Any) -> list[Any]:
    return list(column) if isinstance(column, list | tuple) else list(column.to_pylist())
