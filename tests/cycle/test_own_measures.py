"""A firm's own measures: what each is, what may be made of what, and the same figures from their parts by hand."""

from __future__ import annotations

from typing import Any

import pytest

from laer.cycle.definitions import Known, read
from laer.cycle.own_measures import Measures, measure_of, resolved
from laer.metrics.own import OwnMeasure


def own(name: str, **values: Any) -> OwnMeasure:
    return OwnMeasure.model_validate({"id": name, "name": name.replace("_", " ").capitalize(), **values})


SPARE = own("seats_spare", formula="seats - seats_idle")
PER_SEAT = own("mrr_per_seat", formula="ratio(mrr, seats)")
GREW = own("spare_grew", change={"of": "seats_spare", "days": 30})
BUSY = own("busy", event={"of": "active_day", "days": 28, "at_least": 10})
CALLS = own("calls", event={"of": "call", "days": 30})
SHARE = own("pain", formula="ratio(urgent_open, tickets_open)")


def test_each_knows_its_kind_unit_and_sources() -> None:
    made = resolved([GREW, PER_SEAT, SPARE, BUSY, CALLS, SHARE])
    said = {name: (made[name].kind, made[name].unit, made[name].sources, made[name].own) for name in made if made[name].own}
    assert said == {
        "seats_spare": ("number", "seats", ("subscription_lines", "usage_days"), True),
        "mrr_per_seat": ("money", "per month per seat", ("subscription_lines",), True),
        "spare_grew": ("number", "%", ("subscription_lines", "usage_days"), True),
        "busy": ("flag", "", ("usage_days",), True),
        "calls": ("number", "times", ("touches",), True),
        "pain": ("number", "%", ("tickets",), True),
    }
    assert made["spare_grew"].words == "Seats spare against 30 days before, over it, less 1"
    assert [one.id for one in made.own].index("seats_spare") < [one.id for one in made.own].index("spare_grew")
    assert set(made.behind(["spare_grew"])) == {"spare_grew", "seats_spare", "seats", "seats_idle"}
    assert "seats" in made.shipped_behind(["spare_grew"])
    assert made.inputs_behind("busy") == ("account_days",)
    reports = own("reports", event={"of": "active_day", "days": 28, "feature": "reports_opened"})
    assert measure_of(reports, Measures()).words == "day with use of reports_opened, how often within the 28 days up to the day"
    assert set(resolved([reports]).inputs_behind("reports")) == {"account_days", "feature_blocks"}
    assert measure_of(own("x", formula="mrr + arr", unit="euros"), Measures()).unit == "euros"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("formula: seats - seatz", 4, "formula: no measure seatz; there is: seats"),
        ("formula: seats + mrr", 4, "seats (seats) and mrr (per month) are of different units"),
        ("formula: seats + plan", 4, "plan is of kind text; a measure is made of numbers"),
        ("formula: ratio(seats, renewal_on)", 4, "renewal_on is of kind date"),
        ("formula: seats * 3", 1, "formula: found seats * 3; expected a + b, a - b or ratio(a, b)"),
        ("formula: seats + mine", 4, "mine would be made of itself"),
        ("change:\n  of: mrr", 4, "change.days is missing"),
        ("change:\n  of: spare\n  days: 30", 5, "change.of: no measure spare"),
        ("change:\n  of: mrr\n  days: 0", 6, "change.days: found 0"),
        ("event:\n  of: touchs\n  days: 3", 5, "touchs is nothing that happens to accounts; there is: touch"),
        ("formula: seats - seats_idle\nevent:\n  of: touch\n  days: 3", 1, "found formula and event of formula, change and event; expected exactly one"),
        ("event:\n  of: use\n  days: 3\n  feature: reports", 4, "feature: found reports beside use; expected it beside active_day"),
        ("unit: x", 1, "found none of formula, change and event; expected exactly one"),
        ("event:\n  of: touch\n  days: 3\nmotion: adapt", 7, "motion: found adapt; there is: land, adopt, expand, renew or base"),
    ],
)
def test_what_does_not_go_together_is_said_with_its_line(text: str, line: int, what: str) -> None:
    (fault,) = read("measure", f"id: mine\nname: Mine\nstatus: stable\n{text}\n", Known(Measures())).faults
    assert what in fault.text
    assert fault.line == line


def test_an_id_that_ships_is_taken() -> None:
    faults = read("measure", "id: mrr\nname: Mine\nformula: seats + seats\n", Known(Measures())).faults
    assert "mrr is a measure that ships with laer" in faults[0].text


def test_what_goes_round_in_a_circle_is_refused_and_left_out() -> None:
    first = own("first", formula="second + seats")
    second = own("second", formula="first + seats")
    assert [one.id for one in resolved([first, second, SPARE]).own] == ["seats_spare"]
    there = resolved([own("second", formula="seats + seats"), own("first", formula="second + seats")])
    (fault,) = read("measure", "id: second\nname: Second\nformula: first + seats\n", Known(there)).faults
    assert fault.text == "second would be made of itself"
