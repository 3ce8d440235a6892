"""Pulses and overrides: what people say beside a score, dated, undone, stale, ended; and where pulse and score disagree."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from laer.adopt.measures import PULSE_STALE
from laer.web.book.actions import Refused
from laer.web.book.models import Account, FieldChange, Pulse
from laer.web.runs import passes
from laer.web.runs.models import AccountCard
from laer.web.work.models import Override, PulseStep
from laer.web.work.overrides import DAYS, end_override, override_band, standing_overrides
from laer.web.work.pulses import is_stale, pulses_of, set_pulse
from laer.web.work.writing import undo_work
from tests.cast import Cast, add_account, add_line, forget

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
TODAY = timezone.localdate()
GREEN = {"colour": "green"}


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


def said(account: Account, colour: str, days_ago: int) -> Pulse:
    return Pulse.objects.create(account=account, colour=colour, stated_on=TODAY - timedelta(days=days_ago), created_at=timezone.now())


def facts(account: Account) -> dict[str, Any]:
    return AccountCard.objects.get(pk=account.pk).facts


def stand(cast: Cast, name: str, mrr: int, colour: str, days_ago: int = 3, who: str = "csm") -> Account:
    account = add_account(name, cast.people[who])
    add_line(account, TODAY - timedelta(days=200), None, mrr)
    said(account, colour, days_ago)
    return account


# -- pulses ------------------------------------------------------------------------------------------------------------


def test_a_pulse_is_a_dated_row_with_reason_next_step_and_its_audit_row(cast: Cast) -> None:
    said(cast.renewing, "green", 50)
    client = cast.client("csm")
    form = {"colour": "red", "reason": "The sponsor  left", "next_step": "Meet the new one", "next_on": str(TODAY + timedelta(days=7))}
    assert client.post(f"/accounts/{cast.renewing.pk}/pulse/", form).status_code == 302
    newest, oldest = pulses_of(cast.renewing.pk)
    assert (newest.colour, newest.reason, newest.stated_on) == ("red", "The sponsor left", TODAY)
    assert (newest.said.next_step, newest.said.next_on, newest.said.person) == ("Meet the new one", TODAY + timedelta(days=7), cast.people["csm"])
    assert oldest.colour == "green"
    change = FieldChange.objects.get(record="pulses", object_id=newest.pk)
    assert (change.field, change.new, change.user) == ("created", "Red: The sponsor left", cast.users["csm"])
    page = client.get(f"/accounts/{cast.renewing.pk}/?tab=feed").content.decode()
    assert "The sponsor left" in page
    assert "Meet the new one" in page
    assert "Pulse red" in page


def test_undo_takes_it_back_and_the_one_before_stands_again(cast: Cast) -> None:
    said(cast.renewing, "green", 5)
    client = cast.client("csm")
    client.post(f"/accounts/{cast.renewing.pk}/pulse/", {"colour": "yellow", "reason": "Silent"})
    change = FieldChange.objects.get(record="pulses")
    assert client.post(f"/work/undo/{change.pk}/").status_code == 302
    assert [one.colour for one in pulses_of(cast.renewing.pk)] == ["green"]
    assert Pulse.objects.filter(account=cast.renewing).count() == 2, "none is deleted"
    with pytest.raises(FieldChange.DoesNotExist):
        undo_work(cast.users["outsider"], change.pk)


def test_the_last_word_of_a_day_counts_in_measures_too(cast: Cast) -> None:
    account = stand(cast, "Alder", 500, "red", 40)
    set_pulse(cast.users["csm"], account.pk, GREEN)
    set_pulse(cast.users["csm"], account.pk, {"colour": "red", "reason": "A call since"})
    passes.start_pass()
    assert (facts(account)["pulse"], facts(account)["pulse_stale"]) == ("red", False)
    set_pulse(cast.users["csm"], account.pk, GREEN)
    passes.start_pass()
    assert facts(account)["pulse"] == "green"
    assert Pulse.objects.filter(account=account, archived_at=None).count() == 4


def test_the_same_word_twice_on_a_day_is_one_row(cast: Cast) -> None:
    _first, change = set_pulse(cast.users["csm"], cast.renewing.pk, GREEN)
    _again, none = set_pulse(cast.users["csm"], cast.renewing.pk, GREEN)
    assert change is not None
    assert none is None
    assert (Pulse.objects.count(), PulseStep.objects.count()) == (1, 1)


@pytest.mark.parametrize(("days", "stale"), [(0, False), (PULSE_STALE, False), (PULSE_STALE + 1, True)])
def test_a_pulse_is_stale_after_thirty_days_on_the_page_as_in_the_measure(cast: Cast, days: int, stale: bool) -> None:
    account = stand(cast, "Alder", 500, "green", days)
    passes.start_pass()
    forget()
    assert facts(account)["pulse_stale"] is stale
    assert is_stale(TODAY - timedelta(days=days), TODAY) is stale
    page = cast.client("csm").get(f"/accounts/{account.pk}/").content.decode()
    assert ("Pulse green, stale" in page) is stale
    part = next(p for card in cast.client("csm").get(f"/accounts/{account.pk}/?tab=health").context["health_cards"] if card["id"] == "starter" for p in card["parts"] if p["key"] == "pulse")
    assert part["known"] is not stale, "a stale pulse has no points on the starter card"


@pytest.mark.parametrize(
    ("values", "why"),
    [({"colour": "blue"}, "found 'blue'"), ({"colour": "red"}, "not green"), ({"colour": "green", "reason": "x" * 201}, "201 characters"),
     ({"colour": "green", "next_on": "2030-01-01"}, "without one"), ({"colour": "green", "next_step": "x", "next_on": "soon"}, "Next step by")],
)  # fmt: skip
def test_what_does_not_read_is_refused_with_what_was_expected(cast: Cast, values: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        set_pulse(cast.users["csm"], cast.renewing.pk, values)
    assert not Pulse.objects.exists()
    answer = cast.client("csm").post(f"/accounts/{cast.renewing.pk}/pulse/", values)
    assert answer.status_code == 422


def test_only_who_may_edit_the_account_states_one(cast: Cast) -> None:
    for part in ("viewer", "outsider"):
        with pytest.raises(PermissionDenied):
            set_pulse(cast.users[part], cast.renewing.pk, GREEN)
    assert cast.client("outsider").get(f"/accounts/{cast.renewing.pk}/pulse/").status_code == 404
    assert cast.client("viewer").post(f"/accounts/{cast.renewing.pk}/pulse/", GREEN).status_code == 403
    assert b"<form class=\"pulse-form\"" not in cast.client("viewer").get(f"/accounts/{cast.renewing.pk}/pulse/").content


def test_the_panel_gets_the_form_alone(cast: Cast) -> None:
    whole = cast.client("csm").get(f"/accounts/{cast.renewing.pk}/pulse/").content.decode()
    part = cast.client("csm").get(f"/accounts/{cast.renewing.pk}/pulse/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" in whole
    assert "<html" not in part
    assert 'data-pulse-key="g"' in part
    assert cast.renewing.name in part


# -- pulse against score -----------------------------------------------------------------------------------------------


def test_disagreements_are_listed_by_arr_within_ones_scope_and_as_a_file(cast: Cast) -> None:
    stand(cast, "Agrees", 700, "green")
    stand(cast, "Small", 200, "red")
    stand(cast, "Large", 900, "red")
    stand(cast, "Long ago", 5_000, "red", PULSE_STALE + 1)
    stand(cast, "Not theirs", 8_000, "red", who="outsider")
    passes.start_pass()
    for card in AccountCard.objects.filter(name__in=["Agrees", "Small", "Large", "Long ago", "Not theirs"]):  # what the score says is not the matter here
        card.facts |= {"health": "green", "health_score": 80.0, "health_card": "starter"}
        card.save()
    forget()
    client = cast.client("csm")
    page = client.get("/accounts/health/pulse/")
    assert [row["account"] for row in page.context["rows"]] == ["Large", "Small"]
    assert all(row["far"] for row in page.context["rows"])
    assert [row["account"] for row in client.get("/accounts/health/pulse/?stale=yes").context["rows"]] == ["Long ago", "Large", "Small"]
    assert client.get("/accounts/health/pulse/?side=brighter").context["rows"] == []
    assert [row["account"] for row in client.get("/accounts/health/pulse/?side=darker").context["rows"]] == ["Large", "Small"]
    assert [row["account"] for row in cast.client("outsider").get("/accounts/health/pulse/").context["rows"]] == ["Not theirs"]
    file = b"".join(client.get("/accounts/health/pulse/?format=csv").streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file)))
    assert [(row["account"], row["pulse"], row["band"], row["arr"]) for row in rows] == [("Large", "red", "green", "10800.00"), ("Small", "red", "green", "2400.00")]


# -- overrides ---------------------------------------------------------------------------------------------------------


def holds(cast: Cast, account: Account, **values: str) -> Override:
    band = facts(account).get("band_starter")
    return override_band(cast.users["csm"], account.pk, "starter", band, {"band": "red", "reason": "They told me so"} | values)[0]


def test_an_override_stands_beside_the_score_and_changes_none(cast: Cast) -> None:
    account = stand(cast, "Alder", 500, "green")
    passes.start_pass()
    before = facts(account)
    answer = cast.client("csm").post(f"/accounts/{account.pk}/override/starter/", {"band": "red", "reason": "They told me so"})
    assert answer.status_code == 302
    row = Override.objects.get()
    assert (row.instead_of, row.band, row.until_on) == (before["band_starter"], "red", TODAY + timedelta(days=DAYS))
    assert FieldChange.objects.get(record="overrides").new.startswith("starter: Red until")
    passes.start_pass()
    forget()
    assert facts(account)["band_starter"] == before["band_starter"]
    assert facts(account)["health"] == before["health"]
    client = cast.client("csm")
    tab = client.get(f"/accounts/{account.pk}/?tab=health")
    card = next(one for one in tab.context["health_cards"] if one["id"] == "starter")
    assert card["override"]["reason"] == "They told me so"
    assert "Lists, conditions and charts go on with the score" in tab.content.decode()
    assert "held to be red until" in client.get(f"/accounts/{account.pk}/").content.decode()
    listed = client.get("/accounts/?q=Alder")
    assert listed.context["rows"][0]["health"] == before["health"]
    assert "Held to be red until" in listed.content.decode()
    assert client.get("/accounts/?where=health+%3D+red&q=Alder").context["rows"] == [], "conditions go on with the score's band"


def test_it_ends_by_itself_by_hand_and_by_undo(cast: Cast) -> None:
    account = stand(cast, "Alder", 500, "green")
    passes.start_pass()
    row = holds(cast, account, until_on=str(TODAY + timedelta(days=2)))

    def stands(day: date) -> bool:
        return (account.pk, "starter") in standing_overrides([account.pk], day)

    assert [stands(TODAY + timedelta(days=days)) for days in (-1, 0, 1, 2)] == [False, True, True, False]
    change = end_override(cast.users["csm"], row.pk)
    assert change is not None
    assert not stands(TODAY)
    assert undo_work(cast.users["csm"], change.pk) == 1
    assert stands(TODAY)
    undo_work(cast.users["csm"], FieldChange.objects.get(record="overrides", field="created").pk)
    assert not stands(TODAY)
    assert Override.objects.count() == 1, "none is deleted"


def test_the_newest_of_two_stands(cast: Cast) -> None:
    account = stand(cast, "Alder", 500, "green")
    passes.start_pass()
    holds(cast, account)
    newer = holds(cast, account, band="yellow") if facts(account)["band_starter"] != "yellow" else holds(cast, account, reason="Again")
    assert standing_overrides([account.pk], TODAY)[account.pk, "starter"] == newer


@pytest.mark.parametrize(
    ("values", "why"),
    [({"band": "blue"}, "found 'blue'"), ({"reason": " "}, "found none"), ({"until_on": str(TODAY)}, "after today"),
     ({"until_on": str(TODAY + timedelta(days=DAYS + 1))}, "within 30 days"), ({"until_on": "soon"}, "Until"), ({"reason": "x" * 301}, "301 characters")],
)  # fmt: skip
def test_an_override_without_reason_or_end_is_refused(cast: Cast, values: dict[str, str], why: str) -> None:
    account = stand(cast, "Alder", 500, "green")
    with pytest.raises(Refused, match=why):
        override_band(cast.users["csm"], account.pk, "starter", "green", {"band": "red", "reason": "They told me so"} | values)
    assert not Override.objects.exists()


def test_one_that_says_what_the_score_says_is_none_and_others_may_not(cast: Cast) -> None:
    account = stand(cast, "Alder", 500, "green")
    with pytest.raises(Refused, match="already"):
        override_band(cast.users["csm"], account.pk, "starter", "red", {"band": "red", "reason": "So"})
    for part in ("viewer", "outsider"):
        with pytest.raises(PermissionDenied):
            override_band(cast.users[part], account.pk, "starter", None, {"band": "red", "reason": "So"})
    passes.start_pass()
    row = holds(cast, account)
    assert cast.client("outsider").post(f"/accounts/overrides/{row.pk}/end/").status_code == 404
    assert cast.client("csm").get(f"/accounts/{account.pk}/override/nothing/").status_code == 404
