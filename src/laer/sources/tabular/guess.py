"""The record type of a table: names, values and the file's name, weighed.

A header counts the more, the fewer record types know it: `ticket id` says much, `account id` little. Values can only
take away: a column named like a date that holds no dates is not one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from laer.records.record import record_type
from laer.sources.tabular.cells import Unreadable, spelled
from laer.sources.tabular.cost_table import says_costs
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.grid import NAMES
from laer.sources.tabular.headers import (
    ALL_OF,
    BARE_ID_LIKENESS,
    COUNTING,
    OPTIONAL,
    RECORDS,
    Match,
    assign,
    bare_id,
    columns_of,
    header_words,
    matches,
    synonyms,
)  # fmt: skip
from laer.sources.tabular.intervals import interval_factor
from laer.sources.tabular.profile import Sample
from laer.sources.tabular.scales import power_of
from laer.sources.tabular.table import Table

SURE = 0.6  # from here on a file can be taken without asking
LEAST = 0.4  # below it a file counts as not recognised
MARGIN = 0.15  # distance to the runner-up that makes sure
WELL_KNOWN = 0.4  # share of the columns that, when known, leaves no doubt for the others
ELSEWHERE = "elsewhere"
WITHOUT_REVENUE = ("accounts", "contracts")  # not these where a sheet has dated MRR: it would get lost in custom fields
HALF, MOST = 0.5, 0.9  # share of readable values: below the first a column is refused, above the second it stands unreduced
NEEDS = {  # without one of these a table is not of that type, whatever else it has
    "subscription_lines": spelled("mrr arr amount unit_price list_amount"),
    "survey_responses": spelled("score comment"),
    "usage_days": spelled("count feature seconds"),
    "contacts": spelled("email name last_name first_name"),
    "discounts": spelled("percent amount"),
    "contracts": spelled("end_on signed_on term_months start_on"),
    "assignments": spelled("person_id"),
    "pulses": spelled("colour"),
    "notes": spelled("text"),
    "opportunities": spelled("stage is_won is_closed motion opportunity_id"),
    "onboarding_plans": spelled("started_on planned_end_on completed_on"),
    "onboarding_steps": spelled("title"),
    "outcomes": spelled("title"),
    "account_metrics": spelled("name"),
    "costs": spelled("motion kind"),
    "tickets": spelled("ticket_id subject priority first_response_minutes resolution_hours satisfaction"),
}
STANDS_IN = {"account_id": ("subscription_id", "contract_id", "contact_id")}  # an account reached through another reference
_HINTS = {
    "accounts": spelled("account customer company client organization organisation crm"),
    "contacts": spelled("contact"),
    "product_features": spelled("feature"),
    "entitlements": spelled("entitlement allowance quota"),
    "invoices": spelled("invoice"),
    "products": spelled("product sku catalog catalogue item"),
    "contracts": spelled("contract agreement"),
    "subscription_lines": spelled("subscription mrr arr recurring"),
    "usage_days": spelled("usage activity telemetry event login"),
    "opportunities": spelled("opportunity deal pipeline"),
    "onboarding_plans": spelled("onboarding implementation"),
    "onboarding_steps": spelled("step milestone"),
    "outcomes": spelled("outcome goal"),
    "account_metrics": spelled("metric kpi"),
    "tickets": spelled("ticket case issue"),
    "survey_responses": spelled("nps csat survey response"),
    "churn_events": spelled("churn churned cancellation"),
    "people": spelled("people person employee staff team csm"),
    "assignments": spelled("assignment"),
    "discounts": spelled("discount coupon"),
    "pauses": spelled("pause"),
    "pulses": spelled("pulse"),
    "costs": spelled("cost expense spend opex"),
}
DISCOUNT = frozenset(spelled("discount coupon rebate rabatt percent off promotion promo"))
_HINT = {word: record for record, words in _HINTS.items() for word in words}
_ELSEWHERE = frozenset(
    spelled(
        "charge payment refund payout dispute transaction balance comment audit lead task tag price plan fee card transfer schedule "
        "history chat brand group form sla policy method intent note"
    )
)


@dataclass(frozen=True)
class Guess:
    """record    the type, None where nothing fits
    matches   by header; reasons in words by header
    sure      0..1
    why       in words
    """

    record: str | None
    matches: dict[str, Match]
    reasons: dict[str, str] = field(default_factory=dict)
    sure: float = 0.0
    why: str = ""


def guess(table: Table, sample: Sample, record: str | None = None) -> Guess:
    """The likeliest type of a table (or the given one) with its columns."""
    if table.known and record in (None, table.known.record):
        told = table.known
        return Guess(told.record, {h: Match(1.0, h, target, header_words(h)) for h, target in told.columns.items()}, told.reasons, 1.0, told.why)
    candidates = {each: fitting(each, table.header, sample) for each in ([record] if record else RECORDS) if len(synonyms(each)) > 1}
    if record:
        found = candidates.get(record, {})
        return Guess(record, found, reasons_of(record, found, sample), 1.0, "as asked")
    if not says_costs(table):  # its words (month, kind, amount) are those of many lists
        candidates["costs"] = {}
    for each, groups in ALL_OF.items():
        there = {match.column for match in candidates.get(each, {}).values() if match.likeness > BARE_ID_LIKENESS}
        if not all(there & set(group) for group in groups):
            candidates[each] = {}
    known: dict[str, int] = {}
    for found in candidates.values():
        for name in found:
            known[name] = known.get(name, 0) + 1
    hints = _hints(table)
    if hints.get("invoices") and not candidates["invoices"]:
        hints = {ELSEWHERE: 1.0}  # lines of invoices, or their sums
    lines = {match.column for match in candidates.get("subscription_lines", {}).values()}
    if "start_on" in lines and lines & {"mrr", "arr"}:
        hints = {each: weight for each, weight in hints.items() if each not in WITHOUT_REVENUE}
        candidates = {each: {} if each in WITHOUT_REVENUE else found for each, found in candidates.items()}
    scores = sorted(((_score(each, found, known, hints), each) for each, found in candidates.items()), reverse=True)
    (score, best), (second, runner) = scores[0], scores[1]
    known_share = min(1.0, len(candidates[best]) / max(1, len(table.header)) / WELL_KNOWN)
    sure = round(score * (1 - max(0.0, MARGIN - (score - second)) / (2 * MARGIN)) * (0.6 + 0.4 * known_share), 2)
    if sure < LEAST:
        return Guess(None, {}, {}, sure, "No record type fits" + (f"; the nearest is {best} ({sure:.0%})." if sure else "."))
    found = candidates[best]
    noun = record_type(best).info.noun
    why = f"{len(found)} of {len(table.header)} columns are those of {'an' if noun[0] in 'aeio' else 'a'} {noun}"
    if hints.get(best):
        why += f", and the name says {noun}"
    if score - second < MARGIN:
        why += f"; it could also be {runner}"
    return Guess(best, found, reasons_of(best, found, sample), sure, why + ".")


def fitting(record: str, header: list[str], sample: Sample) -> dict[str, Match]:
    """Headers assigned to columns, after their values were looked at."""
    columns, key = columns_of(record), record_type(record).info.key
    kept = []
    for match in matches(header, record):
        column = columns[match.column]
        if match.column == key or column.col.refers:
            kept.append(match)
            continue
        share = sample.share(match.header, column.kind, column.col.words)
        if match.column == "interval" and _intervals(sample, match.header) < HALF:
            continue
        if share is None or share >= MOST:
            kept.append(match)
        elif share >= HALF:
            kept.append(match._replace(likeness=match.likeness * share))
    taken = assign(kept)
    if record == "subscription_lines" and {"mrr", "arr"} & {m.column for m in taken.values()} and all(m.column != "account_id" for m in taken.values()):
        named = next((h for h in header if h not in taken and set(header_words(h).split()) and set(header_words(h).split()) <= NAMES), None)
        if named:  # a list of what is paid that calls its customers no more than `Name`
            taken[named] = Match(BARE_ID_LIKENESS, named, "account_id", header_words(named))
    ids = [name for name in header if not (header_words(name) in COUNTING and counts_rows(sample, name))]
    bare = bare_id(ids, record, {name: match.column for name, match in taken.items()})
    if bare and (record != "accounts" or _one_each(sample, bare.header)):
        taken[bare.header] = bare
    return taken


def counts_rows(sample: Sample, header: str) -> bool:
    """Whether a column numbers the rows as they stand, 1 to n: another order of the list would give its customers other numbers."""
    at = sample.header.index(header)
    stated = [cells[at].strip() for cells in sample.rows]
    return bool(stated) and stated == [str(n) for n in range(1, len(stated) + 1)]


def _one_each(sample: Sample, header: str) -> bool:
    """Whether no value of a column comes twice."""
    values = sample.values(header)
    return len(values) == values.total()


def _intervals(sample: Sample, header: str) -> float:
    """Share of a column's cells that say how often something is billed."""
    values = sample.values(header)
    return sum(n for text, n in values.items() if type(interval_factor(text)) is not Unreadable) / values.total() if values else 1.0


def _score(record: str, found: dict[str, Match], known: dict[str, int], hints: dict[str, float]) -> float:
    """0 to 1: what share of the telling headers it explains, whether required columns and key are there, the name."""
    targets = {match.column for match in found.values()}
    if not targets or (record in NEEDS and not any(m.column in NEEDS[record] and m.likeness > BARE_ID_LIKENESS for m in found.values())):
        return 0.0
    if record == "discounts" and not hints.get(record) and not any(DISCOUNT & set(in_english(header_words(name)).split()) for name in found):
        return 0.0  # an amount of a customer is no discount
    weights = {name: 1 / count for name, count in known.items()}
    explained = sum(weights[name] * match.likeness for name, match in found.items()) / sum(weights.values())
    info, columns = record_type(record).info, columns_of(record)
    required = [c for c in columns.values() if c.required and c.name != info.key and c.name in synonyms(record) and (record, c.name) not in OPTIONAL]
    there = [c for c in required if c.name in targets or targets & set(STANDS_IN.get(c.name, ()))]
    if required and not there:
        return 0.0
    complete = len(there) / len(required) if required else 1.0
    score = 0.5 * explained + 0.3 * complete + (0.2 if info.key in targets else 0.1 if set(info.natural) <= targets and info.natural else 0.0)
    if ELSEWHERE in hints:
        score *= 0.6
    elif hints:
        score = 0.7 * score + 0.3 * hints.get(record, 0.0)
    return score if complete == 1 else 0.7 * score


def _hints(table: Table) -> dict[str, float]:
    """What the names of file and sheet say: the last telling word most. A word for what we do not hold speaks against all."""
    words = header_words(f"{re.sub(r'[.][a-z]+$', '', table.file.lower())} {table.sheet or ''}").split()
    hints: dict[str, float] = {}
    single = [re.sub(r"s$", "", re.sub(r"ies$", "y", re.sub(r"(ss|x|ch|sh)es$", r"\1", word))) for word in words]
    for word in single:
        record = _HINT.get(word)
        if record and not (record == "usage_days" and word == "event" and "churn_events" in hints):
            hints = dict.fromkeys(hints, 0.5) | {record: 1.0}
        elif word in _ELSEWHERE or (word == "line" and "invoices" in hints):
            hints = {ELSEWHERE: 1.0}
    return hints


def reasons_of(record: str, found: dict[str, Match], sample: Sample) -> dict[str, str]:
    columns = columns_of(record)
    reasons = {}
    for name, match in found.items():
        column = columns[match.column]
        reason = "the name says so" if match.likeness > 0.9 else f"the name is close to '{match.synonym}'"
        if match.synonym == header_words(name) and match.likeness <= 0.9:
            reason = "the name says so, though some values do not read" if match.likeness != 0.7 else "a bare id is the row's own"
        named = column.col.refers or column.kind == "text" or match.column == record_type(record).info.key
        share = None if named else sample.share(name, column.kind, column.col.words)
        if share is not None:
            reason += f"; {share:.0%} of the values read as {column.kind}"
        elif not sample.values(name):
            reason += "; all cells of the sample are empty"
        if column.kind == "decimal" and (power := power_of(name)):
            reason += f"; its numbers are {'thousands' if power == 3 else 'millions'}, as the name says"
        reasons[name] = reason
    return reasons
