"""Six accounts, worked by hand: the example of docs/methods/flow.md, to the dollar."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from laer.flow import standing as formulas
from laer.flow.joints import BEFORE, JOINTS, STAGES
from laer.flow.statement import Part
from tests.flow.books import Book, Computed, identity
from tests.metrics.books import FAR, day, line, month

ADA, BEN, CLEO, DAN, EVA, FINN = range(1, 7)
TODAY = day("2026-07-31")
SINCE = day("2025-07-01")  # usage is known from here on


def book() -> Book:
    return Book(
        lines=[
            line(ADA, "2026-01-10", "2026-06-01", 100), line(ADA, "2026-06-01", None, 150),
            line(BEN, "2026-01-20", "2026-06-30", 200),
            line(CLEO, "2026-03-05", "2026-05-15", 300), line(CLEO, "2026-05-15", None, 250),
            line(DAN, "2025-06-01", "2026-06-01", 400), line(DAN, "2026-06-01", None, 500),
            line(EVA, "2026-07-10", None, 120),
            line(FINN, "2026-01-15", "2026-04-01", 80), line(FINN, "2026-06-15", None, 90),
        ],
        before=frozenset({DAN}),
        plans=[
            (ADA, day("2026-01-10"), day("2026-02-01")), (BEN, day("2026-01-20"), FAR), (CLEO, day("2026-03-05"), FAR), (EVA, day("2026-07-12"), FAR),
            (FINN, day("2026-01-15"), day("2026-01-30")),
        ],
        use=[(ADA, day("2026-02-20"), SINCE), (BEN, None, SINCE), (CLEO, day("2026-04-01"), SINCE), (DAN, None, SINCE), (EVA, None, SINCE),
             (FINN, day("2026-02-10"), SINCE)],
        outcomes=[(ADA, day("2026-01-10"), day("2026-05-01")), (BEN, day("2026-01-20"), FAR), (EVA, day("2026-07-10"), FAR), (FINN, day("2026-01-15"), FAR)],
        terms=[
            (ADA, day("2026-01-05"), day("2027-01-10")), (BEN, day("2026-01-20"), day("2027-01-20")), (DAN, day("2025-06-01"), day("2026-06-01")),
            (EVA, day("2026-07-10"), day("2027-07-10")), (FINN, day("2026-01-15"), day("2026-07-15")),
        ],
        dues=[(DAN, day("2026-06-01"), day("2026-06-01"), "signed"), (FINN, day("2026-07-15"), FAR, None)],
    )  # fmt: skip


@pytest.fixture(scope="module")
def computed() -> Iterator[Computed]:
    return Computed(book(), TODAY)


def said(part: Part, *names: str) -> list[int]:
    return [int(part.moves[name]) for name in names]


LEDGER = ("landed", "expansion", "reactivation", "contraction", "churn")


def test_each_cohort_adds_up_to_what_it_pays(computed: Computed):
    flow = computed.flow()
    found = {cohort: (*said(flow.part(cohort, cohort), *LEDGER), int(flow.part(cohort, cohort).closing)) for cohort in flow.cohorts}
    assert found == {
        month("2026-07"): (120, 0, 0, 0, 0, 120),
        month("2026-03"): (300, 0, 0, 50, 0, 250),
        month("2026-01"): (380, 50, 90, 0, 280, 240),
        BEFORE: (400, 100, 0, 0, 0, 500),
    }
    assert said(flow.part(), *LEDGER) == [1200, 150, 90, 50, 280]
    assert flow.part().closing == identity(flow.part().moves) == 1110


def test_everybody_is_in_one_state_at_every_joint(computed: Computed):
    found = {account: tuple(row[joint] for joint in JOINTS) for account, row in computed.accounts().items()}
    assert found == {
        ADA: ("passed", "passed", "passed", "passed", "due"),
        BEN: ("lost", "lost", "lost", "lost", "lost"),
        CLEO: ("late", "passed", "unknown", "unknown", "unknown"),
        DAN: ("unknown", "unknown", "unknown", "passed", "passed"),
        EVA: ("due", "due", "due", "due", "due"),
        FINN: ("passed", "passed", "late", "late", "late"),
    }


def test_rates_are_of_those_of_which_it_is_decided(computed: Computed):
    part = computed.flow().part()
    assert [part.rate(joint) for joint in JOINTS] == [pytest.approx(r) for r in (2 / 4, 3 / 4, 1 / 3, 2 / 4, 1 / 3)]
    assert part.joints["live"]["lost"].landed == 200
    assert part.joints["live"]["lost"].mrr == 0


def test_what_leaked_where_and_nothing_else_is_a_leak(computed: Computed):
    part = computed.flow().part()
    assert {stage: int(part.leak(stage)) for stage in STAGES if part.leak(stage)} == {"live": 200, "outcome": 80, "nowhere": 50}
    assert part.leaked == 330
    assert part.worst() == ("live", 200)
    assert (part.at_risk.accounts, part.at_risk.mrr) == (2, 340)  # Cleo, late to be live, and Finn, once


def test_the_picture_loses_nothing(computed: Computed):
    edges = {(edge.source, edge.target): int(edge.amount) for edge in computed.flow().part().edges()}
    assert edges == {
        ("landed", "live"): 1200 - 400, ("landed", "renewed"): 400, ("grown", "outcome"): 90, ("grown", "renewed"): 50, ("grown", "after"): 100,
        ("live", "leaked:live"): 200, ("live", "standing:live"): 120, ("live", "activated"): 480, ("activated", "outcome"): 480,
        ("outcome", "leaked:outcome"): 80, ("outcome", "standing:outcome"): 90, ("outcome", "renewed"): 400, ("renewed", "standing:renewed"): 150,
        ("renewed", "after"): 400, ("renewed", "nowhere"): 300, ("after", "standing:after"): 500, ("nowhere", "leaked:nowhere"): 50,
        ("nowhere", "standing:nowhere"): 250,
    }  # fmt: skip


def test_a_past_day_sees_nothing_of_what_came_after(computed: Computed):
    then = Computed(book(), day("2026-03-31"), today=TODAY)
    states = {account: (row["live"], row["activated"], row["outcome"], row["mrr"]) for account, row in then.accounts().items()}
    assert states == {
        ADA: ("passed", "passed", "due", 100), BEN: ("late", "late", "due", 200), CLEO: ("due", "due", "unknown", 300),
        DAN: ("unknown", "unknown", "unknown", 400), FINN: ("passed", "passed", "due", 80),
    }  # fmt: skip
    assert said(then.flow().part(), *LEDGER) == [1080, 0, 0, 0, 0]
    assert then.accounts()[DAN]["renewed"] == "due"


def test_the_same_day_computed_then_and_now_is_the_same():
    """With nothing of the future in the book at all."""
    cut = day("2026-03-31")
    whole = book()
    known = Book(
        lines=[type(x)(x.account, x.start, x.end if x.end <= cut else FAR, x.parts) for x in whole.lines if x.start <= cut], before=whole.before,
        plans=[(a, s, d if d <= cut else FAR) for a, s, d in whole.plans if s <= cut],
        use=[(a, d if d is not None and d <= cut else None, s) for a, d, s in whole.use],
        outcomes=[(a, p, r if r <= cut else FAR) for a, p, r in whole.outcomes if p <= cut],
        terms=[row for row in whole.terms if row[1] <= cut], dues=[],
    )  # fmt: skip
    columns = ("cohort", "landed", "mrr", "stage", *JOINTS)
    now, then = Computed(whole, cut, today=TODAY).accounts(), Computed(known, cut).accounts()
    assert {a: [r[c] for c in columns] for a, r in now.items()} == {a: [r[c] for c in columns] for a, r in then.items()}


def test_a_segment_has_deadlines_of_its_own():
    given = book()
    given.segments = {CLEO: "Enterprise"}
    patient = Computed(given, TODAY, allowed={"": (30, 60, 180), "Enterprise": (200, 200, 400)}).accounts()
    assert patient[CLEO]["live"] == "due"
    assert patient[FINN]["outcome"] == "late"
    on_its_last_day = Computed(given, day("2026-04-04"), today=TODAY).accounts()
    assert on_its_last_day[CLEO]["live"] == "due"
    assert Computed(given, day("2026-04-05"), today=TODAY).accounts()[CLEO]["live"] == "late"


def test_a_cell_opens_to_its_accounts(computed: Computed):
    rows = computed.session.fetch(formulas.behind_moves(computed.staged, computed.standing, ("contraction", "churn"))).to_pylist()
    assert {row["account_id"]: (row["amount"], STAGES[row["stage"]]) for row in rows} == {BEN: (200, "live"), CLEO: (50, "nowhere"), FINN: (80, "outcome")}
    late = computed.standing.filter(formulas.late_somewhere(computed.standing))
    assert set(computed.session.fetch(late)["account_id"].to_pylist()) == {CLEO, FINN}
