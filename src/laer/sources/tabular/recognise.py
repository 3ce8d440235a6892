"""Which record type a table is and which column is which, by names and by values, with how sure that is."""

from __future__ import annotations

from laer.records.record import record_type
from laer.sources.tabular.date_order import DateOrder, Decision
from laer.sources.tabular.departures import departures
from laer.sources.tabular.guess import LEAST, SURE, Guess, guess
from laer.sources.tabular.headers import columns_of, header_words, match_columns
from laer.sources.tabular.hints import CHURNED
from laer.sources.tabular.layout import known_names
from laer.sources.tabular.mapping import CUSTOM, Mapping, slug_of
from laer.sources.tabular.profile import Sample, Watch, whole_columns
from laer.sources.tabular.serials import WHAT_TO_DO, is_shortened
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import is_serial, read_day
from laer.sources.tabular.weighing import weighed

__all__ = ["LEAST", "SURE", "match_columns", "recognise"]

SAMPLE = 2000


def recognise(table: Table, *, sample: int = SAMPLE, record: str | None = None, date_order: str | None = None) -> Mapping:
    """Map a table to a record type. A sample decides the type; whole columns decide dates, numbers and custom types.

    In     record      the type, where it is known; date_order   the order of day and month, where it is known
    Out    a mapping in which every header has a target, a confidence and a reason
    """
    seen = Sample(table, sample)
    best = (departures(table, seen) if table.hint == CHURNED and record is None else None) or guess(table, seen, record)
    if best.record is None:
        return _unrecognised(table, best, seen)
    return mapping_of(table, seen, best, date_order)


def mapping_of(table: Table, seen: Sample, best: Guess, date_order: str | None) -> Mapping:
    """The mapping of a table whose record type and columns are decided: what the whole columns say of dates, numbers and ends."""
    kinds = _mapped_kinds(table, best)
    watches, decision = _watch(table, seen, kinds)
    order = date_order or decision.order
    dates = tuple(name for name, kind in kinds.items() if kind in ("date", "instant"))
    columns: dict[str, str | None] = {}
    confidence: dict[str, float] = {}
    reasons: dict[str, str] = {}
    custom: dict[str, str] = {}
    for name in table.header:
        match = best.matches.get(name)
        if match:
            columns[name], confidence[name], reasons[name] = match.column, round(min(1.0, match.likeness), 2), best.reasons[name]
            reasons[name] += _lost_digits(table, name, seen) if _names(best, match.column) else _excel_days(kinds[name], name, seen)
            continue
        target, kind, why = _custom(name, watches[name], decision, order, custom)
        columns[name], confidence[name], reasons[name] = target, 1.0 if target is None else 0.5, why
        if target:
            custom[target.removeprefix(CUSTOM)] = kind
    numeric = {name for name, kind in kinds.items() if kind in ("integer", "decimal")}
    numeric |= {name for name, target in columns.items() if target and custom.get(target.removeprefix(CUSTOM)) == "decimal"}
    styles = {name: "comma" for name in table.header if name in numeric and watches[name].style.decide() == "comma"}
    undecided = () if date_order else tuple(name for name in decision.undecided if name in dates)
    why = f"Dates are read {date_order} as asked." if date_order else decision.why
    return weighed(table, Mapping(best.record, columns, confidence, reasons, custom, order, undecided, why, styles, sure=best.sure, why=best.why))


def _mapped_kinds(table: Table, best: Guess) -> dict[str, str]:
    """Kind of each mapped header; references and keys are text."""
    assert best.record is not None
    columns = columns_of(best.record)
    return {name: "text" if _names(best, m.column) else columns[m.column].kind for name, m in best.matches.items()}


def _names(best: Guess, column: str) -> bool:
    """Whether a column holds ids: the row's own or those of others."""
    assert best.record is not None
    return column == record_type(best.record).info.key or bool(columns_of(best.record)[column].col.refers)


def _lost_digits(table: Table, name: str, seen: Sample) -> str:
    """Said of a column of ids that a spread-sheet turned to numbers such as 1.2E+15; its rows are set aside one by one."""
    lost = [text for text in seen.values(name) if is_shortened(text)]
    if not lost:
        return ""
    table.note(f"ids {name}", f"Ids in {name} lost their last digits in a spread-sheet, as '{lost[0]}': {WHAT_TO_DO}; such rows are set aside.")
    return f"; some of its ids lost their last digits, as '{lost[0]}': {WHAT_TO_DO}"


def _excel_days(kind: str, name: str, seen: Sample) -> str:
    """Said of a column of dates in which some stand as Excel counts days."""
    days = [text for text in seen.values(name) if is_serial(text)] if kind in ("date", "instant") else []
    return f"; {days[0]} is a day as Excel counts them, {read_day(days[0])}" if days else ""


def _watch(table: Table, seen: Sample, kinds: dict[str, str]) -> tuple[dict[str, Watch], Decision]:
    """Look at whole columns wherever later rows could change what the sample says."""
    order = DateOrder()
    watches = {name: Watch(table.commas) for name in table.header}

    def look(name: str, texts: set[str]) -> None:
        watch = watches[name]
        if name not in kinds or kinds[name] in ("integer", "decimal"):
            watch.see(texts)
        if kinds.get(name) in ("date", "instant") or (name not in kinds and "date" in watch.kinds and watch.filled):
            order.see_all(name, texts)

    for name in table.header:
        look(name, set(seen.values(name)))
    if not seen.complete:
        unsure = {name for name in table.header if name not in kinds and (watches[name].kinds or not watches[name].filled)}
        open_names = [name for name in table.header if name in unsure or kinds.get(name) in ("date", "instant", "integer", "decimal")]
        for chunk in whole_columns(table, open_names) if open_names else ():
            for name, texts in chunk.items():
                look(name, texts)
    for name, watch in watches.items():
        if name not in kinds and "date" not in watch.kinds:
            order.forget(name)
    return watches, order.decide()


def _custom(name: str, watch: Watch, decision: Decision, order: str | None, taken: dict[str, str]) -> tuple[str | None, str, str]:
    """Target, type and reason of a column that the record type does not know."""
    if not watch.filled:
        return None, "text", "every cell is empty"
    kind = watch.kind(header_words(name))
    why = f"not a column of this record; kept as a custom field ({kind})"
    if kind == "decimal" and not watch.consistent(kind):
        kind, why = "text", "kept as a custom field (text): its numbers are written in two styles"
    if kind == "date" and not order and name in decision.undecided:
        kind, why = "text", "kept as a custom field (text): day and month cannot be told apart"
    if kind == "date" and order and name in decision.conflicting:
        kind, why = "text", "kept as a custom field (text): some dates do not fit the file's order"
    return CUSTOM + slug_of(name, taken), kind, why


def _unrecognised(table: Table, best: Guess, seen: Sample) -> Mapping:
    reasons = dict.fromkeys(table.header, "the file was not recognised")
    header = next((cells for cells in seen.rows if known_names(cells) >= 2), None) if known_names(table.header) == 0 else None
    why = best.why
    if header:  # below its rows, as a sort with the header in the selection leaves it
        named = ", ".join(cell.strip() for cell in header if cell.strip())[:80]
        why += f" A row further down looks like the header ('{named}'): move it above the rows that it names, and import the file again."
    return Mapping(None, dict.fromkeys(table.header), dict.fromkeys(table.header, 0.0), reasons, sure=best.sure, why=why)
