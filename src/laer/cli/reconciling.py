"""`laer revenue --policy A --against B`: why two policies differ, line by line."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from laer.metrics.statement import plain
from laer.records.money import minor_units, rounded
from laer.records.periods import month_name

if TYPE_CHECKING:
    from laer.cli.line_file import LineFile
    from laer.cycle.reconcile import Difference
    from laer.metrics.policy import Policy

COLUMNS = ["month", "account", "line", "measure", "rule", "name", "from", "to", "difference"]


def reconciled(read: Callable[[Policy], LineFile], one: Policy, two: Policy, bounds: tuple[int, int], currency: str | None) -> list[dict[str, str]]:
    """The rows of the reconciliation, as texts: `difference` is `to` minus `from`."""
    from laer.cycle.reconcile import Line, Reading, reconcile
    from laer.engine.session import DuckDBSession

    def reading(policy: Policy) -> Reading:
        file = read(policy)
        a = file.accepted
        lines: dict[int, Line] = {}
        for number, account, start, end, mrr in zip(a.line, a.account, a.start, a.end, a.mrr, strict=True):
            begun, steps = lines[number][1::2] if number in lines else (start, ())
            lines[number] = (account, begun, end, (*steps, (start, mrr)))
        return Reading(file.ledger_input(False), lines)

    places = minor_units(currency)
    with DuckDBSession() as session:
        return [_row(d, places) for d in reconcile(session, reading, one, two, *bounds)]


def _row(d: Difference, places: int) -> dict[str, str]:
    def text(figure: Fraction | None) -> str:
        return "" if figure is None else plain(rounded(figure, places if d.measure.endswith("_mrr") else 6))

    return {
        "month": month_name(d.month), "account": d.account, "line": " ".join(map(str, d.line)), "measure": d.measure,
        "rule": "" if d.rule is None else str(d.rule), "name": d.setting.replace("_", " "), "from": text(d.before), "to": text(d.after),
        "difference": text(d.difference),
    }  # fmt: skip
