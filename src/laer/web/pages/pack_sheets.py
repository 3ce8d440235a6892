"""The board pack as a workbook: what the printed pages show on the first sheets, the rows behind them on the further ones."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from laer.flow.joints import CHAIN, JOINTS, STAGES, STATES
from laer.metrics.statement import Month
from laer.records.periods import FAR, date_of, first_day, month_name
from laer.web.pages import flow_words
from laer.web.pages.account_health import BANDS
from laer.web.pages.exports import Money, Rate, Sheet
from laer.web.pages.renewal_calls import BECAUSE, ORDER, SAID
from laer.web.pages.revenue_charts import BALANCE, BY_CAUSE, DOWNS, UPS
from laer.web.runs.packing import GAINS, LOSSES, Moved, Pack, Who
from laer.web.runs.reported import RESTATEMENT

LABELS = {name: label for name, (label, _count) in (BALANCE | UPS | DOWNS).items()}
COUNTS = {name: count for name, (_label, count) in (BALANCE | UPS | DOWNS).items()}
NOBODY = Who()


def sheets(pack: Pack, whose: str) -> list[Sheet]:
    """Eleven sheets; every amount is a number in the currency's format, and rows add up to the figure that they are behind."""
    who = ("account_id", _("Account"), _("Segment"), _("CSM"))
    return [
        Sheet(_("Summary"), (_("Waterfall"), _("MRR"), _("Movements"), *((_("MRR, as reported"),) if pack.month in pack.reported else ())), _waterfall(pack),
              _about(pack, whose)),
        Sheet(_("Revenue by month"), _month_heads(pack), _months(pack)),
        Sheet(_("Top movements"), _moved_heads(), _moves(pack, [*pack.top(gains=True), *pack.top(gains=False)])),
        Sheet(_("Flow"), _flow_heads(), _flow(pack), _flow_above(pack)),
        Sheet(_("Renewals ahead"), (_("Month"), _("Contracts"), _("ARR due"), *(str(SAID[call]) for call in ORDER)), _ahead(pack),
              ((_("Open renewals by the call that stands, as of"), pack.run.as_of),)),
        Sheet(_("Health"), (_("Band"), _("Accounts"), _("Month before"), _("ARR"), _("ARR, month before")), _bands(pack), ((_("As of"), pack.day),)),
        Sheet(_("Rows: movements"), _moved_heads(), _moves(pack, pack.moved)),
        Sheet(_("Rows: MRR"), (*who, _("MRR")), _closing(pack), ((_("Closing MRR of"), month_name(pack.month)),)),
        Sheet(_("Rows: late at a joint"), (*who, _("MRR at risk"), _("In time until"), _("Next joint")), _late(pack)),
        Sheet(_("Rows: renewals"), _renewal_heads(), _renewals(pack)),
        Sheet(_("Rows: health"), (*who, _("Band"), _("ARR")), _health(pack)),
    ]


def money(pack: Pack, amount: Fraction | int | None) -> Money:
    return Money(pack.money(amount), pack.currency)


def _of(pack: Pack, account: int) -> tuple[int, str | None, str | None, str | None]:
    who = pack.who.get(account, NOBODY)
    return account, who.name or _("account %(id)s") % {"id": account}, who.segment, who.owner


def _about(pack: Pack, whose: str) -> list[tuple[Any, ...]]:
    now = pack.now
    return [
        (_("Board pack"), month_name(pack.month)), (_("As of"), pack.day), (_("Of"), whose), (_("Currency"), pack.currency),
        (_("Made from run"), pack.run.pk), (_("Policy"), f"{pack.run.policy}, {pack.run.policy_version}"), (),
        (_("MRR"), money(pack, now["closing_mrr"])), (_("ARR"), money(pack, now["arr"])), (_("NRR, 12 months"), rate(now["nrr_12m"])),
        (_("GRR, 12 months"), rate(now["grr_12m"])), (_("Paying accounts"), now["closing_accounts"]), (), *_as_reported(pack),
    ]  # fmt: skip


def _as_reported(pack: Pack) -> list[tuple[Any, ...]]:
    """The figures of a closed month as they were reported; the waterfall's stand beside its bars."""
    said = pack.reported.get(pack.month)
    if said is None:
        return []
    return [(_("As reported"), month_name(pack.month)), (_("ARR, as reported"), money(pack, said["arr"])), (_("NRR, as reported"), rate(said["nrr_12m"])),
            (_("GRR, as reported"), rate(said["grr_12m"])), (_("Paying accounts, as reported"), said["closing_accounts"]), ()]  # fmt: skip


def rate(value: Fraction | int | None) -> Rate:
    return Rate(None if value is None else float(value))


def waterfall(pack: Pack) -> list[tuple[str, str, Any, int | None]]:
    """Key, label, exact amount as it is added (losses negative), movements: opening, what moved, closing."""
    now, rows = pack.now, [("opening", _("Opening MRR"), pack.now["opening_mrr"], None)]
    for name in (*GAINS, *LOSSES):
        amount = Fraction(now[f"{name}_mrr"] or 0)
        said = pack.reported.get(pack.month)
        if amount or name not in BALANCE or (said is not None and said[f"{name}_mrr"]):
            rows.append((name, str(LABELS[name]), -amount if name in LOSSES else amount, int(now[COUNTS[name]] or 0)))  # type: ignore[arg-type]
    if pack.month in pack.reported and pack.reported[pack.month].figures.get(RESTATEMENT):
        rows.append(("restatement", _("Restatement"), Fraction(0), None))
    return [*rows, ("closing", _("Closing MRR"), now["closing_mrr"], None)]  # type: ignore[list-item]


def _waterfall(pack: Pack) -> Iterator[tuple[Any, ...]]:
    said = pack.reported.get(pack.month)
    for key, label, amount, movements in waterfall(pack):
        yield label, money(pack, amount), movements, *(() if said is None else (money(pack, reported(said, key)),))


def reported(said: Month, key: str) -> Fraction:
    """A bar of the waterfall as it was reported, a loss negative."""
    amount = Fraction(said[f"{key}_mrr"] or 0)
    return -amount if key in LOSSES else amount


def _month_heads(pack: Pack) -> tuple[str, ...]:
    moved = (str(LABELS[name]) for name in (*GAINS, *LOSSES))
    return (_("Month"), _("Opening MRR"), *moved, _("Closing MRR"), _("ARR"), _("NRR, 12 months"), _("GRR, 12 months"), _("Paying accounts"),
            *((_("Basis"), _("Restatement")) if pack.reported else ()))  # fmt: skip


def _months(pack: Pack) -> Iterator[tuple[Any, ...]]:
    """A row for each month; of a closed one a second as it was reported, with what was restated in it."""
    rows: list[tuple[Month, str, Money | None]] = [(month, _("as restated"), None) for month in pack.months]
    for month in pack.months:
        if said := pack.reported.get(month.month):
            rows.append((said, _("as reported"), money(pack, said.figures.get(RESTATEMENT))))
    for month, basis, restated in sorted(rows, key=lambda one: one[0].month):
        yield (first_day(month.month), money(pack, month["opening_mrr"]), *(money(pack, month[f"{name}_mrr"]) for name in GAINS),
               *(money(pack, -Fraction(month[f"{name}_mrr"] or 0)) for name in LOSSES), money(pack, month["closing_mrr"]), money(pack, month["arr"]),
               rate(month["nrr_12m"]), rate(month["grr_12m"]), month["closing_accounts"], *((basis, restated) if pack.reported else ()))  # fmt: skip


def _moved_heads() -> tuple[str, ...]:
    return ("account_id", _("Account"), _("Segment"), _("CSM"), _("Movement"), _("Cause"), _("MRR before"), _("MRR after"), _("Change of MRR"))


def cause_of(one: Moved) -> str:
    """In words: a cause of rule 16, a stated reason, or nothing."""
    return str(BY_CAUSE[one.cause]) if one.cause in BY_CAUSE else one.cause


def _moves(pack: Pack, found: list[Moved]) -> Iterator[tuple[Any, ...]]:
    """Amounts of one movement are rounded so that they add up to its bar."""
    amounts: dict[tuple[int, str], Any] = {}
    for movement in dict.fromkeys(one.movement for one in found):
        own = [one for one in found if one.movement == movement]
        amounts |= {(one.account_id, movement): amount for one, amount in zip(own, pack.together([one.amount for one in own]), strict=True)}
    for one in found:
        yield (*_of(pack, one.account_id), str(LABELS[one.movement]), cause_of(one) or None, money(pack, one.before), money(pack, one.after),
               Money(amounts[one.account_id, one.movement], pack.currency))  # fmt: skip


def _flow_heads() -> tuple[str, ...]:
    states = [(str(flow_words.STATES[state]), _("MRR: %(state)s") % {"state": flow_words.STATES[state]}) for state in STATES]
    return (_("Joint"), _("Teams"), _("Rate"), *(text for pair in states for text in pair), _("Leaked before it"))


def _flow_above(pack: Pack) -> list[tuple[Any, ...]]:
    part = pack.flow.part()
    said: list[tuple[Any, ...]] = [(_("As of"), pack.day), (_("MRR landed, grown and leaked since records began"),)]
    said += [(str(flow_words.MOVES[name]), money(pack, part.moves[name])) for name in ("landed", "expansion", "reactivation")]
    said += [(str(flow_words.MOVES[name]), money(pack, -part.moves[name])) for name in ("contraction", "churn")]
    return [*said, (_("MRR now"), money(pack, part.closing)), (_("At risk"), money(pack, part.at_risk.mrr)), ()]


def _flow(pack: Pack) -> Iterator[tuple[Any, ...]]:
    part = pack.flow.part()
    for joint in JOINTS:
        cells = part.joints[joint]
        states = [(cells[state].accounts, money(pack, cells[state].landed if state == "lost" else cells[state].mrr)) for state in STATES]
        leaked = money(pack, part.leak(joint)) if joint in CHAIN else None
        pair, own = flow_words.pair_name(pack.joints.pair(joint)), (one for both in states for one in both)
        yield (str(flow_words.JOINTS[joint]), pair, rate(part.rate(joint)), *own, leaked)


def _ahead(pack: Pack) -> Iterator[tuple[Any, ...]]:
    for month, contracts, arr, by_call in pack.ahead():
        yield (first_day(month), contracts, money(pack, arr), *(money(pack, by_call.get(call, Fraction(0))) for call in ORDER))


def _bands(pack: Pack) -> Iterator[tuple[Any, ...]]:
    for band, one in pack.health.items():
        before = pack.health_before.get(band)
        if band is None and not one.accounts:
            continue
        yield (str(BANDS.get(band or "") or _("Unknown")), one.accounts, before.accounts if before else None, Money(one.arr, pack.currency),
               Money(before.arr if before else None, pack.currency))  # fmt: skip


def _closing(pack: Pack) -> Iterator[tuple[Any, ...]]:
    amounts = pack.together(pack.closing.values())
    for account, amount in sorted(zip(pack.closing, amounts, strict=True), key=lambda one: (-one[1], one[0])):
        yield (*_of(pack, account), Money(amount, pack.currency))


def _late(pack: Pack) -> Iterator[tuple[Any, ...]]:
    denominator = int(pack.late.schema.metadata[b"denominator"])
    amounts = pack.together([Fraction(int(value), denominator) for value in pack.late["amount"].to_pylist()])
    for row, amount in zip(pack.late.to_pylist(), amounts, strict=True):
        on_d, stage = row["on_d"], STAGES[row["stage"]]
        yield (*_of(pack, row["account_id"]), Money(amount, pack.currency), None if on_d is None or on_d >= FAR else date_of(on_d),
               str(flow_words.JOINTS[stage]) if stage in CHAIN else None)  # fmt: skip


def _renewal_heads() -> tuple[str, ...]:
    who = ("account_id", _("Account"), _("Segment"), _("CSM"))
    return (*who, _("Contract"), _("Ends"), _("Notice by"), _("ARR"), _("System’s call"), _("Why"), _("Person’s call"))


def _renewals(pack: Pack) -> Iterator[tuple[Any, ...]]:
    rows = sorted(pack.due.rows(pack.open_ahead()), key=lambda row: (row["ends_on"], row["contract_id"]))
    for row in rows:
        yield (*_of(pack, row["account_id"]), row.get("name"), row["ends_on"], row["notice_on"], money(pack, row["arr"]), _call(row["system"]),
               str(BECAUSE.get(row["because"] or "", "")) or None, _call(row["person"]))  # fmt: skip


def _call(category: str | None) -> str | None:
    return None if category is None else str(SAID.get(category, category))


def _health(pack: Pack) -> Iterator[tuple[Any, ...]]:
    order = {band: at for at, band in enumerate(("red", "yellow", "green", None))}
    rows = pack.by_band.to_pylist()
    for row in sorted(rows, key=lambda row: (order.get(row["health"], 9), -(row["arr"] or 0), row["account_id"])):
        arr = None if row["arr"] is None else money(pack, Fraction(row["arr"]))
        yield (*_of(pack, row["account_id"]), str(BANDS.get(row["health"]) or _("Unknown")), arr)
