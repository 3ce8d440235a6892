"""Scores of accounts at any dates: what scorecards read, their points, the fold of their bands. The arithmetic is `scores/points.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.conditions.arrays import Coded
from laer.conditions.tree import derived, references
from laer.cycle.card_rows import Read, nullable
from laer.cycle.fact_source import read_by
from laer.cycle.own_measures import Measures, Source
from laer.cycle.scorecards import HEALTH, HEALTH_CARD, HEALTH_SCORE, OF_ALL, Carded, Scorecards
from laer.scores import bands, peers
from laer.scores.points import HOLDS, Flags, Known, Numbers, Places, Said, Scored, peers_id, score, trend_id
from laer.scores.scorecard import Leaf

BITS = ("green", "yellow", "green_before", "yellow_before")  # of a card: held after this day, and after the one before
PEERS = pa.schema([("column", pa.string()), ("segment", pa.string()), ("value", pa.float64())])


CHANGES = pa.schema(
    [("account_id", pa.int64()), ("card", pa.string()), ("before", pa.string()), ("band", pa.string()), ("score", pa.float64())]
)  # fmt: skip


@dataclass(frozen=True)
class Before:
    """What the last pass held: account_id and the bits of each card, what each card meant, and as of which day number."""

    bits: pa.Table
    marks: Mapping[str, str]
    day: int


@dataclass(frozen=True)
class Applied:
    """A card's result for the rows that it is about, and their places among all."""

    at: Places
    of: Scored

    def whole(self, values: Numbers, rows: int) -> Numbers:
        """Values of its rows among all rows; NaN elsewhere."""
        found = np.full(rows, np.nan)
        found[self.at] = values
        return found


@dataclass(frozen=True)
class Scores:
    """table   account_id, d and the columns asked for, sorted
    beside  account_id, d and what cards read that is no measure: changes within windows, places among peers
    bits    account_id and the bits of each card after the last date
    peers   `PEERS`: what places were taken among, at the last date
    cards   card -> its result;  rows: everything that they read, keys first
    begun   card -> what was held before the first date, by account: nothing, where no pass before it has computed the card as it is
    """

    table: pa.Table
    beside: pa.Table
    bits: pa.Table
    peers: pa.Table
    cards: Mapping[str, Applied]
    rows: pa.Table
    begun: Mapping[str, bands.Held]


def compute(
    source: Source, cards: Scorecards, measures: Measures, dates: Sequence[int], names: Iterable[str] | None = None, before: Before | None = None,
    among: pa.Table | None = None,
) -> Scores:  # fmt: skip
    """Scores at some dates, in their order: a band at one is held from those before it.

    In   measures  without those of cards;  names  columns of cards, None: all
         before    what the pass before held;  among  `PEERS` of the whole firm, where the source has a part of it only (one date)
    """
    dates = tuple(sorted(dates))
    wanted = tuple(cards.measures) if names is None else tuple(names)
    used = cards.needed(wanted)
    rows = read_by(source, measures, (test for one in used for test in one.tests), dates, _plain(used, measures))
    read = Read(rows, measures, cards.measures)
    places, kept = _places(used, read, among)
    since = Since(read, source, measures, cards)
    results: dict[str, Applied] = {}
    shown: dict[str, pa.Array] = {}
    begun: dict[str, bands.Held] = {}
    bits = {"account_id": pa.array(read.ids)}
    for one in used:
        card, truths = one.card, read.truths(one.conditions)
        at = np.flatnonzero(truths["applies"] == HOLDS)
        known = known_of(one, read, truths, {leaf.key: since.connected(one, leaf) for leaf in card.leaves})
        found = score(card, known if len(at) == known.rows else known.taken(at))
        results[card.id] = Applied(at, found)
        begun[card.id] = _begun(one, read, before, dates, replace(measures, cards=cards))
        held, after = _fold(one, results[card.id], read, begun[card.id])
        columns = {
            card.score_id: nullable(results[card.id].whole(found.score / 100, known.rows)), card.band_id: _named(held),
            card.coverage_id: nullable(results[card.id].whole(found.coverage / 10_000, known.rows)),
        }  # fmt: skip
        read.add(columns)
        shown |= columns
        bits |= {f"{card.id}__{name}": nullable(values) for name, values in zip(BITS, after, strict=True)}
    shown |= _health(cards.health, results, read) if set(wanted) & set(OF_ALL) else {}
    keys = rows.select(["account_id", "d"])
    extras = {column.id: rows[column.id] for one in used for column in one.columns if column.id in rows.column_names} | places
    return Scores(_beside(keys, {name: shown[name] for name in wanted}), _beside(keys, extras), pa.table(bits), kept, results, read.rows, begun)


def of_pass(source: Source, measures: Measures, day: int, before: Before | None, among: pa.Table | None) -> Scores:
    """Scores of the day of a pass; without scorecards, keys alone."""
    cards = measures.cards
    return compute(source, cards if isinstance(cards, Scorecards) else Scorecards(), measures.plain, (day,), None, before, among)


def changes(scored: Scores) -> pa.Table:
    """Bands of a pass that are not those that the day before ended with, where both are known. Grain: account_id x card."""
    parts = [CHANGES.empty_table()]
    ids = scored.table["account_id"].combine_chunks()
    for name, result in scored.cards.items():
        old = scored.begun[name]
        was = np.where(np.isnan(old.green), bands.UNSCORED, np.where(old.green == 1, 0, np.where(old.yellow == 1, 1, 2)))
        now, then = scored.table[f"band_{name}"].combine_chunks(), _named(was)
        moved = pc.indices_nonzero(pc.fill_null(pc.not_equal(now, then), False))
        points = nullable(result.whole(result.of.score / 100, len(ids)))
        parts.append(pa.table([ids.take(moved), pa.array([name] * len(moved), pa.string()), *(one.take(moved) for one in (then, now, points))], schema=CHANGES))
    return pa.concat_tables(parts)


def beside(rows: pa.Table, more: pa.Table) -> pa.Table:
    """The columns of a table with the same keys in the same order."""
    for name in more.column_names[2:]:
        rows = rows.append_column(name, more[name])
    return rows


def _plain(used: Iterable[Carded], measures: Measures) -> list[str]:
    return list(dict.fromkeys(name for one in used for name in one.reads if name in measures))


def _beside(keys: pa.Table, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    for name, column in columns.items():
        keys = keys.append_column(name, column)
    return keys


def _named(places: Places) -> pa.Array:
    return pa.array(bands.NAMES, pa.string()).take(pa.array(places))


def known_of(one: Carded, read: Read, truths: Mapping[str, Said], linked: Mapping[str, Flags]) -> Known:
    """What a card reads, as its arithmetic takes it."""
    numbers, texts = {}, {}
    for leaf in one.card.leaves:
        for name in leaf.reads:
            if read.kind(name) == "text":
                texts[name] = read.text(name)
            elif leaf.trend is None and leaf.percentile is None:
                numbers[name] = read.number(name)
        if leaf.trend is not None or leaf.percentile is not None:
            column = trend_id(leaf) if leaf.trend else peers_id(leaf)
            numbers[column] = read.number(column)
    return Known(read.rows.num_rows, numbers, texts, truths, linked)


class Since:
    """Since when the sources behind parts say anything of any account."""

    def __init__(self, read: Read, source: Source, measures: Measures, cards: Scorecards) -> None:
        self.read, self.source, self.measures, self.cards = read, source, measures, cards
        self._there: dict[str, Flags] = {}

    def connected(self, one: Carded, leaf: Leaf) -> Flags:
        """Whether all sources behind a part do, by each row's date; of rules: one of them does."""
        if leaf.rules is not None:
            asked = [condition for name, condition in one.conditions.items() if name.rpartition(" ")[0] == leaf.key]
            named = [read_ for condition in asked for read_ in (*references(condition), *(c.source for c in derived(condition)))]
            found = [self.there(name) for name in dict.fromkeys(named) if name in self.measures or name in self.cards.measures]
            return np.asarray(np.logical_or.reduce(found)) if found else np.ones(self.read.rows.num_rows, bool)
        return np.asarray(np.logical_and.reduce([self.there(name) for name in leaf.reads]))

    def there(self, name: str) -> Flags:
        """Of another card's score: whether it is known of any account on the date."""
        if name not in self._there:
            if name in self.cards.measures:
                known = self.read.rows[name].is_valid().to_numpy()
                self._there[name] = np.isin(self.read.days, np.unique(self.read.days[known]))
            else:
                seen = self.source.seen
                firsts = [seen[one][0] if seen.get(one) else np.inf for one in self.measures.inputs_behind(name)]
                self._there[name] = np.asarray(self.read.days >= max(firsts, default=-np.inf))
        return self._there[name]


def _places(used: Iterable[Carded], read: Read, among: pa.Table | None) -> tuple[dict[str, pa.Array], pa.Table]:
    """Places among peers, and what they were taken among at the last date."""
    found: dict[str, pa.Array] = {}
    kept = [PEERS.empty_table()]
    for leaf in (leaf for one in used for leaf in one.card.leaves if leaf.percentile is not None):
        name = peers_id(leaf)
        if name in found:
            continue
        assert leaf.measure is not None
        assert leaf.percentile is not None
        values, made = read.number(leaf.measure), np.full(read.rows.num_rows, np.nan)
        codes, words = _segments(read) if leaf.percentile.peers == "segment" else (np.zeros(read.rows.num_rows, np.int64), ("",))
        for day in read.dates:
            at = read.at(day)
            whole = peers.grid(values[at]) if among is None else _grid_of(among, name, None)
            for code in np.flatnonzero(np.bincount(codes[at], minlength=len(words))).tolist():
                mine = at[codes[at] == code]
                grid = peers.grid(values[mine]) if among is None else _grid_of(among, name, words[code])
                made[mine] = peers.places(values[mine], grid if len(grid) >= peers.FEWEST else whole)
                if day == read.dates[-1]:
                    kept.append(_grid_table(name, words[code], grid))
            if day == read.dates[-1]:
                kept.append(_grid_table(name, None, whole))
        found[name] = nullable(made)
        read.add({name: found[name]})
    return found, pa.concat_tables(kept)


def _segments(read: Read) -> tuple[Places, tuple[str, ...]]:
    """The segment of each row as a number, and their names; those without one are a segment of their own."""
    told = read.text("segment")
    return np.where(told.codes < 0, len(told.words), told.codes), (*told.words, "")


def _grid_table(column: str, segment: str | None, grid: Numbers) -> pa.Table:
    return pa.table({"column": [column] * len(grid), "segment": [segment] * len(grid), "value": grid}, schema=PEERS)


def _grid_of(among: pa.Table, column: str, segment: str | None) -> Numbers:
    mine = pc.is_null(among["segment"]) if segment is None else pc.equal(among["segment"], segment)
    return np.asarray(among.filter(pc.and_(pc.equal(among["column"], column), mine))["value"].to_numpy())


def _begun(one: Carded, read: Read, before: Before | None, dates: Sequence[int], marked: Measures) -> bands.Held:
    if before is None or not dates or before.marks.get(one.card.id) != mark(one, marked):
        return bands.Held.nothing(len(read.ids))
    return _remembered(one.card.id, before, read.ids, again=before.day >= dates[0])


def _fold(one: Carded, found: Applied, read: Read, begun: bands.Held) -> tuple[Places, tuple[Numbers, ...]]:
    """The held band of each row, and the bits of each account after the last date and before it."""
    state, last = bands.Held(begun.green.copy(), begun.yellow.copy()), begun
    held = np.full(read.rows.num_rows, bands.UNSCORED)
    scored = np.flatnonzero(~np.isnan(found.of.score))
    at, score, limit = found.at[scored], found.of.score[scored], found.of.limit[scored]  # a day without a score changes nothing that is held
    days = read.days[at]
    for day in read.dates:
        now = np.flatnonzero(days == day) if len(read.dates) > 1 else np.arange(len(at))
        who = read.place[at[now]]
        if day == read.dates[-1] and day != read.dates[0]:
            last = bands.Held(state.green.copy(), state.yellow.copy())
        after = bands.hold(score[now], limit[now], bands.Held(state.green[who], state.yellow[who]), one.card.bands)
        held[at[now]] = bands.held(score[now], after)
        state.green[who], state.yellow[who] = after.green, after.yellow
    return held, (state.green, state.yellow, last.green, last.yellow)


def _remembered(card: str, before: Before, ids: np.ndarray, *, again: bool) -> bands.Held:
    """What the pass before held after its day; a second pass of a day begins where the day before ended."""
    ending = "_before" if again else ""
    if f"{card}__green" not in before.bits.column_names:
        return bands.Held.nothing(len(ids))
    place = pc.index_in(pa.array(ids), before.bits["account_id"].combine_chunks())
    columns = (before.bits[f"{card}__{name}{ending}"].combine_chunks().take(place).to_numpy(zero_copy_only=False).astype(np.float64) for name in BITS[:2])
    return bands.Held(*columns)


def mark(one: Carded, measures: Measures) -> str:
    """Of what a card asks, own measures and other cards behind it too: another name is the same card."""
    behind = measures.meaning([name for name in one.reads if name in measures])
    return sha256(f"{one.meaning}\n{behind}".encode()).hexdigest()[:16]


def _health(cards: Sequence[Carded], results: Mapping[str, Applied], read: Read) -> dict[str, pa.Array]:
    """The first card that applies and knows enough; where none does, the first that applies says by which the account is unknown."""
    n = read.rows.num_rows
    chosen, sure = np.full(n, -1), np.full(n, -1)
    for place in reversed(range(len(cards))):
        result = results[cards[place].card.id]
        chosen[result.at] = place
        sure[result.at[~np.isnan(result.of.score)]] = place
    chosen = np.where(sure >= 0, sure, chosen)
    band, points = np.full(n, bands.UNSCORED), np.full(n, np.nan)
    for place, one in enumerate(cards):
        mine, result = chosen == place, results[one.card.id]
        band[mine] = _codes(read.text(one.card.band_id))[mine]
        points[mine] = result.whole(result.of.score / 100, n)[mine]
    named = pa.array([one.card.id for one in cards], pa.string()).take(pa.array(chosen, mask=chosen < 0))
    return {HEALTH: _named(band), HEALTH_SCORE: nullable(points), HEALTH_CARD: named}


def _codes(told: Coded) -> Places:
    """Bands as `bands.NAMES` counts them."""
    names = bands.NAMES.tolist()
    return np.array([*(names.index(word) for word in told.words), bands.UNSCORED])[told.codes]  # the last is for -1
