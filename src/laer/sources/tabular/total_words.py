"""How notes on totals and headings say numbers, rows and labels."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from laer.sources.tabular.headers import header_words


def same_sum(stated: Decimal, found: Decimal, text: str) -> bool:
    """Whether a total is the sum within rounding."""
    return abs(stated - found) <= rounding(stated, text)


def rounding(stated: Decimal, text: str) -> Decimal:
    """By how much a total may miss the sum: half a unit of its last digit, or the noise of binary fractions."""
    exponent = stated.as_tuple().exponent
    digits = max(-2, min(0, exponent if isinstance(exponent, int) else 0)) if "." in text or "," in text else 0
    return max(Decimal(1).scaleb(digits) / 2, abs(stated) * Decimal("1e-9"))


def against(stated: Decimal, found: Decimal, lead: str, unit: str, same: str) -> str:
    """How far what was found is from what is stated, in words."""
    if same and stated == found:
        return same
    gap = f"{amount_said(abs(found - stated))} {'less' if found < stated else 'more'}"
    return f"{lead} {amount_said(found)}{unit}, {gap}".strip()


def amount_said(value: Decimal) -> str:
    """A sum as a note says it."""
    return f"{value:,.0f}" if value == value.to_integral_value() and value.as_tuple().exponent in (0,) else f"{value:,.2f}"


def is_id(name: str) -> bool:
    """Whether a column's name says that its numbers are ids, which are no amounts."""
    words = header_words(name)
    return words.endswith((" id", " key", " code", " number")) or words in ("id", "key", "code", "number", "uuid")


def label_in(cells: Sequence[str]) -> str:
    """The first filled cell of a row."""
    return next((cell.strip() for cell in cells if cell.strip()), "")


def lines_said(lines: Sequence[int]) -> str:
    """Rows of a file in words."""
    shown = ", ".join(f"{line:,}" for line in lines[:5])
    more = f" and {len(lines) - 5:,} more" if len(lines) > 5 else ""
    return f"row{'' if len(lines) == 1 else 's'} {shown}{more}"


def shortened(text: str) -> str:
    """A text of a file, cut to what a note can hold."""
    return text if len(text) <= 60 else text[:57] + "..."
