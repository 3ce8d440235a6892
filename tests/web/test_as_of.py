"""Links to figures as they are: they say the same after more has come in, show nobody more than they may see, and say so when the tables are gone."""

from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from laer.web.book.importing import begin_import, run_import
from laer.web.people.models import Act, AuditEvent
from laer.web.runs import kept, passes, snapshots
from laer.web.runs.models import KeptRun, PassRun
from tests.web.test_revenue_page import LINES, files, login

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["files"]
NAMED = "/revenue/?month=2025-09&by=segment"


def kept_address(client: Client, page: str) -> str:
    """What the script of the button gets: an address on this host."""
    keep = client.get(page).context["keep"]
    answer = client.post("/links/keep/", keep, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.content
    return str(json.loads(answer.content)["url"]).removeprefix("http://testserver")


def more_comes_in(files: Path) -> PassRun:
    """A change of amount and a new account, and the pass after it."""
    changed = LINES.replace("S-4,A-2,2025-07-15,,55,", "S-4,A-2,2025-07-15,,95,") + "S-8,A-5,2025-08-01,,1000,monthly,USD,active,Pro\n"
    (files / "accounts.csv").write_text((files / "accounts.csv").read_text() + "A-5,Elm,SMB,Ann Ash\n")
    (files / "subscriptions.csv").write_text(changed)
    run_import(begin_import([("files", files)], source="files", file_date=date(2025, 8, 1)))
    run = passes.run_waiting_pass()
    assert run is not None
    return run


def amounts(page: Any) -> list[tuple[str, Any]]:
    return [(row["label"], row["value"]) for row in page.context["waterfall"]["rows"]] + [(f["key"], f["title"]) for f in page.context["figures"] if f.get("title")]


def test_an_address_says_the_same_to_the_cent_after_more_has_come_in(files: Path) -> None:
    lead = login("lead")
    page = lead.get(NAMED)
    bar = next(row["url"] for row in page.context["waterfall"]["rows"] if row["key"] == "closing_mrr")
    addresses = {name: kept_address(lead, url) for name, url in (("page", NAMED), ("behind", bar), ("renew", "/renewals/"))}
    run = PassRun.objects.get(pk=KeptRun.objects.get().run_id)
    for address in addresses.values():
        assert f"run={run.pk}&as_of={run.as_of}&policy=default-{run.policy_version}&known=" in address
    before, behind = lead.get(bar), [(r["account_name"], r["amount"], [line["mrr"] for line in r["lines"]]) for r in lead.get(bar).context["rows"]]
    newest = more_comes_in(files)
    assert newest.pk > run.pk
    assert amounts(lead.get(NAMED)) != amounts(page), "what came in changes the figures of now"
    then = lead.get(addresses["page"])
    assert amounts(then) == amounts(page)
    assert [r | {"url": ""} for r in then.context["by"]["rows"]] == [r | {"url": ""} for r in page.context["by"]["rows"]]
    opened = lead.get(addresses["behind"])
    assert opened.context["total"] == before.context["total"]
    assert [(r["account_name"], r["amount"], [line["mrr"] for line in r["lines"]]) for r in opened.context["rows"]] == behind
    for page_then in (then, opened, lead.get(addresses["renew"])):
        assert f"run {run.pk}" in page_then.context["then"]["title"]
        assert page_then.context["then"]["title"] in page_then.content.decode()
        assert "being recomputed" not in page_then.content.decode()


def test_every_link_of_such_a_page_stays_with_its_run(files: Path) -> None:
    lead = login("lead")
    address = kept_address(lead, NAMED)
    run = KeptRun.objects.get().run_id
    more_comes_in(files)
    page = lead.get(address)
    links = [row["url"] for row in page.context["waterfall"]["rows"] if row["url"]] + [one["url"] for one in page.context["periods"] + page.context["months"]]
    links += [page.context["download_url"], *(row["url"] for row in page.context["by"]["rows"] if row["url"])]
    links += [cell["url"] for row in page.context["cohorts"]["rows"] for cell in row["cells"] if cell and cell["url"]][:2]
    links += [row["url"] for row in page.context["booked"].get("rows", ()) if row["url"]]
    assert len(links) > 10
    for link in links:
        assert f"run={run}&" in link, link
    assert "run=" not in page.context["then"]["now_url"]
    ours = lead.get(page.context["download_url"])
    assert f"run-{run}" in ours["Content-Disposition"]


def test_who_may_not_see_an_account_does_not_see_it_there_either(files: Path) -> None:
    lead = login("lead")
    bar = next(row["url"] for row in lead.get(NAMED).context["waterfall"]["rows"] if row["key"] == "closing_mrr")
    addresses = [kept_address(lead, NAMED), kept_address(lead, bar)]
    bo = login("member", "Bo Beck")
    opened = bo.get(addresses[1])
    assert {r["account_name"] for r in opened.context["rows"]} == {"Birch"}
    for address in addresses:
        text = bo.get(address).content.decode()
        assert "Alder" not in text
        assert "Cedar" not in text
    outsider = login("viewer")
    assert not outsider.get(addresses[1]).context["rows"]
    assert "Birch" not in "".join(outsider.get(address).content.decode() for address in addresses)


def test_a_run_that_is_kept_outlives_the_newest_and_one_that_is_gone_says_so(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "KEPT", 1)
    lead = login("lead")
    first = passes.latest_run()
    assert first is not None
    plain = f"{NAMED}&run={first.pk}"
    assert lead.get(plain).status_code == 200
    address = kept_address(lead, NAMED)
    event = AuditEvent.objects.get(act=Act.LINK_KEPT)
    assert (event.user.email, event.subject) == ("lead@laer.example", f"run {first.pk}")  # type: ignore[union-attr]
    second = more_comes_in(files)
    assert snapshots.is_there(first.pk)
    one = KeptRun.objects.get()
    stranger = login("member")
    assert stranger.post(f"/links/{one.pk}/let-go/").status_code == 403
    assert not stranger.get("/links/").context["rows"]
    assert lead.get(lead.get("/links/").context["rows"][0]["url"]).context["then"]
    assert lead.post(f"/links/{one.pk}/let-go/").status_code == 302
    snapshots.forget_old()
    gone = lead.get(address)
    assert gone.status_code == 410
    text = gone.content.decode()
    assert f"The figures of run {first.pk}" in text
    assert "waterfall" not in text
    nearest = lead.get(gone.context["nearest"]["url"])
    assert nearest.status_code == 200
    assert f"run {second.pk}" in nearest.context["then"]["title"]
    assert lead.post("/links/keep/", {"run": first.pk, "address": NAMED}, headers={"Accept": "application/json"}).status_code == 409


def test_addresses_that_are_not_of_the_run_they_name(files: Path) -> None:
    lead = login("lead")
    run = passes.latest_run()
    assert run is not None
    for query in ("run=999999", "run=nonsense", f"run={run.pk}&as_of=2020-01-01", f"run={run.pk}&policy=default-99"):
        assert lead.get(f"/revenue/?{query}").status_code == 410, query
    PassRun.objects.filter(pk=run.pk).update(policy_version=99)
    gone = lead.get(f"/revenue/?run={run.pk}")
    assert gone.status_code == 410
    assert "version 99" in gone.content.decode()
    assert lead.post("/links/keep/", {"run": run.pk, "address": "https://elsewhere.example/"}).status_code == 404


def test_there_is_an_end_to_how_many_are_kept(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = login("lead")
    monkeypatch.setattr(kept, "MOST", 0)
    answer = lead.post("/links/keep/", lead.get(NAMED).context["keep"], follow=True)
    assert not KeptRun.objects.exists()
    assert "all there may be" in answer.content.decode()
    monkeypatch.setattr(kept, "MOST", 1)
    there = lead.post("/links/keep/", lead.get(NAMED).context["keep"], follow=True)
    assert there.context["then"], "without a script the button goes to the address"
    again = lead.post("/links/keep/", lead.get("/renewals/").context["keep"])
    assert again.status_code == 302
    assert KeptRun.objects.count() == 1, "the same run is kept once"
    assert KeptRun.objects.get().kept_at <= timezone.now()
    shutil.rmtree(snapshots.folder_of(KeptRun.objects.get().run_id))
    assert lead.get(there.redirect_chain[-1][0]).status_code == 410


def test_an_account_and_a_measure_say_the_same_after_more_has_come_in(files: Path) -> None:
    lead = login("lead")
    account = next(row["account_id"] for row in lead.get("/data/metrics/mrr/").context["rows"] if row["name"])
    own = kept_address(lead, f"/accounts/{account}/")
    measure, catalogue = kept_address(lead, "/data/metrics/mrr/"), kept_address(lead, "/data/metrics/")

    def said(page: Any) -> list[tuple[str, str]]:
        return [(f["label"], f["value"]) for f in page.context.get("header_figures") or page.context["figures"]]

    before = {address: said(lead.get(address)) for address in (own, measure)}
    values = [(r["account_id"], r["text"]) for r in lead.get(measure).context["rows"]]
    more_comes_in(files)
    for address, figures in before.items():
        page = lead.get(address)
        assert said(page) == figures
        assert page.context["then"]["now_url"]
    assert [(r["account_id"], r["text"]) for r in lead.get(measure).context["rows"]] == values
    assert [(r["account_id"], r["text"]) for r in lead.get("/data/metrics/mrr/").context["rows"]] != values, "what came in changes the figures of now"
    assert lead.get(catalogue).status_code == 200
    kept_links = [row["account_url"] for row in lead.get(measure).context["rows"]]
    assert all("run=" in url for url in kept_links)
    assert lead.get(kept_links[0]).context["tab"] == "facts"


def test_an_account_as_of_a_run_is_nobodys_but_its_readers(files: Path) -> None:
    lead = login("lead")
    account = lead.get("/data/metrics/mrr/").context["rows"][0]["account_id"]
    own = kept_address(lead, f"/accounts/{account}/")
    assert login("member").get(own).status_code in (302, 404)
    assert lead.get(own.replace(f"/accounts/{account}/", "/accounts/999999/")).status_code == 404


def test_the_account_list_says_the_same_after_more_has_come_in(files: Path) -> None:
    lead = login("lead")
    now = lead.get("/accounts/?state=paying&sort=-mrr")
    address = kept_address(lead, "/accounts/?state=paying&sort=-mrr")
    page = lead.get(address)
    rows = [(row["name"], [cell["text"] for cell in row["cells"]]) for row in page.context["listing"]["rows"]]
    assert [name for name, _cells in rows] == [row["name"] for row in now.context["rows"]], "the same accounts in the same order as the page of that day"
    # the list of now adds up what is published in cents, the run has the amounts themselves: a cent for each account at most
    assert abs(page.context["listing"]["total"]["amount"] - now.context["totals"]["arr"]) <= Decimal("0.01") * len(rows)
    assert page.context["listing"]["filters"][0]["value"] == "Paying"
    file = lead.get(f"{address}&format=csv").getvalue()
    more_comes_in(files)
    again = lead.get(address)
    assert [(row["name"], [cell["text"] for cell in row["cells"]]) for row in again.context["listing"]["rows"]] == rows
    assert lead.get(f"{address}&format=csv").getvalue() == file
    assert lead.get("/accounts/?state=paying&sort=-mrr").context["totals"]["arr"] != now.context["totals"]["arr"]
    account = again.context["listing"]["rows"][0]["url"]
    assert lead.get(account).context["then"]


def test_a_list_that_facts_cannot_answer_offers_no_such_address_and_shows_nothing(files: Path) -> None:
    lead = login("lead")
    assert lead.get("/accounts/").context["keep"]
    for narrowed in ("where=mrr+%3E+1", "ends_within=90"):
        assert lead.get(f"/accounts/?{narrowed}").context["keep"] is None
        page = lead.get(f"{kept_address(lead, '/accounts/')}&{narrowed}")
        assert page.context["listing"]["rows"] == []
        assert "cannot be shown as it was" in page.content.decode()


def test_the_list_of_a_run_is_narrowed_and_scoped(files: Path) -> None:
    lead = login("lead")
    address = kept_address(lead, "/accounts/")
    everybody = [row["name"] for row in lead.get(address).context["listing"]["rows"]]
    assert [row["name"] for row in lead.get(f"{address}&q={everybody[0]}").context["listing"]["rows"]] == [everybody[0]]
    assert lead.get(f"{address}&segment=Nowhere").context["listing"]["rows"] == []
    small = lead.get(f"{address}&segment=SMB&columns=segment").context["listing"]["rows"]
    assert {row["cells"][0]["text"] for row in small} == {"SMB"}
    assert len(lead.get(f"{address}&mrr_max=1").context["listing"]["rows"]) < len(everybody)
    member = login("member").get(address).context["listing"]["rows"]
    assert len(member) < len(everybody)
