"""One look into a watched folder at a time, whether the worker or the command line looks."""

from __future__ import annotations

from laer.web.book import watching
from laer.web.book.importing import Progress
from laer.web.runs.passes import lease


def look_alone(folder_id: int, progress: Progress | None = None) -> watching.Seen:
    """Look into the folder under its lease.

    Raises  Busy while somebody else looks into it
    """
    with lease(f"watch-{folder_id}"):
        return watching.look(folder_id, progress)
