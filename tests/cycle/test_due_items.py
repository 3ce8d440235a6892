"""What fell due and what became of it: the worked example of docs/methods/renewal-rates.md, and what holds whatever the contracts are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from laer.cycle.book_lines import book_lines
from laer.cycle.company import Periods, count
from laer.cycle.due_items import Around, Called, due_items
from laer.cycle.fact_inputs import schema_of
from laer.cycle.terms import counting
from laer.engine.session import DuckDBSession
from laer.metrics.policy import load_policy
from laer.records.periods import date_of, day_number
from laer.renew.measures import COMPANY
from laer.renew.outcomes import kept
from tests.cycle.test_terms import D, rows

Row = dict[str, Any]
CORE, SEATS, EXTRA = 1, 2, 3
PRODUCTS = rows("products", *({"product_id": number, "name": name, "family": name} for number, name in ((CORE, "Core"), (SEATS, "Seats"), (EXTRA, "Extra"))))
NOBODY = Around({}, {}, {})


def items(lines: list[Row], contracts: list[Row], as_of: str, notice: dict[int, str] | None = None, around: Around = NOBODY) -> list[Row]:
    policy, hi = load_policy(), day_number(D(as_of))
    stated = rows("subscription_lines", *lines)
    when = counting(stated, rows("contracts", *contracts), rows("churn_events"), policy, D(as_of))
    given = book_lines(stated, policy, "USD", {}, when).given
    told = {number: day_number(D(day)) for number, day in (notice or {}).items()}
    columns = due_items(when, stated, given, PRODUCTS, told, around, policy.grace_days, hi)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)] if columns else []


def line(contract: int, start: str, end: str | None, mrr: int, product: int | None = None, account: int | None = None) -> Row:
    number = contract * 10 + (product or 0)
    return {
        "line_id": number, "subscription_id": number, "account_id": account or contract // 10, "contract_id": contract, "product_id": product, "start_on": D(start),
        "end_on": D(end) if end else None, "mrr_num": mrr, "mrr_den": 1,
    }  # fmt: skip


def term(contract: int, start: str = "2025-04-01", end: str = "2026-04-01", **more: Any) -> Row:
    dates = {name: D(value) if name.endswith("_on") else value for name, value in more.items()}
    return {"contract_id": contract, "account_id": contract // 10, "start_on": D(start), "end_on": D(end), **dates}


YEAR, NEXT = ("2025-04-01", "2026-04-01"), ("2026-04-01", "2027-04-01")
LINES = [
    line(11, *YEAR, 100), line(12, *NEXT, 150),  # Alder grows: the next contract names the one before
    line(21, *YEAR, 150, CORE), line(21, *YEAR, 50, SEATS), line(22, *NEXT, 160, CORE),  # Birch drops its seats; no signature is known
    line(31, *YEAR, 300),  # Cedar cancels
    line(41, *YEAR, 400),  # Dogwood's renews by itself
    line(51, *YEAR, 50), line(52, *YEAR, 50), line(53, *NEXT, 50),  # of Elm's two one goes on, signed on 12 April
    line(61, *YEAR, 100),  # Fir: nobody knows
    line(71, *YEAR, 100), line(72, "2026-02-01", "2027-02-01", 100),  # Grove renews two months early
    line(81, *YEAR, 100), line(82, *NEXT, 100),  # Hazel signs on 20 May
]  # fmt: skip
CONTRACTS = [
    term(11), term(12, *NEXT, signed_on="2026-03-20", renews_id=11), term(21), term(22, *NEXT), term(31, cancelled_on="2026-02-15"),
    term(41, auto_renews=True), term(51, auto_renews=False), term(52, auto_renews=False), term(53, *NEXT, signed_on="2026-04-12", renews_id=51), term(61),
    term(71), term(72, "2026-02-01", "2027-02-01", signed_on="2026-01-20", renews_id=71), term(81), term(82, *NEXT, signed_on="2026-05-20"),
]  # fmt: skip
NOTICE = dict.fromkeys((11, 31, 41, 71), "2026-03-01")
AROUND = Around(
    {1: [(day_number(D("2025-09-01")), 500), (day_number(D("2025-12-01")), 60), (day_number(D("2026-03-20")), 30)], 3: [(day_number(D("2026-02-10")), 30)],
     7: [(day_number(D("2026-01-05")), 120), (day_number(D("2026-01-06")), None)], 8: [(day_number(D("2026-01-06")), None)]},
    {3: [(day_number(D("2025-12-01")), 1)], 8: [(day_number(D("2025-12-01")), 2), (day_number(D("2026-02-01")), 0)]},
    {},
    {  # Alder likely; Cedar commit, and lost once it had cancelled; Grove at risk with half of it; Hazel commit with 1,000
        (contract, day_number(D("2026-04-01"))): [Called(day_number(D(day)), category, amount) for day, category, amount in calls]
        for contract, calls in (
            (11, [("2025-12-01", "likely", None)]), (31, [("2025-12-15", "commit", None), ("2026-02-20", "lost", None)]), (71, [("2025-10-01", "at_risk", 600.0)]),
            (81, [("2025-12-20", "commit", 1_000.0)]),
        )
    },
)  # fmt: skip
BY_HAND = {
    "renewals_due": 8, "renewals_open": 1, "arr_available_to_renew": 16_800, "renewal_rate": 5 / 7, "renewal_rate_gross": 9_600 / 15_600,
    "renewal_rate_net": 10_320 / 15_600, "renewal_rate_signed": 4 / 6, "renewals_automatic": 1 / 5, "renewals_on_time": 2 / 5, "attach_rate": 1 / 4,
    "attach_rate_value": 1_200 / 6_000, "notice_missed": 2 / 4, "surprise_churn": 1_200 / 4_800, "renewal_effort": 90,
    **{f"forecast_error_{lead}": 5_200 / 7_200 for lead in (60, 90)}, "forecast_error_30": 1_600 / 7_200,
    **{f"forecast_bias_{lead}": 4_000 / 7_200 for lead in (60, 90)}, "forecast_bias_30": 400 / 7_200,
    **{f"renewals_called_{lead}": 4 / 8 for lead in (30, 60, 90)}, "commits_kept_90": 0,
}  # fmt: skip


def amounts(found: list[Row], first: str, until: str, known_by: str) -> dict[str, float | None]:
    import pyarrow as pa

    table = pa.Table.from_pylist(found, schema=schema_of("renewals"))
    periods = Periods(((day_number(D(first)), day_number(D(until))),), day_number(D(known_by)))
    with DuckDBSession() as session:
        said = count(session, [one.measure.id for one in COMPANY if one.of == "renewals"], {"renewals": table}, {"renewals": sorted(table["ends_d"].to_pylist())}, periods)
    return {row["measure"]: row["amount"] for row in said.to_pylist()}


def test_a_quarter_by_hand() -> None:
    found = items(LINES, CONTRACTS, "2026-07-31", NOTICE, AROUND)
    assert [(r["account_id"], r["result"], r["due"], r["kept"], r["renewed"], r["on_time"]) for r in found] == [
        (1, "signed", 1200, 1200, 1800, 1), (2, "signed", 2400, 1800, 1920, None), (3, "lost", 3600, 0, 0, 0), (4, "automatic", 4800, 4800, 4800, None),
        (5, "signed", 1200, 600, 600, 0), (6, None, 1200, None, None, None), (7, "signed", 1200, 1200, 1200, 1), (8, "lost", 1200, 0, 0, 0),
    ]  # fmt: skip
    assert {r["ends_d"] for r in found} == {day_number(D("2026-03-31"))}
    said = amounts(found, "2026-01-01", "2026-04-01", "2026-07-31")
    assert said == {name: pytest.approx(value) for name, value in BY_HAND.items()}


def test_as_of_a_day_in_between_only_what_was_known_is_settled() -> None:
    """On 10 April Elm has not signed, nobody knows of Hazel, and the others are as they are: 4 of 5 renewed, and three are open."""
    found = items(LINES, CONTRACTS, "2026-07-31", NOTICE, AROUND)
    said = amounts(found, "2026-01-01", "2026-04-01", "2026-04-10")
    assert (said["renewals_due"], said["renewals_open"], said["renewal_rate"]) == (8, 3, pytest.approx(4 / 5))


def test_what_renews_by_itself_falls_due_on_each_turning_day_until_notice() -> None:
    found = items([line(11, "2023-01-01", "2024-01-01", 100)], [term(11, "2023-01-01", "2024-01-01", auto_renews=True)], "2026-07-31")
    assert [(date_of(r["ends_d"]).isoformat(), r["result"], r["renewed"]) for r in found] == [
        ("2023-12-31", "automatic", 1200), ("2024-12-31", "automatic", 1200), ("2025-12-31", "automatic", 1200),
    ]  # fmt: skip
    told = items([line(11, "2023-01-01", "2024-01-01", 100)], [term(11, "2023-01-01", "2024-01-01", auto_renews=True, cancelled_on="2025-06-01")], "2026-07-31")
    assert [r["result"] for r in told] == ["automatic", "automatic", "lost"]


def test_what_renews_by_itself_is_lost_where_its_lines_are_over() -> None:
    """They ended in the term of 2025 with nobody cancelling the contract: lost at the end of that term, and never due again."""
    contract = term(11, "2023-01-01", "2024-01-01", auto_renews=True)
    found = items([line(11, "2023-01-01", "2025-05-20", 100)], [contract], "2027-07-31")
    assert [(date_of(r["ends_d"]).isoformat(), r["result"], r["due"], r["renewed"]) for r in found] == [
        ("2023-12-31", "automatic", 1200, 1200), ("2024-12-31", "automatic", 1200, 1200), ("2025-12-31", "lost", 1200, 0),
    ]  # fmt: skip


def test_each_term_written_as_a_contract_that_nobody_signed_renewed_by_itself() -> None:
    contracts = [term(11, auto_renews=True), term(12, *NEXT, auto_renews=True, renews_id=11)]
    (found,) = items([line(11, *YEAR, 100), line(12, *NEXT, 100)], contracts, "2026-07-31")
    assert (found["result"], found["kept"], found["on_time"]) == ("automatic", 1200, None)
    assert items([line(11, *YEAR, 100), line(12, *NEXT, 100)], [contracts[0], contracts[1] | {"signed_on": D("2026-04-01")}], "2026-07-31") == [found]
    (signed,) = items([line(11, *YEAR, 100), line(12, *NEXT, 100)], [contracts[0], contracts[1] | {"signed_on": D("2026-03-01")}], "2026-07-31")
    assert (signed["result"], signed["on_time"]) == ("signed", 1)


def test_a_term_falls_due_at_the_end_of_its_last_day() -> None:
    assert items([line(11, *YEAR, 100)], [term(11)], "2026-03-30") == []
    assert [r["result"] for r in items([line(11, *YEAR, 100)], [term(11)], "2026-03-31")] == [None]


def test_lines_of_one_product_under_two_new_contracts_count_once() -> None:
    """Core goes on under one contract, seats under another that nothing links: both renew what was due."""
    lines = [line(11, *YEAR, 150, CORE), line(11, *YEAR, 50, SEATS), line(12, *NEXT, 150, CORE), line(13, *NEXT, 30, SEATS), line(14, *NEXT, 500, EXTRA)]
    (found,) = items(lines, [term(11), term(12, *NEXT), term(13, *NEXT), term(14, *NEXT)], "2026-07-31")
    assert (found["due"], found["kept"], found["renewed"]) == (2400, 2160, 2160)  # what is new beside them is no renewal


def test_a_contract_without_lines_is_due_for_an_unknown_amount() -> None:
    (found,) = items([], [term(11, cancelled_on="2026-01-01")], "2026-07-31")
    assert (found["result"], found["due"], found["kept"]) == ("lost", None, None)
    said = amounts([found], "2026-01-01", "2026-04-01", "2026-07-31")
    assert (said["renewal_rate"], said["renewal_rate_gross"]) == (0, None)


@st.composite
def firms(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    lines, contracts = [], []
    for account in range(1, draw(st.integers(1, 4)) + 1):
        for number in range(account * 10, account * 10 + draw(st.integers(1, 5))):
            start = date(2024, 1, 1) + timedelta(days=draw(st.integers(0, 800)))
            end = start + timedelta(days=draw(st.sampled_from((30, 90, 365, 366, 730))))
            before = draw(st.sampled_from((None, number - 1))) if number % 10 else None
            signed = draw(st.sampled_from((None, start, start + timedelta(days=40))))
            cancelled = draw(st.sampled_from((None, None, end - timedelta(days=20))))
            contracts.append({"contract_id": number, "account_id": account, "start_on": start, "end_on": end, "renews_id": before, "signed_on": signed,
                "cancelled_on": cancelled, "auto_renews": draw(st.sampled_from((None, True, False)))})  # fmt: skip
            for product in draw(st.lists(st.sampled_from((None, CORE, SEATS)), max_size=2, unique=True)):
                stop = draw(st.sampled_from((None, end)))
                lines.append(line(number, start.isoformat(), stop and stop.isoformat(), draw(st.integers(0, 300)), product, account))
    return lines, contracts


@settings(max_examples=60, deadline=None)
@cases(firms())
def test_gross_is_at_most_all_of_what_was_due_and_at_most_net(firm: tuple[list[Row], list[Row]]) -> None:
    found = items(*firm, "2026-07-31")
    assert len({(r["account_id"], r["due_d"]) for r in found}) == len(found)
    for r in found:
        assert r["ends_d"] <= day_number(D("2026-07-31"))
        assert r["settled_d"] >= r["due_d"]
        if r["kept"] is not None:
            assert 0 <= r["kept"] <= r["due"] + 1e-9
            assert r["kept"] <= r["renewed"] + 1e-9  # so gross <= net over the same renewals, always; net may pass 100 %
        if r["result"] == "lost":
            assert (r["kept"], r["renewed"]) in ((0, 0), (None, None))
        if r["result"] is None:
            assert (r["kept"], r["renewed"], r["on_time"], r["expanded"]) == (None, None, None, None)


@cases(st.dictionaries(st.sampled_from((None, "A", "B", "C")), st.integers(0, 50)), st.dictionaries(st.sampled_from((None, "A", "B", "C")), st.integers(0, 50)))
def test_by_family_never_more_is_kept_than_as_a_whole(due: dict[object, int], renewed: dict[object, int]) -> None:
    apart, whole = kept(due, renewed, named=False), kept(due, renewed, named=True)
    assert 0 <= apart <= whole == min(sum(due.values()), sum(renewed.values()))
