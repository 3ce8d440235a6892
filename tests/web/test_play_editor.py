"""A play put together step by step: each button changes the draft and nothing else, and it comes into force by the same door as the text."""

from __future__ import annotations

from typing import Any

import pytest

from laer.plays import editing
from laer.web.book import definitions
from tests.cast import Cast
from tests.web.test_plays import TEXT

pytestmark = [pytest.mark.django_db, pytest.mark.once]
URL = "/settings/definitions/play/look_after/steps/"


@pytest.fixture
def there(cast: Cast) -> Cast:
    definitions.save_definition(cast.users["admin"], "play", TEXT, "a test")
    return cast


def pressed(cast: Cast, do: str, text: str = TEXT, **given: Any) -> Any:
    return cast.client("admin").post(URL, {"text": text, "do": do, **given})


def steps(page: Any) -> list[Any]:
    return editing.document(page.context["text"])["steps"]


def test_it_shows_what_begins_it_and_its_steps_with_their_branches(there: Cast) -> None:
    page = there.client("admin").get(URL)
    said = [(one["at"], one.get("way"), one["said"]) for one in page.context["items"]]
    assert said[0] == ("0", None, "Find them an owner")
    assert said[2] == ("2", None, "Is it so that ARR is at least $5,000.00?")
    assert [one[:2] for one in said[3:5]] == [("2.then.0", "then"), ("2.else.0", "else")]
    assert {row["label"]: row["said"] for row in page.context["head"]}["Begins when"].startswith("the signal")
    assert not page.context["changed"]


def test_a_step_is_put_in_its_place_by_its_form(there: Cast) -> None:
    chosen = pressed(there, "new:1")
    assert b"What happens here?" in chosen.content
    form = pressed(there, "add:1:mail")
    assert steps(form) == editing.document(TEXT)["steps"], "an open form changes nothing"
    made = pressed(there, "insert:1:until", **{"step-until": "state is paying\narr >= 7", "step-at_most": "9"})
    assert steps(made)[1] == {"until": ["state is paying", "arr >= 7"], "at_most": "9 d"}
    assert made.context["faults"] == []
    assert made.context["changed"]


def test_what_goes_without_saying_is_not_written(there: Cast) -> None:
    given = {"step-task": "Ask them", "step-due": "3", "step-at_most": "30", "step-priority": "normal", "step-wait": "on", "step-owner": ""}
    assert steps(pressed(there, "insert:0:task", **given))[0] == {"task": "Ask them"}
    more = given | {"step-due": "8", "step-owner": "lead", "step-checklist": "one\n\n two "}
    del more["step-wait"]
    assert steps(pressed(there, "insert:0:task", **more))[0] == {"task": "Ask them", "checklist": ["one", "two"], "owner": "lead", "due": "8 d", "wait": False}


def test_a_form_with_a_fault_stays_open_and_says_which(there: Cast) -> None:
    page = pressed(there, "put:0", **{"step-task": "", "step-due": "9999", "step-at_most": "1", "step-priority": "high"})
    assert set(page.context["items"][0]["form"].errors) == {"task", "due"}
    assert steps(page) == editing.document(TEXT)["steps"]
    assert page.context["enter"] == "put:0"


def test_a_condition_that_names_nothing_is_said_with_what_exists(there: Cast) -> None:
    page = pressed(there, "put:2", **{"step-if": "arrr >= 5"})
    assert "arrr" in page.context["faults"][0]["text"]
    assert steps(page)[2]["then"], "its ways stay"


def test_steps_move_and_leave_and_the_eye_goes_along(there: Cast) -> None:
    down = pressed(there, "down:0")
    assert steps(down)[:2] == [{"wait": "5 d"}, editing.document(TEXT)["steps"][0]]
    assert [one["at"] for one in down.context["items"] if one.get("focus")] == ["1"]
    assert b"autofocus" in down.content
    assert len(steps(pressed(there, "remove:2"))) == 4


def test_its_head_changes_by_its_form_and_only_where_it_was_changed(there: Cast) -> None:
    form = pressed(there, "edit:head").context["head_open"]
    given = {f"head-{name}": "" if value is None else value for name, value in form.initial.items()}
    same = pressed(there, "put:head", **given)
    assert same.context["text"] == TEXT
    made = pressed(there, "put:head", **given | {"head-trigger": "date:won_on", "head-days": "-90", "head-who": "state is paying"})
    assert editing.document(made.context["text"])["trigger"] == {"date": "won_on", "days": -90}
    assert made.context["faults"] == []
    wrong = pressed(there, "put:head", **given | {"head-days": "-90"})
    assert "days" in wrong.context["head_open"].errors


def test_the_draft_comes_into_force_by_the_same_door_as_the_text(there: Cast) -> None:
    made = pressed(there, "remove:0")
    assert definitions.current("play", "look_after").version == 1, "nothing is kept before"  # type: ignore[union-attr]
    client = there.client("admin")
    saved = client.post(made.context["save_url"], {"text": made.context["text"], "reason": "shorter", "based_on": "1", "name": "look_after"})
    assert saved.status_code == 302
    row = definitions.current("play", "look_after")
    assert row is not None
    assert (row.version, row.reason, len(editing.document(row.text)["steps"])) == (2, "shorter", 4)
    as_text = client.post(made.context["save_url"], {"text": made.context["text"], "as": "text"})
    assert as_text.context["text"] == made.context["text"]
    assert definitions.current("play", "look_after").version == 2  # type: ignore[union-attr]


def test_a_new_play_begins_with_one_that_reads(there: Cast) -> None:
    page = there.client("admin").get("/settings/definitions/new/play/steps/")
    assert page.context["faults"] == []
    assert page.context["changed"]
    assert len(page.context["items"]) == 5


@pytest.mark.parametrize("text", ["id: [", "- a list\n", "{id: a}\n", "x" * 30_000, ""])
def test_a_text_that_cannot_be_shown_as_steps_says_so_and_is_kept(there: Cast, text: str) -> None:
    page = pressed(there, "remove:0", text=text)
    assert page.status_code == 200
    assert page.context["error"] or page.context["faults"]


@pytest.mark.parametrize("steps", ["call them", "[call them, {wait: 3 d}]", "[{if: arr >= 1, then: call them}]", "{wait: 3 d}"])
def test_what_is_no_step_is_never_left_out(there: Cast, steps: str) -> None:
    text = TEXT[: TEXT.index("steps:")] + f"steps: {steps}\n"
    page = pressed(there, "remove:0", text=text)
    assert "mend it as text" in page.context["error"]
    assert page.context["text"] == text


@pytest.mark.parametrize("step", ["{task: Call, due: soon, owner: [csm]}", "{wait: ''}", "{until: 7, at_most: }", "{mail: value_note, values: none}", "{rocket: 1}"])
def test_a_step_that_does_not_read_is_shown_as_it_is_and_opens(there: Cast, step: str) -> None:
    text = TEXT[: TEXT.index("steps:")] + f"steps:\n  - {step}\n"
    for do in ("", "edit:0"):
        page = pressed(there, do, text=text)
        assert (page.status_code, page.context["text"]) == (200, text)
        assert page.context["faults"]


def test_lines_end_as_they_did_whatever_a_browser_sends(there: Cast) -> None:
    given = {"step-task": "Ask", "step-detail": "one\r\ntwo", "step-due": "3", "step-at_most": "30", "step-priority": "normal", "step-wait": "on"}
    assert steps(pressed(there, "insert:0:task", **given))[0]["detail"] == "one\ntwo"
    assert "\r" not in pressed(there, "insert:0:task", **given).context["text"]


@pytest.mark.parametrize("do", ["up:9", "remove:2.or.0", "edit:", "edit:0.then.0", "add:0:rocket", "put:-1", "new:x", "insert:0:", ":", "put:head:head"])
def test_a_button_that_is_none_changes_nothing(there: Cast, do: str) -> None:
    page = pressed(there, do)
    assert page.status_code == 200
    assert page.context["text"] == TEXT


def test_who_may_not_define_plays_may_not_open_it(there: Cast) -> None:
    assert there.client("viewer").get(URL).status_code == 403
    assert there.client("csm").post(URL, {"text": TEXT, "do": "remove:0"}).status_code == 403
    assert there.client("admin").get("/settings/definitions/play/nothing/steps/").status_code == 404
