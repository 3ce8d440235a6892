"""Columns that conditions ask for beside the measures: what changed, lasted, happened, did not happen, or belongs to an account.

Each is named by what it says (`conditions/tree.py`, `Derived.id`), made for any dates as measures are, and unknown wherever the
source that would have shown it does not cover the days that it speaks of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa

from laer.conditions.arrays import Coded
from laer.conditions.expression import to_expr
from laer.conditions.tree import Condition, Derived
from laer.cycle.card_rows import nullable, quotient, values_of
from laer.cycle.facts import AT_ONCE, Wanted, covered, in_order
from laer.cycle.inputs_people import actor
from laer.engine.session import Session
from laer.metrics.happenings import BELONGINGS, HAPPENINGS, USE, Belonging, Happening
from laer.metrics.inputs import INPUTS, records
from laer.metrics.spine import REACH, Spine
from laer.records.expr import BooleanValue, Table, Value, cases, ifelse, literal, table, union
from laer.records.periods import date_of

NUMBER, FLAG = "float64", "boolean"
MOVED = ("change", "difference")
OF_FACTS = (*MOVED, "duration")
FAR = 1 << 24  # above every day number, and below minus every one
KINDS = {"double": "float64", "string": "string", "bool": "boolean", "int32": "int32", "int64": "int64"}
EPOCH = date_of(0)
_Formula = Callable[[Table], Value]


def fields_of(columns: Iterable[Derived]) -> tuple[str, ...]:
    """The measures that columns look at."""
    return tuple(dict.fromkeys(one.source for one in columns if one.derivation in OF_FACTS))


def inputs_of(columns: Iterable[Derived]) -> tuple[str, ...]:
    """The tables that columns look at."""
    rows = [one for one in columns if one.derivation not in OF_FACTS]
    done = [name for one in rows if one.record is not None for name in (*_named_by(one.record), HAPPENINGS[one.record].input)]
    features = ["feature_blocks" for one in rows if one.feature is not None]
    return tuple(dict.fromkeys((*(_rows_of(one).input for one in rows), *done, *features)))


def _named_by(record: str) -> tuple[str, ...]:
    """The tables that say which contact did it."""
    return ("user_blocks", "product_users") if record in USE else ("meetings",)


def dates_of(columns: Iterable[Derived], dates: Iterable[int]) -> tuple[int, ...]:
    """The days at which facts are needed to make columns at some dates."""
    dates, found = tuple(dates), set[int]()
    for one in columns:
        if one.derivation in OF_FACTS:
            days = one.days or 0
            back = range(days) if one.derivation == "duration" else (0, days)
            found |= {day - before for day in dates for before in back}
    return tuple(sorted(found))


def span_of(columns: Iterable[Derived], dates: Iterable[int]) -> tuple[int, int]:
    """The first and the last day on which anything matters to columns at some dates."""
    dates = tuple(dates)
    return min(dates) - max((one.days or 0 for one in columns), default=0), max(dates)


def derive(session: Session, columns: Sequence[Derived], wanted: Wanted, seen: Mapping[str, Sequence[int]], facts: pa.Table | None = None) -> pa.Table:
    """The columns at each date.

    Grain   account_id x d
    In      seen   input -> days on which it has rows of any account of the firm, sorted
            facts  account_id, d and `fields_of`, at `dates_of`; None where no column looks at measures
    Needs   the tables of `inputs_of` in the session
    Out     account_id, d and a column per id: numbers and flags; null is unknown
    """
    engine = [one for one in columns if one.derivation not in MOVED]
    rows = in_order(_asked(session, engine, wanted, seen, facts)) if engine else in_order(wanted.spine(wanted.dates))
    moved: dict[str, pa.Array] = {}
    if len(engine) < len(columns):
        assert facts is not None
        moved = {one.id: _moved(one, rows, facts) for one in columns if one.derivation in MOVED}
    return pa.table({name: moved[name] if name in moved else rows[name] for name in ("account_id", "d", *(one.id for one in columns))})


def _moved(one: Derived, rows: pa.Table, facts: pa.Table) -> pa.Array:
    """What a fact changed by: both days are in memory, and no engine need look for them."""
    there = _keys(facts, 0)
    values = values_of(facts[one.source])
    assert not isinstance(values, Coded), f"{one.source} is a text"

    def back(days: int) -> np.ndarray:
        wanted = _keys(rows, days)
        place = np.minimum(np.searchsorted(there, wanted), max(len(there) - 1, 0))
        return np.where(there[place] == wanted, values[place], np.nan) if len(there) else np.full(len(wanted), np.nan)

    now, before = back(0), back(one.days or 0)
    apart = now - before
    return nullable(apart if one.derivation == "difference" else quotient(apart, before))


def _keys(rows: pa.Table, days: int) -> np.ndarray:
    """An account on the day so many days before, as one number; in the order of the rows."""
    return np.asarray(rows["account_id"].to_numpy() * FAR + (rows["d"].to_numpy().astype(np.int64) - days))


def _asked(session: Session, columns: Sequence[Derived], wanted: Wanted, seen: Mapping[str, Sequence[int]], facts: pa.Table | None) -> pa.Table:
    if facts is not None:
        session.bind("derived_facts", facts)
    parts = []
    for start in range(0, len(wanted.dates), AT_ONCE):
        dates = wanted.dates[start : start + AT_ONCE]
        session.bind("spine", wanted.spine(dates))
        session.bind("spine_dates", pa.table({"d": pa.array(dates, pa.int32())}))
        session.bind("derived_cover", _cover(columns, seen, dates))
        parts.append(session.fetch(_wide(columns, facts)))
    return pa.concat_tables(parts)


def truths(session: Session, condition: Condition, rows: pa.Table, day: date) -> pa.Table:
    """Whether a condition holds for each account. In: rows: account_id and every column that it reads. Out: account_id, truth (null: unknown)."""
    session.bind("condition_rows", rows)
    there = _table(rows, "condition_rows")
    return session.fetch(there.select("account_id", truth=to_expr(condition, there, day)))


def all_truths(session: Session, conditions: Mapping[str, Condition], rows: pa.Table, day: date) -> pa.Table:
    """The same of many conditions, in one look at the rows. Out: account_id, sorted, and a column per condition."""
    found = rows.select(["account_id"]).sort_by("account_id")
    if not conditions:
        return found
    session.bind("condition_rows", rows)
    there = _table(rows, "condition_rows")
    names = list(conditions)
    asked = {f"t{place}": to_expr(conditions[name], there, day) for place, name in enumerate(names)}
    made = session.fetch(there.select("account_id", **asked)).sort_by("account_id")
    return made.rename_columns(["account_id", *names])


def _cover(columns: Sequence[Derived], seen: Mapping[str, Sequence[int]], dates: Sequence[int]) -> pa.Table:
    """Whether each column's source covers its window on each date: it began before the window did, and is fresh."""
    fresh = covered(seen, dates)
    made: dict[str, pa.Array] = {"d": pa.array(dates, pa.int32())}
    for place, one in enumerate(columns):
        if one.derivation in OF_FACTS:
            continue
        name, window = (_rows_of(one) if one.record is None else HAPPENINGS[one.record]).input, (one.days or 1) - 1
        first = seen[name][0] if seen.get(name) else None
        made[f"c{place}"] = pa.array([first is not None and first <= d - window and so for d, so in zip(dates, fresh[name].to_pylist(), strict=True)])
        if one.record is not None:
            made[f"p{place}"] = fresh[_rows_of(one).input]
    return pa.table(made)


def _wide(columns: Sequence[Derived], facts: pa.Table | None) -> Table:
    spine = Spine()
    of_window = {f"c{place}": "boolean" for place, one in enumerate(columns) if one.derivation not in OF_FACTS}
    of_window |= {f"p{place}": "boolean" for place, one in enumerate(columns) if one.record is not None}
    wide = spine.keys.inner_join(table({"d": "int32", **of_window}, "derived_cover"), "d")
    for place, one in enumerate(columns):
        there = None if facts is None else _table(facts, "derived_facts")
        found, value = _column(one, spine, there, f"c{place}")
        wide = wide.left_join(found.rename(account="account_id", day="d"), [("account_id", "account"), ("d", "day")])
        wide = wide.mutate(**{one.id: value(wide)}).drop("account", "day", *(name for name in found.columns if name not in ("account_id", "d")))
    return wide.select("account_id", "d", *(one.id for one in columns))


def _column(one: Derived, spine: Spine, facts: Table | None, cover: str) -> tuple[Table, _Formula]:
    """What stands beside each key, and the column's value from it."""
    days = one.days or 0
    if one.derivation in OF_FACTS:
        assert facts is not None
        return _lasted(one, spine, facts)
    of = _rows_of(one)
    rows = records()[of.input]
    rows = rows if of.only is None else rows.filter(of.only(rows))
    if isinstance(of, Belonging) and one.record is not None:
        return _did(one, of, spine, rows, cover, f"p{cover[1:]}")
    if isinstance(of, Belonging):
        held = spine.alive(rows, of.start, of.end)
        nothing: Value = literal(False)
        return held.group_by("account_id", "d").agg(n_=held.count()), lambda t: _known(t.n_.notnull(), literal(True), t[cover], nothing)
    if one.feature is not None:
        used = spine.days_of_blocks(records()["feature_blocks"], days)
        used = used.filter(used.actor == actor(one.feature)).select("account_id", "d", n_=used.days.cast(NUMBER))
        return used, lambda t: ifelse(t[cover], t.n_.fill_null(0.0), literal(None, NUMBER))
    happened = spine.within(rows, of.day, days, large=INPUTS[of.input].record == "usage_days" and days <= REACH)
    often = happened.count() if of.times is None else happened[of.times].sum()
    found = happened.group_by("account_id", "d").agg(n_=often.cast(NUMBER))
    if one.derivation == "absence":
        return found, lambda t: _known(t.n_.fill_null(0.0) > 0, literal(False), t[cover], literal(True))
    return found, lambda t: ifelse(t[cover], t.n_.fill_null(0.0), literal(None, NUMBER))


def _did(one: Derived, of: Belonging, spine: Spine, people: Table, cover: str, whole: str) -> tuple[Table, _Formula]:
    """Of the account's people how many did it in the window, and whether rows that name nobody leave that open."""
    assert one.record is not None
    held = spine.alive(people, of.start, of.end).select("account_id", "d", "contact_id").distinct()
    named, nameless = _users(spine, held, one.days or 0) if one.record in USE else _met(spine, one)
    both = held.left_join(named, [held.account_id == named.account_id, held.d == named.d, held.contact_id == named.who])
    both = both.select(held.account_id, held.d, did=named.who.notnull())
    counted = both.group_by("account_id", "d").agg(all_=both.count(), did_=both.did.sum())
    found = counted.left_join(nameless, ["account_id", "d"]).select("account_id", "d", "all_", "did_", "open_")

    def value(t: Table) -> Value:
        nobody, sure = t.all_.isnull() & t[whole], t[cover] & (t.open_.fill_null(0) == 0)  # nothing hides who did it
        none = literal(None, FLAG)
        if one.present:
            return cases((t.did_.fill_null(0) > 0, literal(True)), (nobody | (t.all_.notnull() & sure), literal(False)), else_=none)
        return cases((nobody | (t.all_ == t.did_), literal(False)), (t.all_.notnull() & sure, literal(True)), else_=none)

    return found, value


def _met(spine: Spine, one: Derived) -> tuple[Table, Table]:
    """Which contacts rows name, and how many rows name nobody: one of these may be of anybody."""
    met = records()["meetings"]
    seen = spine.within(met.filter(met.happened == one.record), "on_d", one.days or 0)
    named = seen.filter(seen.contact_id.notnull()).select("account_id", "d", who=seen.contact_id).distinct()
    return named, seen.group_by("account_id", "d").agg(open_=seen.contact_id.isnull().sum())


def _users(spine: Spine, held: Table, days: int) -> tuple[Table, Table]:
    """Which contacts used it, as the users of the product who they are; and what leaves open whether others did.

    That is use of which no user is named; and, where some of the people are no user that we know, the users of whom no contact is known.
    """
    there = records()
    active = spine.days_of_blocks(there["user_blocks"], days)
    known = spine.alive(there["product_users"], "from_d", "until_d")
    links = known.group_by("account_id", "d", "actor").agg(who=known.contact_id.max(), ours=known.internal.max())
    links = links.select(account="account_id", day="d", user="actor", who="who", ours="ours")
    used = active.left_join(links, [active.account_id == links.account, active.d == links.day, active.actor == links.user])
    named = used.filter(used.who.notnull()).select("account_id", "d", "who").distinct()
    strangers = used.filter(used.who.isnull() & ~used.ours.fill_null(False)).select("account_id", "d", what=literal(1)).distinct()
    users = links.filter(links.who.notnull()).select("account", "day", user_="who").distinct()
    people = held.left_join(users, [held.account_id == users.account, held.d == users.day, held.contact_id == users.user_])
    unlinked = people.filter(people.user_.isnull()).select("account_id", "d").distinct()
    may_be = strangers.inner_join(unlinked, ["account_id", "d"]).select("account_id", "d", "what")
    did = spine.within(there["account_days"], "day_d", days, large=days <= REACH).select("account_id", "d").distinct()
    somebody = active.select(account="account_id", day="d").distinct()
    nobody = did.left_join(somebody, [did.account_id == somebody.account, did.d == somebody.day])
    nobody = nobody.filter(nobody.account.isnull()).select("account_id", "d", what=literal(1))
    either = union(may_be, nobody)
    return named, either.group_by("account_id", "d").agg(open_=either["what"].sum())


def _known(there: BooleanValue, said: Value, covers: BooleanValue, nothing: Value) -> Value:
    """What rows say; where there are none, what that means if the source covers the days, else unknown."""
    return ifelse(there, said, ifelse(covers, nothing, literal(None, FLAG)))


def _lasted(one: Derived, spine: Spine, facts: Table) -> tuple[Table, _Formula]:
    """On how many of the last days the test was true, and on how many false."""
    test, days = one.test, one.days or 0
    assert test is not None
    seen = spine.within(facts.select("account_id", on_d=facts.d, of=facts[one.source]), "on_d", days)
    truth = to_expr(replace(test, field="of"), seen, EPOCH)  # no test of a length of time lasts (`checking`): the day does not matter
    counted = seen.mutate(truth_=truth).group_by("account_id", "d")
    found = counted.agg(yes_=lambda t: t.truth_.sum().fill_null(0), no_=lambda t: (~t.truth_).sum().fill_null(0))
    return found, lambda t: ifelse(t.no_ > 0, literal(False), ifelse(t.yes_ == days, literal(True), literal(None, FLAG)))


def _rows_of(one: Derived) -> Happening | Belonging:
    return BELONGINGS[one.source] if one.derivation == "related" else HAPPENINGS[one.source]


def _table(rows: pa.Table, name: str) -> Table:
    return table({field.name: KINDS[str(field.type)] for field in rows.schema}, name)
