"""Definitions: shipped ones and the firm's own, as versions with author and reason; files that change nothing; edits that no upgrade overwrites."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from django.core.exceptions import PermissionDenied
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from laer.cli import app
from laer.cycle.definitions import KINDS, read, schema, shipped
from laer.records.definition import clean
from laer.web.book import definition_files as files
from laer.web.book import definitions as own
from laer.web.book.models import Definition
from laer.web.people.models import Act, AuditEvent, User
from laer.web.people.roles import Refused

pytestmark = pytest.mark.django_db

BIG = "id: big\nname: Large payers\ncondition: mrr >= 5000\n"


@pytest.fixture
def admin() -> User:
    return User.objects.create_user("ada@laer.example", None, role="admin")


@pytest.fixture
def other_text(monkeypatch: pytest.MonkeyPatch) -> str:
    """A later version of laer, which ships another text of one segment."""
    there = dict(own.shipped_texts())
    there["segment", "seats_idle"] = there["segment", "seats_idle"].replace("50 %", "40 %")
    monkeypatch.setattr(own, "shipped_texts", lambda: there)
    return there["segment", "seats_idle"]


def said(kind: str, name: str) -> list[tuple[int, str, bool]]:
    return [(row.version, row.origin, row.in_force) for row in reversed(own.versions(kind, name))]


def test_what_ships_is_there_and_sound() -> None:
    rows = own.in_force("segment")
    assert [row.name for row in rows] == sorted(name for kind, name in own.shipped_texts() if kind == "segment")
    assert own.faults_of(rows) == {}
    assert {row.origin for row in rows} == {"shipped"}
    assert own.differences() == []
    before = Definition.objects.count()
    own.seed()
    assert Definition.objects.count() == before


def test_an_edit_is_a_version_with_author_reason_and_audit(admin: User) -> None:
    text = own.current("segment", "seats_idle").text.replace("50 %", "30 %")  # type: ignore[union-attr]
    made = own.save_definition(admin, "segment", text, "  half is  normal here ", name="seats_idle", based_on=1)
    assert (made.version, made.author, made.reason, made.origin, made.replaces) == (2, admin, "half is normal here", "local", 1)
    assert said("segment", "seats_idle") == [(1, "shipped", False), (2, "local", True)]
    event = AuditEvent.objects.get(act=Act.DEFINITION_CHANGED)
    assert (event.user, event.subject, event.details) == (admin, "segment seats_idle", {"what": "changed", "version": 2, "reason": "half is normal here"})
    assert own.changed_fields(own.versions("segment", "seats_idle")[1].text, made.text) == [
        ("condition", ["state is paying", "seat_use < 50 %"], ["state is paying", "seat_use < 30 %"])
    ]
    again = own.save_definition(admin, "segment", text.replace("\n", "\r\n"), "the same", name="seats_idle")  # as a browser sends it
    assert again.version == 2


def test_an_upgrade_never_overwrites_an_edit_but_says_that_it_differs(admin: User, other_text: str) -> None:
    mine = own.save_definition(admin, "segment", own.current("segment", "seats_idle").text.replace("50", "30"), "ours", name="seats_idle")  # type: ignore[union-attr]
    (difference,) = own.seed()
    assert (difference.name, difference.shipped, difference.version, difference.newer) == ("seats_idle", 3, 2, True)
    assert own.current("segment", "seats_idle") == mine
    assert own.reset(admin, "segment", "seats_idle").text == other_text
    assert said("segment", "seats_idle") == [(1, "shipped", False), (2, "local", False), (3, "shipped", False), (4, "shipped", True)]
    assert own.differences() == []


def test_an_upgrade_brings_a_new_text_where_nobody_edited(other_text: str) -> None:
    assert own.seed() == []
    assert said("segment", "seats_idle") == [(1, "shipped", False), (2, "shipped", True)]
    assert own.current("segment", "seats_idle").text == other_text  # type: ignore[union-attr]


def test_a_roll_back_is_a_new_version_with_the_old_text(admin: User) -> None:
    first = own.save_definition(admin, "segment", BIG, "for the board")
    own.save_definition(admin, "segment", BIG.replace("5000", "9000"), "too many", name="big")
    back = own.roll_back(admin, "segment", "big", 1)
    assert (back.version, back.text, back.reason) == (3, first.text, "back to version 1")
    assert own.undo(admin, "segment", "big", 3).text == BIG.replace("5000", "9000")


def test_to_undo_a_new_one_retires_it(admin: User) -> None:
    own.save_definition(admin, "segment", BIG, "for the board")
    gone = own.undo(admin, "segment", "big", 1)
    assert (gone.version, gone.status) == (2, "retired")
    with pytest.raises(Refused, match="nothing to take back"):
        own.undo(admin, "segment", "big", 1)


def test_who_began_with_another_version_overwrites_nothing(admin: User) -> None:
    own.save_definition(admin, "segment", BIG, "one")
    own.save_definition(admin, "segment", BIG.replace("5000", "1"), "two", name="big", based_on=1)
    with pytest.raises(Refused, match="Version 2 is in force meanwhile; you began with version 1"):
        own.save_definition(admin, "segment", BIG.replace("5000", "2"), "three", name="big", based_on=1)
    with pytest.raises(Refused, match="already"):
        own.save_definition(admin, "segment", BIG, "new again")
    with pytest.raises(Refused, match="in one line why"):
        own.save_definition(admin, "segment", BIG.replace("5000", "3"), " ", name="big")


@pytest.mark.parametrize(("role", "may"), [("admin", True), ("lead", True), ("finance", False), ("member", False), ("viewer", False)])
def test_admins_and_leads_write_segments(role: str, may: bool) -> None:
    user = User.objects.create_user("somebody@laer.example", None, role=role)
    if may:
        own.save_definition(user, "segment", BIG, "mine")
    else:
        with pytest.raises(PermissionDenied):
            own.save_definition(user, "segment", BIG, "mine")
        with pytest.raises(PermissionDenied):
            own.undo(user, "segment", "seats_idle", 1)
        assert own.current("segment", "big") is None


FAULTY = """\
id: Big ones
nam: x
status: live
condition:
  - mrrr > 3
  - any:
      - state is payin
      - pulse = red
      - no touch in 45 d and
"""


def test_all_faults_are_said_at_once_with_their_lines() -> None:
    faults = read("segment", FAULTY, shipped()).faults
    assert [(fault.line, re.split("; there is|; expected", fault.text)[0]) for fault in faults] == [
        (1, "id: found Big ones"),
        (1, "name is missing: it is needed"),
        (2, "no key nam"),
        (3, "status: found live"),
        (5, "[0], column 1: no field mrrr"),
        (7, "[1].any[0], column 10: payin is no value of state"),
        (9, "[1].any[2], column 21: found the end"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("id: a\n  name: b", 2, "not readable as YAML"),
        ("id: a\nname: &x b\ncondition: *x", 2, "an anchor"),
        ("id: a\nid: b\nname: c\ncondition: leaves", 2, "id stands there twice"),
        ("- a\n- b", 1, "a definition is a mapping"),
        ("", 1, "found nothing"),
        ("id: big\nname: n\ncondition: []", 3, "nothing to ask"),
        ("id: big\nname: n\ncondition: any contract without touch in 30 d", 3, "no record says which contract a touch belongs to"),
        ("id: big\nname: n\ncondition: touches fell by 20 % in 14 d", 3, "no field touches; there is: touches_45d"),
        ("id: big\nname: ''\ncondition: leaves", 2, "empty"),
        ("id: big\nname: n\ncondition: leaves\ndescription: [1]", 4, "description: found [1]"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, line: int, what: str) -> None:
    faults = read("segment", text, shipped()).faults
    assert faults[0].line == line
    assert what in faults[0].text


def test_an_id_never_changes(admin: User) -> None:
    own.save_definition(admin, "segment", BIG, "one")
    with pytest.raises(own.Faulty, match="this definition is big"):
        own.save_definition(admin, "segment", BIG.replace("id: big", "id: bigger"), "two", name="big")


words = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cn", "Co"), blacklist_characters="\u2028\u2029\x85\ufeff"), min_size=1, max_size=30)
texts = st.builds(
    lambda name, description, bound, comment, blank: f"# {comment}\nid: big\nname: {json.dumps(name, ensure_ascii=False)}\n{blank}description: {json.dumps(description, ensure_ascii=False)}\ncondition: mrr >= {bound}\n",
    words.filter(str.strip), words, st.integers(0, 10**9), words, st.sampled_from(("", "\n", "\r\n", "\n\n# why\n")),
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_export_and_apply_go_round_to_the_byte(tmp_path: Path, text: str) -> None:
    own.save_definition(None, "segment", text, "random", name="big" if own.current("segment", "big") else None)
    held = {(row.kind, row.name): row.text for row in own.in_force()}
    out = tmp_path / "out"
    paths = files.export(out)
    assert (out / "segments" / "big.yaml").read_bytes() == clean(text).encode()
    assert len(paths) == len(held)
    assert {one.what for one in files.apply(None, files.read_files(out), "again")} == {"unchanged"}
    own.save_definition(None, "segment", BIG, "something else", name="big")
    files.apply(None, files.read_files(out), "back")
    assert {(row.kind, row.name): row.text for row in own.in_force()} == held


def test_the_schema_says_which_keys_there_are_and_which_are_needed() -> None:
    for kind, of in KINDS.items():
        made = schema(kind)
        assert made["additionalProperties"] is False
        assert set(made["properties"]) == set(of.model.model_fields)
        assert {"id", "name"} <= set(made["required"])
    for (kind, name), text in own.shipped_texts().items():
        data = yaml.safe_load(text)
        assert data["id"] == name
        assert set(schema(kind)["required"]) <= set(data) <= set(schema(kind)["properties"])


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["content", *words])
    return done.exit_code, done.output


def test_the_command_lists_shows_and_compares(admin: User) -> None:
    own.save_definition(admin, "segment", own.current("segment", "seats_idle").text.replace("50", "30"), "ours", name="seats_idle")  # type: ignore[union-attr]
    code, out = run("list", "--kind", "segment")
    assert code == 0
    assert "ada@laer.example" in out
    assert "shipped version 1 differs from yours, version 2" in out
    assert run("show", "segment", "seats_idle", "--version", "1")[1] == own.shipped_texts()["segment", "seats_idle"]
    assert run("show", "segment", "nothing")[0] == 2
    code, out = run("diff")
    assert code == 1
    assert "-  - seat_use < 50 %" in out
    assert "+  - seat_use < 30 %" in out
    assert json.loads(run("schema", "segment")[1]) == schema("segment")
    code, out = run("schema", "segmen")
    assert (code, "no kind segmen; there is: joints, mail_template, measure, play, positions, scorecard, segment" in out) == (2, True)


def test_the_command_lints_and_applies_all_or_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "segments"
    folder.mkdir()
    (folder / "big.yaml").write_text(BIG)
    (folder / "other.yaml").write_text("id: another\nname: n\ncondition: mrrr > 1\n")
    (tmp_path / "stray.yaml").write_text("id: x\n")
    (folder / "latin.yaml").write_bytes(b"id: caf\xe9\n")
    code, out = run("lint", str(tmp_path))
    assert code == 1
    assert f"{folder / 'other.yaml'}:1: id: found another; this definition is other" in out
    assert f"{folder / 'other.yaml'}:3: no field mrrr; there is: mrr" in out.replace("column 1: ", "")
    assert "is none of a kind of definitions; there is:" in out
    assert "no UTF-8 text" in out
    code, out = run("apply", str(tmp_path))
    assert code == 1
    assert own.current("segment", "big") is None
    code, out = run("apply", str(folder / "big.yaml"), "--dry-run")
    assert (code, "+condition: mrr >= 5000" in out, own.current("segment", "big")) == (0, True, None)
    code, out = run("apply", str(folder / "big.yaml"), "--reason", "reviewed")
    assert (code, "1 new, 0 changed, 0 unchanged" in out) == (0, True)
    row = own.current("segment", "big")
    assert row is not None
    assert (row.author, row.reason, row.origin) == (None, "reviewed", "local")
    assert run("lint")[0] == 0
