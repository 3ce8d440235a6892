"""Since when each account is in its state of each motion: stays, written by each pass from what it found, and back-filled once by month ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from laer.cycle.position_stays import Stay, stays_of
from laer.cycle.positions import Placed, Ruled, seen_of
from laer.cycle.questions import Desk
from laer.cycle.scope import Scope
from laer.flow.positions import column_of
from laer.records.periods import date_of, day_number
from laer.web.book import writing
from laer.web.runs import in_use, snapshots
from laer.web.runs.jobs import enqueue
from laer.web.runs.latest import last_run
from laer.web.runs.measured import facts_table
from laer.web.runs.models import Job, JobState, PassRun, PositionStay
from laer.web.runs.trend import month_ends

KEY = "positions"
SECONDS = 600.0  # that the months before may take, in the background
Chunks = Callable[[Sequence[Any], Callable[[Any], Any]], None]


def write(run: PassRun, found: Placed, existing: pa.Table, accounts: frozenset[int] | None, chunks: Chunks) -> int:
    """Begin and end stays; how many moves. What is unknown moves nobody. Idempotent: a pass that was killed and runs again finds the rest.

    Only accounts whose state is another than the run before published are looked up: on a quiet night few are.
    """
    ruling = {one.motion: one for one in in_use.ruling_of(run).motions}
    before = last_run()
    marks, old_marks = run.position.get("positions", {}), before.position.get("positions", {}) if before else {}
    moved, last = 0, facts_table(before, ["account_id", *map(column_of, ruling)], Scope(True))
    for motion, one in ruling.items():
        same = before is not None and old_marks.get(motion) == marks[motion]
        moved += _of_motion(run, one, marks[motion], found, before if same else None, last if same else None, existing, chunks)
    if accounts is None:
        moved += _ended(run, set(ruling), set(found.states["account_id"].to_pylist()), chunks)
    return moved


def _of_motion(
    run: PassRun, one: Ruled, mark: str, found: Placed, before: PassRun | None, last: pa.Table | None, existing: pa.Table, chunks: Chunks
) -> int:
    """In: before, last: the run before and its states, where it found them by the same rules."""
    column, rule = column_of(one.motion), f"{one.motion}_rule"
    ids, now = found.states["account_id"].combine_chunks(), found.states[column].combine_chunks()
    changed = pc.is_valid(now)
    place = None if last is None or column not in last.column_names else pc.index_in(ids, last["account_id"].combine_chunks())
    if last is not None and place is not None:
        was = last[column].combine_chunks().take(place)
        changed = pc.and_(changed, pc.fill_null(pc.not_equal(now, was), True))
    at = pc.indices_nonzero(changed).to_pylist()
    if not at:
        return 0
    known_from = None if before is None else day_number(before.as_of)
    since = dict(zip(existing["account_id"].to_pylist(), existing["since"].to_pylist(), strict=True))
    rules = found.rules[rule].to_pylist()
    moves = 0

    def move(part: Sequence[int]) -> None:
        nonlocal moves
        wanted = {ids[row].as_py(): row for row in part}
        open_, ended = _standing(one.motion, mark, run.as_of, list(wanted))
        begun: list[PositionStay] = []
        again: list[int] = []
        left: dict[bool, list[int]] = {False: [], True: []}
        dropped: list[int] = []
        read = dict(zip(wanted, found.read.take(pa.array(list(wanted.values()))).to_pylist(), strict=True))
        for account, row in wanted.items():
            state, held = now[row].as_py(), open_.get(account)
            if held is not None and held.mark == mark and held.state == state:
                continue
            if held is not None:
                if held.from_on == run.as_of and held.mark == mark:
                    dropped.append(held.pk)  # it was there at the end of no day
                else:
                    left[held.mark != mark].append(held.pk)
            if (account, state) in ended:
                again.append(ended[account, state])
                continue
            base = (held is None or held.mark != mark) and (known_from is None or since.get(account, known_from) <= known_from)
            begun.append(PositionStay(
                account_id=account, motion=one.motion, state=state, mark=mark, from_on=run.as_of, begins_base=base, rule=rules[row],
                because=_plain(seen_of(one, rules[row], read[account])), run_id=run.pk,
            ))  # fmt: skip
        PositionStay.objects.filter(pk__in=dropped).delete()
        for base_too, stays in left.items():
            PositionStay.objects.filter(pk__in=stays).update(until_on=run.as_of, until_run_id=run.pk, ends_base=base_too)
        PositionStay.objects.filter(pk__in=again).update(until_on=None, until_run_id=None, ends_base=False)
        PositionStay.objects.bulk_create(begun)
        moves += len(begun) + len(again)

    chunks(at, move)
    return moves


def _standing(motion: str, mark: str, today: date, accounts: list[int]) -> tuple[dict[int, PositionStay], dict[tuple[int, str], int]]:
    """The open stay of each of some accounts, and those that ended today: an account that comes back the same day was never away."""
    stays = PositionStay.objects.filter(motion=motion, account_id__in=accounts)
    open_ = {stay.account_id: stay for stay in stays.filter(until_on=None)}
    return open_, {(stay.account_id, stay.state): stay.pk for stay in stays.filter(until_on=today, mark=mark)}


def _ended(run: PassRun, motions: set[str], there: set[int], chunks: Chunks) -> int:
    """Stays in motions without rules, and of accounts that are gone, end; that is no exit."""
    open_ = PositionStay.objects.filter(until_on=None)
    gone = list(open_.exclude(motion__in=motions).values_list("pk", flat=True))
    ids = set(open_.filter(motion__in=motions).values_list("account_id", flat=True).distinct()) - there
    for part in writing.chunks(sorted(ids)):
        gone += open_.filter(account_id__in=part).values_list("pk", flat=True)
    chunks(gone, lambda part: PositionStay.objects.filter(pk__in=part).update(until_on=run.as_of, until_run_id=run.pk, ends_base=True))
    return len(gone)


def _plain(seen: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in seen.items()}


# -- the months before --------------------------------------------------------------------------------------------------


def lacking(run: PassRun) -> list[str]:
    """The motions of a run in which a stay has no beginning that anybody saw or looked for. One query."""
    marks = run.position.get("positions", {})
    base = PositionStay.objects.filter(until_on=None, begins_base=True, replayed=False, mark__in=marks.values())
    there = set(base.order_by().values_list("motion", flat=True).distinct()) if marks else set()
    return [motion for motion in marks if motion in there]


def ask_if_due() -> None:
    """Have the months before computed where the run that pages show lacks them. Two or three small queries."""
    run = last_run()
    if run is not None and not Job.objects.filter(unique_key=KEY, state__in=[JobState.READY, JobState.RUNNING]).exists() and lacking(run):
        enqueue(KEY, unique_key=KEY, priority=-1)


def look_back(progress: Callable[..., None] | None = None) -> int:
    """What the job does."""
    run = last_run()
    motions = [] if run is None else lacking(run)
    if run is None or not motions:
        return 0
    return back_fill(run, motions, lambda: progress() if progress else None)


def back_fill(run: PassRun, motions: Iterable[str], beat: Callable[[], None] = lambda: None) -> int:
    """Compute the positions at the last month ends by the code of a pass, and write the stays that they make before what passes saw themselves.

    A stay that goes on in one that a pass found as base gives it its beginning. Idempotent: what was replayed before by the same rules is
    written anew. Returns how many stays were written.
    Raises  QuestionFault, TimeoutError as a desk does
    """
    names = list(motions)
    days = tuple(map(day_number, month_ends(run.as_of)))[:-1]
    columns = tuple(column_of(motion) for motion in names)
    asked = Desk(snapshots.open_run, seconds=SECONDS).ask("facts", {"measures": columns, "dates": days}, Scope(True), run.pk)
    states = asked.sort_by([("account_id", "ascending"), ("d", "ascending")])
    existing = snapshots.read_one(run.pk, "existing")
    since = dict(zip(existing["account_id"].to_pylist(), existing["since"].to_pylist(), strict=True))
    written = 0
    for motion in names:
        beat()
        written += _replayed(run, motion, list(stays_of(states, column_of(motion), since)))
        mark = run.position["positions"][motion]
        PositionStay.objects.filter(motion=motion, mark=mark, until_on=None, begins_base=True, from_on__lte=run.as_of).update(replayed=True)
    return written


def _replayed(run: PassRun, motion: str, stays: list[Stay]) -> int:
    mark = run.position["positions"][motion]
    of: dict[int, list[Stay]] = {}
    for stay in stays:
        of.setdefault(stay.account, []).append(stay)
    written = 0
    for part in writing.chunks(sorted(of)):
        with transaction.atomic():
            mine = PositionStay.objects.filter(motion=motion, mark=mark, account_id__in=part)
            mine.filter(replayed=True, until_on__isnull=False, run_id=0).delete()
            first: dict[int, PositionStay] = {}
            for seen in mine.order_by("from_on", "id"):
                first.setdefault(seen.account_id, seen)
            made: list[PositionStay] = []
            longer: list[PositionStay] = []
            for account in part:
                live = first.get(account)
                for stay in of[account]:
                    until = stay.until_d
                    if live is not None and until is None:
                        if live.begins_base and live.state == stay.state and not live.replayed:
                            live.from_on, live.begins_base, live.replayed = min(live.from_on, date_of(stay.from_d)), stay.base, True
                            longer.append(live)
                            continue
                        until = day_number(live.from_on)
                        if live.begins_base:
                            live.begins_base = False  # the state before it is known now: it is an entry
                            longer.append(live)
                    if until is None or until > stay.from_d:
                        made.append(PositionStay(
                            account_id=account, motion=motion, state=stay.state, mark=mark, from_on=date_of(stay.from_d),
                            until_on=None if until is None else date_of(until), begins_base=stay.base, replayed=True, run_id=0, until_run_id=run.pk,
                        ))  # fmt: skip
            PositionStay.objects.bulk_update(longer, ["from_on", "begins_base", "replayed"])
            PositionStay.objects.bulk_create(made)
            written += len(made) + len(longer)
    return written


def of_account(account: int) -> dict[str, PositionStay]:
    """Motion -> the stay that is open. One query."""
    return {stay.motion: stay for stay in PositionStay.objects.filter(account_id=account, until_on=None)}


def history_of(account: int) -> list[PositionStay]:
    """All stays of an account, the newest first. One query."""
    return list(PositionStay.objects.filter(account_id=account).order_by("-from_on", "motion", "-id")[:200])
