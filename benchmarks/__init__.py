"""What laer promises about speed and memory, measured beside a baseline in one run: a ratio is trusted, a time alone is not.

A benchmark is a module of this folder with `run(full: bool) -> Iterator[Table]`; its docstring says what is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Table:
    """Rows of texts under headings. A row whose last cell starts with `no` missed its bound."""

    title: str
    headings: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def text(self) -> str:
        """As Markdown, aligned, so that it reads in a terminal too."""
        cells = [tuple(self.headings), *(tuple(r) for r in self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.headings))]
        lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
        lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
        return "\n".join([f"## {self.title}", "", *lines, "", *(f"{note}  " for note in self.notes)]).rstrip() + "\n"


def verdict(figure: float, at_most: float | None = None, at_least: float | None = None) -> str:
    """`yes` or `no` with the bound that was asked for."""
    kept = (at_most is None or figure <= at_most) and (at_least is None or figure >= at_least)
    bound = f"at most {at_most:g}" if at_most is not None else f"at least {at_least:g}"
    return f"{'yes' if kept else 'no'}, {bound}"
