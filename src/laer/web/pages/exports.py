"""What leaves as CSV or XLSX: a cell that a spreadsheet would run is text."""

from __future__ import annotations

RUNS = ("=", "+", "-", "@", "\t", "\r")


def escaped(text: str) -> str:
    """The cell with a leading apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(RUNS) else text
