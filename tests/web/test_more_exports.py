"""Lists of operation that leave as files: the rows behind a finding of the doctor, and the people of the firm."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from laer.web.pages import data_doctor
from laer.web.people.models import Act, AuditEvent, Team
from laer.web.runs import doctor
from laer.web.work.notes import add_note
from tests.cast import Cast
from tests.web.files import take_in


def told(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.status_code
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def test_all_rows_behind_a_finding_leave_and_only_those_that_the_person_may_see(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_doctor, "FILED", 1)  # a file of several readings
    lead = cast.users["lead"]
    check, there = max(((f.check, f.count) for f in doctor.findings(lead) if f.record == "accounts"), key=lambda found: found[1])
    rows = told(cast.client("lead").get(f"/data/doctor/{check}/?format=csv"))
    assert len(rows) == there
    assert [r["account"] for r in rows] == [r["account"] for r in doctor.rows_behind(check, lead)]
    assert list(rows[0]) == ["account_id", "account", *doctor.columns_behind(check)]
    assert AuditEvent.objects.get(act=Act.EXPORTED).subject == f"doctor-{check}.csv"
    own = told(cast.client("outsider").get(f"/data/doctor/{check}/?format=csv")) if doctor.exists(check, cast.users["outsider"]) else []
    assert {r["account"] for r in own} <= {"Onyx Retail"}


def test_the_people_leave_for_a_review_of_access(cast: Cast) -> None:
    rows = told(cast.client("admin").get("/settings/people/?view=login&format=csv"))
    assert {r["login"] for r in rows} == {"on"}
    assert cast.people["csm"].name in {r["name"] for r in rows}
    assert len(rows) == len(cast.client("admin").get("/settings/people/?view=login").context["people"])


def test_nobody_else_gets_the_list_of_people(cast: Cast) -> None:
    assert cast.client("lead").get("/settings/people/?format=csv").status_code == 403


FILES = {  # address -> who may have it, and what its file is called
    "/data/": ("lead", "imports"), "/data/runs/": ("lead", "runs"), "/data/doctor/": ("csm", "doctor"), "/data/matches/": ("lead", "same-customer"),
    "/data/folders/": ("admin", "folders"), "/data/readiness/": ("csm", "readiness"), "/accounts/segments/": ("csm", "segments-"),
    "/settings/definitions/": ("lead", "definitions"), "/settings/teams/": ("admin", "teams"), "/settings/cover/": ("lead", "cover"),
    "/notifications/": ("csm", "notifications"), "/settings/people/": ("admin", "people"), "/settings/audit/audit.csv": ("admin", "audit-"),
}  # fmt: skip


@pytest.mark.parametrize("address", FILES)
def test_every_list_leaves_as_a_file_and_the_audit_says_so(cast: Cast, address: str) -> None:
    who, name = FILES[address]
    for form in ("csv", "xlsx"):
        answer: Any = cast.client(who).get(f"{address}?format={form}")
        assert (answer.status_code, f'filename="{name}' in answer["Content-Disposition"]) == (200, True)
        said = answer.getvalue()
        assert said[:2] == b"PK" if form == "xlsx" else len(said.decode().splitlines()[0].split(",")) > 3
        assert AuditEvent.objects.filter(act=Act.EXPORTED).latest("pk").subject.startswith(name)


def test_a_file_says_what_the_list_says(cast: Cast, tmp_path: Path) -> None:
    take_in(tmp_path, accounts="account_id,account_name\nM-1,Moss Ltd\nM-2,Fern Ltd\n")
    rows = told(cast.client("lead").get("/data/?format=csv"))
    assert [(r["import_id"], r["state"], r["new"]) for r in rows] == [
        (str(r["import_id"]), r["state"], str(r["new"])) for r in cast.client("lead").get("/data/").context["imports"]
    ]
    short = told(cast.client("lead").get("/data/?format=csv&columns=new&state=done"))
    assert list(short[0]) == ["import_id", "import", "source", "files", "new", "message"]
    assert told(cast.client("lead").get("/data/?format=csv&state=failed")) == []


def test_what_a_spreadsheet_would_run_is_text_in_each_of_them(cast: Cast) -> None:
    Team.objects.create(name="=1+1")
    (row,) = (r for r in told(cast.client("admin").get("/settings/teams/?format=csv")) if r["team"].endswith("1+1"))
    assert row["team"] == "'=1+1"


def test_notifications_of_others_are_in_nobodys_file(cast: Cast) -> None:
    add_note(cast.users["lead"], cast.expanding.pk, f"@{cast.people['csm'].name} see this")
    assert [r["what"] for r in told(cast.client("csm").get("/notifications/?format=csv"))] == ["mentioned you"]
    assert told(cast.client("outsider").get("/notifications/?format=csv")) == []
