"""Settings, Definitions: the list, an editor that checks while one types, versions with their differences, and the way back."""

from __future__ import annotations

import pytest

from laer.web.book import definitions as own
from tests.cast import Cast

pytestmark = pytest.mark.django_db

PAGE = "/settings/definitions/segment/seats_idle/"


def text() -> str:
    row = own.current("segment", "seats_idle")
    assert row is not None
    return row.text


def put(cast: Cast, new: str, part: str = "admin", based_on: int = 1, reason: str = "half is normal here") -> object:
    return cast.client(part).post(PAGE, {"text": new.replace("\n", "\r\n"), "reason": reason, "based_on": str(based_on)})


def test_the_list_says_status_origin_who_and_why(cast: Cast) -> None:
    put(cast, text().replace("50 %", "30 %"))
    page = cast.client("lead").get("/settings/definitions/")
    rows = {row["id"]: row for group in page.context["groups"] for row in group["rows"]}
    assert (rows["seats_idle"]["shipped"], rows["seats_idle"]["who"], rows["seats_idle"]["reason"], rows["seats_idle"]["version"]) == (False, "Ada Novak", "half is normal here", 2)
    assert rows["new_customers"]["shipped"] is True
    assert "shipped version 1 differs from yours, version 2" in page.content.decode()
    assert cast.client("csm").get("/settings/definitions/").status_code == 403
    assert "/settings/definitions/" in cast.client("lead").get("/settings/you/").content.decode()
    assert "/settings/definitions/" not in cast.client("csm").get("/settings/you/").content.decode()


def test_a_change_is_saved_compared_brought_back_and_taken_back(cast: Cast) -> None:
    admin, old = cast.client("admin"), text()
    put(cast, old.replace("50 %", "30 %"))
    page = admin.get(f"{PAGE}?compare=1")
    said = page.content.decode()
    assert "Shipped version 1 differs from yours" in said
    assert [(one["name"], one["old"], one["new"]) for one in page.context["compare"]["fields"]] == [
        ("condition", "state is paying; seat_use < 50 %", "state is paying; seat_use < 30 %")
    ]
    assert "+  - seat_use &lt; 30 %" in said
    admin.post(f"{PAGE}back/", {"version": "shipped"})
    assert text() == old
    admin.post(f"{PAGE}undo/?version=3")
    assert "30 %" in text()
    admin.post(f"{PAGE}back/", {"version": "1"})
    assert [row.version for row in own.versions("segment", "seats_idle")] == [5, 4, 3, 2, 1]
    assert "nothing to take back" in admin.post(f"{PAGE}undo/?version=3", follow=True).content.decode()
    assert "has no version 77" in admin.post(f"{PAGE}back/", {"version": "77"}, follow=True).content.decode()


def test_what_is_wrong_is_said_beside_its_line_and_nothing_is_saved(cast: Cast) -> None:
    wrong = text().replace("seat_use", "seat_uses").replace("status: stable", "status: live")
    checked = cast.client("admin").post("/settings/definitions/check/segment/", {"text": wrong, "name": "seats_idle"})
    assert [fault["line"] for fault in checked.context["check"]["faults"]] == [3, 7]
    assert "no field seat_uses; there is: seat_use" in checked.content.decode()
    answer = put(cast, wrong)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert "seat_uses" in answer.content.decode()  # type: ignore[attr-defined]
    assert own.current("segment", "seats_idle").version == 1  # type: ignore[union-attr]
    fine = cast.client("admin").post("/settings/definitions/check/segment/", {"text": text(), "name": "seats_idle"})
    assert fine.context["check"]["said"] == "State is paying and Seat use is below 50%"


def test_who_was_overtaken_keeps_the_text_and_is_told(cast: Cast) -> None:
    put(cast, text().replace("50 %", "30 %"))
    answer = put(cast, text().replace("30 %", "20 %"), based_on=1)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert "Version 2 is in force meanwhile; you began with version 1" in answer.content.decode()  # type: ignore[attr-defined]
    assert "seat_use &lt; 20 %" in answer.content.decode()  # type: ignore[attr-defined]


def test_a_new_one_is_made_once(cast: Cast) -> None:
    lead = cast.client("lead")
    blank = lead.get("/settings/definitions/new/segment/").context["text"]
    answer = lead.post("/settings/definitions/new/segment/", {"text": blank, "reason": "first"})
    assert answer.headers["Location"] == "/settings/definitions/segment/my_segment/"
    assert lead.post("/settings/definitions/new/segment/", {"text": blank, "reason": "again"}).status_code == 422
    assert lead.get("/settings/definitions/new/nothing/").status_code == 404
    assert lead.get("/settings/definitions/segment/nothing/").status_code == 404


@pytest.mark.parametrize("part", ["csm", "viewer", "outsider"])
def test_nobody_else_reads_or_writes_them(cast: Cast, part: str) -> None:
    client = cast.client(part)
    assert client.get(PAGE).status_code == 403
    assert put(cast, text().replace("50 %", "1 %"), part).status_code == 403  # type: ignore[attr-defined]
    for url in (f"{PAGE}back/", f"{PAGE}undo/?version=1", "/settings/definitions/check/segment/", "/settings/definitions/new/segment/"):
        assert client.post(url, {"version": "1", "text": text(), "reason": "x"}).status_code == 403
    assert own.current("segment", "seats_idle").version == 1  # type: ignore[union-attr]
