"""The import through the pages: upload, columns, preview, confirm, result, undo; the quarantine out and back in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from laer.web.book.models import Account, CustomField, ImportFile, ImportRun, ImportState, QuarantinedRow, SavedMapping, SubscriptionLine
from laer.web.book.retry import waiting
from laer.web.people.models import User
from laer.web.runs.jobs import work_once
from laer.web.runs.models import Job
from tests.web.files import ACCOUNTS, LINES, TICKETS, USAGE

pytestmark = pytest.mark.django_db(transaction=True)
BAD = LINES + "S4,A1,not a day,,90,active\n"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def lead(client: Client) -> User:
    user = User.objects.create_user("lead@example.com", role="lead")
    client.force_login(user)
    return user


def upload(client: Client, source: str = "crm", as_of: str = "2024-06-30", **texts: str) -> ImportRun:
    files = [SimpleUploadedFile(f"{name}.csv", text.encode()) for name, text in texts.items()]
    answer = client.post("/data/import/", {"files": files, "source": source, "as_of": as_of})
    assert answer.status_code == 302, answer.context["errors"]
    run = ImportRun.objects.latest("id")
    assert answer.url == f"/data/import/{run.pk}/map/"
    return run


def form_of(client: Client, run: ImportRun) -> dict[str, str]:
    """What the columns page would send, untouched."""
    page = client.get(f"/data/import/{run.pk}/map/")
    assert page.status_code == 200
    form = {"remember": "true"}
    for file in page.context["files"]:
        form[file["record_key"]] = file["record_type"]
        form |= {c["key"]: c["field"] for c in file["columns"]} | {q["key"]: q["value"] for q in file["questions"]}
    return form


def import_whole(client: Client, **texts: str) -> ImportRun:
    run = upload(client, **texts)
    client.post(f"/data/import/{run.pk}/map/", form_of(client, run))
    client.post(f"/data/import/{run.pk}/confirm/")
    while work_once():
        pass
    run.refresh_from_db()
    return run


def test_from_the_files_to_the_result(client: Client, lead: User) -> None:
    assert b"Nothing has been imported" in client.get("/data/").content
    run = upload(client, accounts=ACCOUNTS, lines=BAD, tickets=TICKETS, usage=USAGE)
    page = client.get(f"/data/import/{run.pk}/map/")
    accounts, lines, *_ = page.context["files"]
    assert (accounts["record_type"], accounts["words"], lines["record_type"]) == ("accounts", "sure", "subscription_lines")
    name = next(c for c in accounts["columns"] if c["name"] == "account_name")
    assert (name["field"], name["samples"][:2], name["words"]) == ("name", ["Bluefin", "Kestrel"], "sure")

    answer = client.post(f"/data/import/{run.pk}/map/", form_of(client, run))
    assert answer.url == f"/data/import/{run.pk}/preview/"
    preview = client.get(answer.url)
    assert [f["value"] for f in preview.context["figures"]] == ["18", "0", "0", "1"]
    assert preview.context["rejects"][0]["line"] == 5
    assert "not a day" in preview.context["rejects"][0]["text"]
    assert preview.context["created"][0]["name"] == "Bluefin"
    said = {one["record"]: one["detail"] for one in preview.context["created"]}
    assert "$" in said["Subscription line"]
    assert not re.search(r"\d{4}-\d\d-\d\d", " ".join(said.values())), "days are written as people read them"
    assert not Account.objects.exists()

    answer = client.post(f"/data/import/{run.pk}/confirm/")
    assert answer.url == f"/data/import/{run.pk}/"
    Job.objects.filter(kind="import").update(created_at="2020-01-01T00:00:00Z")
    progress = client.get(answer.url)
    assert (progress.context["poll_url"], progress.context["progress"]["label"]) == (answer.url, "Waiting for the worker")
    client.post(f"/data/import/{run.pk}/confirm/")  # twice by mistake
    assert Job.objects.filter(kind="import").count() == 1
    assert work_once()

    result = client.get(answer.url)
    assert (result.context["run"]["state"], result.context["poll_url"]) == ("done", None)
    assert [f["value"] for f in result.context["figures"]] == ["18", "0", "0", "1"]
    assert result.context["reasons"] == [{"reason": "unreadable date", "count": 1}]
    assert (Account.objects.count(), SubscriptionLine.objects.count()) == (3, 3)
    (row,) = client.get("/data/").context["imports"]
    assert (row["state"], row["new"], row["rejected"], row["who"], row["files"]) == ("done", 18, 1, "lead@example.com", 4)
    run.refresh_from_db()
    assert (run.user, str(run.file_date), run.source) == (lead, "2024-06-30", "crm")


def test_an_import_is_undone_and_done_again_by_the_worker(client: Client, lead: User) -> None:
    run = import_whole(client, accounts=ACCOUNTS)
    account = Account.objects.get(name="Kestrel")
    client.post(f"/accounts/{account.pk}/edit/industry/", {"value": "Payments"})
    answer = client.post(f"/data/import/{run.pk}/undo/")
    assert client.get(answer.url).context["run"]["state"] == "running"
    assert work_once()
    page = client.get(answer.url)
    assert page.context["run"]["state"] == "undone"
    account.refresh_from_db()
    if account.industry == "Payments":  # the account's page is there: the edit keeps its row
        assert [(one["name"], one["url"]) for one in page.context["left"]] == [("Kestrel", f"/accounts/{account.pk}/")]
    answer = client.post(page.context["redo_url"])
    assert work_once()
    assert client.get(answer.url).context["run"]["state"] == "done"
    assert Account.objects.filter(archived_at=None).count() == 3


def test_another_record_type_is_recognised_anew_and_columns_can_be_chosen(client: Client, lead: User) -> None:
    run = upload(client, things="code,what,when,worth\nX1,Bluefin,2024-01-10,12\nX2,Kestrel,2024-02-10,13\n")
    (file,) = run.files.all()
    assert file.record == ""
    page = client.get(f"/data/import/{run.pk}/map/{file.pk}/")
    assert (page.context["files"][0]["words"], page.context["files"][0]["columns"]) == ("not recognised", [])
    answer = client.post(f"/data/import/{run.pk}/map/", {f"f{file.pk}-record": ""})
    assert answer.status_code == 422
    answer = client.post(f"/data/import/{run.pk}/map/", {f"f{file.pk}-record": "accounts"})
    assert answer.url == f"/data/import/{run.pk}/map/"
    form = form_of(client, run)
    answer = client.post(f"/data/import/{run.pk}/map/", form | {f"f{file.pk}-c0": "account_id", f"f{file.pk}-c1": ""})
    assert answer.status_code == 422
    assert "no column is name" in answer.context["errors"][0]
    form |= {f"f{file.pk}-c0": "account_id", f"f{file.pk}-c1": "name", f"f{file.pk}-c2": "signed_up_on", f"f{file.pk}-c3": "custom:integer"}
    answer = client.post(f"/data/import/{run.pk}/map/", form | {f"f{file.pk}-c2": "name"})
    assert "two columns are mapped to Name" in answer.context["errors"][0]
    assert client.post(f"/data/import/{run.pk}/map/", form).url.endswith("/preview/")
    client.post(f"/data/import/{run.pk}/confirm/")
    assert work_once()
    account = Account.objects.get(name="Bluefin")
    assert (str(account.signed_up_on), account.custom, CustomField.objects.get().kind) == ("2024-01-10", {"worth": 12}, "integer")
    assert SavedMapping.objects.count() == 1
    again = upload(client, things="code,what,when,worth\nX3,Willow,2024-03-10,14\n")
    assert client.get(f"/data/import/{again.pk}/map/").context["files"][0]["remembered"]


def test_dates_that_cannot_be_told_apart_are_asked_for(client: Client, lead: User) -> None:
    text = "ticket_id,account_id,subject,created_at\nT1,A1,Slow,05/04/2024\nT2,A2,Slow,06/04/2024\n"
    import_whole(client, accounts=ACCOUNTS)
    run = upload(client, tickets=text)
    (file,) = run.files.all()
    (question,) = client.get(f"/data/import/{run.pk}/map/").context["files"][0]["questions"]
    assert (question["key"], question["value"]) == (f"f{file.pk}-order", "")
    form = form_of(client, run)
    answer = client.post(f"/data/import/{run.pk}/map/", form)
    assert "which of day and month comes first" in answer.context["errors"][0]
    assert client.post(f"/data/import/{run.pk}/map/", form | {f"f{file.pk}-order": "dmy"}).status_code == 302
    assert ImportFile.objects.get(pk=file.pk).mapping["date_order"] == "dmy"


def test_a_mapping_goes_out_as_a_file_and_comes_back(client: Client, lead: User) -> None:
    run = upload(client, accounts=ACCOUNTS, lines=LINES)
    saved = client.get(f"/data/import/{run.pk}/mapping.yaml")
    assert "attachment" in saved["Content-Disposition"]
    text = saved.content.decode()
    assert (text.count("record:"), "csm: owner" in text) == (2, True)
    changed = text.replace("csm: owner", "csm: ignore")
    answer = client.post(f"/data/import/{run.pk}/mapping/", {"mapping": SimpleUploadedFile("m.yaml", changed.encode())}, follow=True)
    assert "Read as the mapping says: accounts.csv, lines.csv" in [str(m) for m in answer.context["messages"]]
    assert run.files.get(name="accounts.csv").mapping["columns"]["csm"] is None
    answer = client.post(f"/data/import/{run.pk}/mapping/", {"mapping": SimpleUploadedFile("m.yaml", b"record: nonsense\ncolumns: {}")}, follow=True)
    assert "no record type 'nonsense'" in next(str(m) for m in answer.context["messages"])


def test_a_large_file_is_previewed_in_the_background(client: Client, lead: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from laer.web.pages import data_columns

    monkeypatch.setattr(data_columns, "DIRECT", 10)
    run = upload(client, accounts=ACCOUNTS)
    address = client.post(f"/data/import/{run.pk}/map/", form_of(client, run)).url
    waiting_page = client.get(address)
    assert waiting_page.context["poll_url"] == address
    assert b"Import</button>" not in waiting_page.content
    assert client.post(f"/data/import/{run.pk}/confirm/").url == f"/data/import/{run.pk}/map/"  # nothing to confirm yet
    assert work_once()
    assert client.get(address).context["figures"][0]["value"] == "7"


def test_a_preview_is_void_once_the_columns_changed(client: Client, lead: User) -> None:
    run = upload(client, accounts=ACCOUNTS)
    form = form_of(client, run)
    client.post(f"/data/import/{run.pk}/map/", form)
    run.refresh_from_db()
    assert run.state == ImportState.PREVIEWED
    (file,) = run.files.all()
    place = list(file.mapping["columns"]).index("industry")
    client.post(f"/data/import/{run.pk}/mapping/", {"mapping": SimpleUploadedFile("m.yaml", client.get(f"/data/import/{run.pk}/mapping.yaml").content)})
    run.refresh_from_db()
    assert run.state == ImportState.UPLOADED
    assert client.post(f"/data/import/{run.pk}/map/", form | {f"f{file.pk}-c{place}": ""}).status_code == 302
    client.post(f"/data/import/{run.pk}/confirm/")
    work_once()
    assert Account.objects.get(name="Bluefin").industry is None


def test_files_that_are_too_large_unreadable_or_missing_are_refused_in_words(client: Client, lead: User, settings: Settings) -> None:
    answer = client.post("/data/import/", {"source": "crm"})
    assert (answer.status_code, answer.context["errors"]) == (422, ["No file was chosen."])
    answer = client.post("/data/import/", {"files": [SimpleUploadedFile("x.xlsx", b"PK\x03\x04 nothing")]})
    assert answer.status_code == 422
    assert "expected" in answer.context["errors"][0]
    answer = client.post("/data/import/", {"files": [SimpleUploadedFile("a.csv", ACCOUNTS.encode())], "as_of": "soon"})
    assert "expected a date" in answer.context["errors"][0]
    settings.UPLOAD_LIMIT = 100
    answer = client.post("/data/import/", {"files": [SimpleUploadedFile("a.csv", ACCOUNTS.encode())]})
    assert answer.status_code == 413
    settings.UPLOAD_LIMIT = 0
    answer = client.post("/data/import/", {"files": [SimpleUploadedFile("a.csv", ACCOUNTS.encode() * 8_000)]})  # its length is said before
    assert answer.status_code == 413
    assert not ImportRun.objects.exists()


def test_a_name_never_becomes_a_path(client: Client, lead: User) -> None:
    from laer.web import home

    file = SimpleUploadedFile("accounts.csv", ACCOUNTS.encode())
    file._name = "../../../../tmp/../etc/passwd\n.csv"  # type: ignore[attr-defined]
    client.post("/data/import/", {"files": [file], "source": "../x"})
    run = ImportRun.objects.latest("id")
    kept = (home.uploads() / run.files.get().path).resolve()
    assert kept.is_relative_to(home.uploads().resolve())
    assert kept.parent == (home.uploads() / str(run.pk)).resolve()


def test_an_upload_without_its_token_is_refused(lead: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(lead)
    answer = strict.post("/data/import/", {"files": [SimpleUploadedFile("a.csv", ACCOUNTS.encode())]})
    assert answer.status_code == 403
    strict.get("/data/import/")
    token = strict.cookies[settings.CSRF_COOKIE_NAME].value
    answer = strict.post("/data/import/", {"csrfmiddlewaretoken": token, "files": [SimpleUploadedFile("a.csv", ACCOUNTS.encode())]})
    assert answer.status_code == 302


def test_files_can_be_discarded_before_they_are_imported_and_not_after(client: Client, lead: User) -> None:
    run = upload(client, accounts=ACCOUNTS)
    client.post(f"/data/import/{run.pk}/discard/")
    assert not ImportRun.objects.exists()
    done = import_whole(client, accounts=ACCOUNTS)
    client.post(f"/data/import/{done.pk}/discard/")
    assert ImportRun.objects.filter(pk=done.pk).exists()


def test_an_import_that_fails_says_so_and_can_go_on(client: Client, lead: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from laer.web.book import applying

    run = upload(client, accounts=ACCOUNTS, tickets=TICKETS)
    client.post(f"/data/import/{run.pk}/map/", form_of(client, run))
    client.post(f"/data/import/{run.pk}/confirm/")
    create = applying.Writer._create

    def broken(self: applying.Writer, record: str, rows: object) -> None:
        if record == "tickets":
            raise OSError("the disk is full")
        create(self, record, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(applying.Writer, "_create", broken)
    for _ in range(5):
        Job.objects.update(run_at="2020-01-01T00:00:00Z")
        assert work_once()
    page = client.get(f"/data/import/{run.pk}/")
    assert (page.context["run"]["state"], page.context["run"]["message"]) == ("failed", "OSError: the disk is full")
    monkeypatch.setattr(applying.Writer, "_create", create)
    client.post(page.context["resume_url"])
    assert work_once()
    page = client.get(f"/data/import/{run.pk}/")
    assert (page.context["run"]["state"], page.context["figures"][0]["value"]) == ("done", "9")


# -- quarantine ---------------------------------------------------------------------------------------------------------


def test_rows_go_out_as_csv_come_back_corrected_and_leave_the_quarantine(client: Client, lead: User) -> None:
    run = import_whole(client, accounts=ACCOUNTS, lines=BAD + "S5,A1,=2024,,-x,active\n")
    page = client.get("/data/quarantine/")
    assert [(r["file"], r["line"], r["reason"].split(" in ")[0]) for r in page.context["rows"]] == [
        ("lines.csv", 6, "unreadable date"),
        ("lines.csv", 5, "unreadable date"),
    ]
    assert client.get(f"/data/quarantine/?import={run.pk}&reason=unreadable+date").context["total"] == 2
    assert client.get("/data/quarantine/?reason=duplicate+key").context["total"] == 0

    text = b"".join(client.get("/data/quarantine/download.csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (rows[1]["start_date"], rows[1]["mrr_amount"], rows[0]["line"]) == ("'=2024", "'-x", "5")
    rows[0]["start_date"], rows[1]["start_date"] = "2024-06-01", "2024-06-02"
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), delimiter=";")  # as some spreadsheets save it
    writer.writeheader()
    writer.writerows(rows)
    answer = client.post("/data/quarantine/correct/", {"file": SimpleUploadedFile("mended.csv", out.getvalue().encode("utf-8-sig"))})
    assert work_once()
    retry = ImportRun.objects.latest("id")
    assert (answer.url, retry.kind) == (f"/data/import/{retry.pk}/", "retry")
    assert SubscriptionLine.objects.count() == 4
    assert [(r.kind, r.raw["mrr_amount"]) for r in waiting()] == [("unreadable number", "-x")]
    page = client.post("/data/quarantine/correct/", {"file": SimpleUploadedFile("mended.csv", out.getvalue().encode())}, follow=True)
    assert "wait no longer" in str(list(page.context["messages"])[-1])


def test_rows_are_tried_again_as_they_are_once_their_reference_is_there(client: Client, lead: User) -> None:
    import_whole(client, accounts=ACCOUNTS, tickets=TICKETS + "T9,A9,Lost,2024-05-05 10:00,,low\n")
    import_whole(client, accounts=ACCOUNTS + "A9,Atlas,Labs,US,2024-04-01,\n")
    client.post("/data/quarantine/retry/")
    assert work_once()
    assert not waiting().exists()
    assert Account.objects.get(name="Atlas").tickets.count() == 1


def test_rows_are_dismissed_one_by_one_or_as_filtered(client: Client, lead: User) -> None:
    import_whole(client, accounts=ACCOUNTS, lines=BAD + "S5,A1,never,,90,active\nS6,A9,2024-01-01,,90,active\n")
    one = waiting().get(line=5)
    client.post("/data/quarantine/dismiss/", {"row": one.pk})
    assert waiting().count() == 2
    client.post("/data/quarantine/dismiss/?reason=unreadable+date")
    assert [r.kind for r in waiting()] == ["references nothing"]
    assert QuarantinedRow.objects.count() == 3


def test_a_file_that_is_no_download_is_refused_in_words(client: Client, lead: User) -> None:
    import_whole(client, accounts=ACCOUNTS, lines=BAD)
    page = client.post("/data/quarantine/correct/", {"file": SimpleUploadedFile("mine.csv", b"a,b\n1,2\n")}, follow=True)
    assert "no column 'quarantine_id'" in str(next(iter(page.context["messages"])))
    assert waiting().count() == 1


def test_the_quarantine_is_paged_by_key(client: Client, lead: User) -> None:
    import_whole(client, accounts=ACCOUNTS, lines=LINES + "".join(f"S{n},A1,2024-01-01,,90,unheard of\n" for n in range(100, 220)))
    page = client.get("/data/quarantine/")
    assert (len(page.context["rows"]), page.context["previous_url"]) == (50, None)
    second = client.get("/data/quarantine/" + page.context["next_url"])
    third = client.get("/data/quarantine/" + second.context["next_url"])
    assert (len(third.context["rows"]), third.context["next_url"]) == (20, None)
    back = client.get("/data/quarantine/" + third.context["previous_url"])
    assert [r["row_id"] for r in back.context["rows"]] == [r["row_id"] for r in second.context["rows"]]
    assert client.get("/data/quarantine/?after=rubbish").status_code == 200
