"""Who did what, when, from where: every kind of act is in the audit, newest first, and nothing of it can be changed."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.web.book.models import FieldChange, ImportRun
from laer.web.book.trail import KINDS, Place, Wanted, all_of, trail
from laer.web.people.audit import log_event
from laer.web.people.models import Act, AuditEvent
from tests.cast import Cast

PASSWORD = "a-long-walk-by-the-river"


def lines(cast: Cast, query: str = "") -> list[tuple[str, str, str]]:
    page = cast.client("admin").get(f"/settings/audit/{query}")
    assert page.status_code == 200
    return [(r["who"], r["what"], r["subject"]) for r in page.context["rows"]]


def test_sign_ins_that_worked_and_that_failed(cast: Cast) -> None:
    user = cast.users["csm"]
    user.set_password(PASSWORD)
    user.save()
    browser = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
    browser.post("/login/", {"login": user.email, "password": "wrong"})
    browser.post("/login/", {"login": "nobody@laer.example", "password": "wrong"})
    browser.post("/login/", {"login": user.email, "password": PASSWORD})
    browser.post("/logout/")
    events = AuditEvent.objects.order_by("pk")
    assert [(e.act, e.user_id, e.about_id, e.ip) for e in events] == [
        (Act.SIGN_IN_FAILED, None, user.pk, "127.0.0.1"),
        (Act.SIGN_IN_FAILED, None, None, "127.0.0.1"),
        (Act.SIGNED_IN, user.pk, user.pk, "127.0.0.1"),
        (Act.SIGNED_OUT, user.pk, user.pk, "127.0.0.1"),
    ]
    assert events[1].subject == "nobody@laer.example"
    assert "wrong" not in str([(e.subject, e.details) for e in events])  # what was typed as a password is nowhere
    found = cast.client("admin").get("/settings/audit/?kind=sign-ins").content.decode()
    assert "Sign-in failed" in found
    assert "Firefox on Linux" in found


def test_edits_are_read_from_the_change_log(cast: Cast) -> None:
    cast.client("csm").post(f"/accounts/{cast.adopting.pk}/edit/segment/", {"value": "SMB"})
    assert lines(cast, "?kind=edits") == [("Maya Okafor", "Edited: Segment", "Kestrel Labs")]
    assert cast.client("admin").get("/settings/audit/?kind=edits").context["rows"][0]["details"] == "Mid-market → SMB"


def test_what_an_import_changed_is_not_listed_row_by_row(cast: Cast) -> None:
    run = ImportRun.objects.create(source="crm", created_at=timezone.now())
    FieldChange.objects.create(record="accounts", object_id=1, field="name", effective_at=timezone.now(), recorded_at=timezone.now(), source="crm", run=run)
    assert lines(cast, "?kind=edits") == []


def test_an_account_added_by_hand_is_in_it(cast: Cast) -> None:
    cast.client("csm").post("/accounts/new/", {"name": "Fresh Ferns"})
    assert lines(cast, "?kind=edits") == [("Maya Okafor", "Account added", "Fresh Ferns")]


def test_every_file_that_leaves_is_in_it(cast: Cast) -> None:
    for path in ("/data/quarantine/download.csv?all=1", "/settings/audit/audit.csv"):
        answer = cast.client("admin").get(path)
        assert answer.status_code == 200
        list(answer.streaming_content)  # type: ignore[attr-defined]
        event = AuditEvent.objects.order_by("-pk")[0]
        assert (event.act, event.user, event.details["of"]) == (Act.EXPORTED, cast.users["admin"], path)
    assert cast.client("csm").get("/settings/audit/audit.csv").status_code == 403
    assert AuditEvent.objects.filter(act=Act.EXPORTED).count() == 2


def test_filters_stand_in_the_address(cast: Cast) -> None:
    log_event(Act.EXPORTED, cast.users["csm"], subject="a.csv")
    log_event(Act.IMPORTED, cast.users["lead"], subject="b.csv")
    old = log_event(Act.EXPORTED, cast.users["csm"], subject="old.csv")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_auditevent SET at = %s WHERE id = %s", [timezone.now() - timedelta(days=40), old.pk])
    tom = cast.users["outsider"].pk
    assert {s for _, _, s in lines(cast, "?kind=exports")} == {"a.csv", "old.csv"}
    assert {s for _, _, s in lines(cast, f"?kind=imports&who={cast.users['lead'].pk}")} == {"b.csv"}
    assert lines(cast, f"?kind=exports&who={tom}") == []
    today = timezone.localdate()
    assert [s for _, _, s in lines(cast, f"?kind=exports&from={today - timedelta(days=50)}&to={today - timedelta(days=30)}")] == ["old.csv"]
    assert [s for _, _, s in lines(cast, f"?kind=exports&from={today}")] == ["a.csv"]
    page = cast.client("admin").get("/settings/audit/?kind=exports&from=2020-01-01&who=x&nonsense=1").content.decode()
    assert "kind=exports&amp;from=2020-01-01" in page


def test_pages_follow_one_another_without_a_gap(cast: Cast) -> None:
    now = timezone.now()
    for i in range(130):
        if i % 3:
            log_event(Act.EXPORTED, cast.users["csm"], subject=f"{i}")
        else:
            FieldChange.objects.create(record="accounts", object_id=cast.landing.pk, account_id=cast.landing.pk, field="region", new=str(i), effective_at=now, recorded_at=timezone.now(), source="person", user=cast.users["csm"])
    everything = [(e.what, e.subject, e.details) for e in all_of(Wanted(user_id=cast.users["csm"].pk))]
    assert len(everything) == 130
    seen, place = [], Place()
    while place is not None:
        entries, place = trail(Wanted(user_id=cast.users["csm"].pk), Place.read(str(place)), 50)  # type: ignore[assignment]
        seen += [(e.what, e.subject, e.details) for e in entries]
    assert seen == everything
    page = cast.client("admin").get("/settings/audit/")
    assert len(page.context["rows"]) == 50
    second = cast.client("admin").get("/settings/audit/" + page.context["next_url"])
    assert not {(r["what"], r["subject"], r["details"]) for r in page.context["rows"]} & {(r["what"], r["subject"], r["details"]) for r in second.context["rows"]}


@pytest.mark.parametrize("token", ["", "x", "9-", "-9", "1-2-3", "٣-٣", "9" * 40 + "-1"])
def test_a_broken_place_breaks_nothing(cast: Cast, token: str) -> None:
    assert cast.client("admin").get("/settings/audit/", {"after": token}).status_code == 200


def test_the_file_escapes_formulas(cast: Cast) -> None:
    Client().post("/login/", {"login": "=cmd@laer.example", "password": "x"})
    log_event(Act.EXPORTED, cast.users["csm"], subject="=HYPERLINK(1)")
    answer = cast.client("admin").get("/settings/audit/audit.csv?kind=exports")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [r["subject"] for r in rows if "HYPERLINK" in r["subject"]] == ["'=HYPERLINK(1)"]
    assert rows[0].keys() == {"at", "who", "what", "subject", "details", "address", "browser"}


def test_an_event_is_written_once(cast: Cast) -> None:
    event = log_event(Act.EXPORTED, cast.users["csm"], subject="a.csv")
    event.subject = "b.csv"
    for change in (event.save, event.delete, AuditEvent.objects.all().delete, lambda: AuditEvent.objects.update(subject="")):
        with pytest.raises(TypeError):
            change()
    assert AuditEvent.objects.get(pk=event.pk).subject == "a.csv"


def test_every_act_has_its_line_and_stands_under_one_kind(cast: Cast) -> None:
    for act in Act:
        log_event(act, cast.users["lead"], subject="S")
    assert {what for __, what, __ in lines(cast)} >= {str(act.label) for act in Act}
    told = [act for __, acts in KINDS.values() for act in acts]
    assert sorted(told) == sorted(Act)


def test_a_page_costs_the_same_however_long_the_trail(cast: Cast) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            cast.client("admin").get("/settings/audit/")
        return len(asked)

    cast.client("admin").get("/settings/audit/")
    for _ in range(5):
        log_event(Act.EXPORTED, cast.users["csm"], about=cast.users["lead"])
    few = cost()
    for _ in range(40):
        log_event(Act.EXPORTED, cast.users["csm"], about=cast.users["lead"])
    assert cost() == few <= 12


def test_behind_proxies_the_address_is_the_visitors(cast: Cast, settings: object) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9, 10.0.0.1"}
    cast.client("admin").get("/settings/audit/audit.csv", headers=forwarded)
    assert AuditEvent.objects.latest("pk").ip == "127.0.0.1"  # nobody is believed who is not ours
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2  # type: ignore[attr-defined]
    cast.client("admin").get("/settings/audit/audit.csv", headers=forwarded)
    assert AuditEvent.objects.latest("pk").ip == "203.0.113.9"
