"""One customer in two systems: what is matched by itself, what is only suggested, and how an undo takes a match off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.web.book import actions, importing
from laer.web.book.models import Account, Assignment, Contact, ExternalId, FieldChange, ImportRun, MatchSuggestion, SubscriptionLine
from laer.web.book.naming import country_of, domain_of, is_shared, loose_name, own_domain
from laer.web.book.undo import undo_import
from laer.web.people.models import User
from tests.web.files import changes, state_of_book, sums, take_in, write

pytestmark = pytest.mark.django_db
CRM = (
    "account_id,account_name,domain,industry,country,csm\n"
    "A1,Bluefin Energy,https://www.bluefin.example.io/home,Energy,US,Maya Okafor\n"
    "A2,Kestrel,kestrel.io,FinTech,DE,\n"
    "A3,Willow Foods,gmail.com,Foods,FR,\n"
    "A4,Onyx Retail GmbH,onyx.io,Retail,SE,\n"
)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def billing(*rows: str) -> str:
    return "customer_id,customer_name,website,country\n" + "\n".join(rows) + "\n"


def ids_of(name: str) -> set[tuple[str, str]]:
    account = Account.objects.get(name=name, archived_at=None)
    return set(ExternalId.objects.filter(record="accounts", object_id=account.pk).values_list("source", "external_id"))


def suggested() -> set[tuple[str, str, str]]:
    return {(s.left.name, s.right.name, s.rule) for s in MatchSuggestion.objects.select_related("left", "right")}


# -- what is compared ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Acme.com:8080/x?y=1", "acme.com"), ("acme.com.", "acme.com"), ("bücher.de", "xn--bcher-kva.de"), ("Maya@Acme.co.uk", "acme.co.uk"),
        ("http://user@acme.com/", "acme.com"), ("n/a", None), ("10.0.0.1", None), ("", None), (None, None), ("not a domain", None), ("www.www.acme.com", "acme.com"),
    ],
)  # fmt: skip
def test_a_domain_is_one_spelling(text: str | None, domain: str | None) -> None:
    assert domain_of(text) == domain


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "yahoo.co.uk",
        "outlook.de",
        "qq.com",
        "163.com",
        "proton.me",
        "acme.github.io",
        "acme.myshopify.com",
        "me.wixsite.com",
        "gmx.at",
        "x.blogspot.com",
    ],
)
def test_a_shared_domain_is_nobodys_own(domain: str) -> None:
    assert is_shared(domain)
    assert own_domain(domain) is None


@pytest.mark.parametrize("domain", ["acme.com", "livestream.com", "yahooligans.com", "live.nation.com", "bluefin.io"])
def test_a_domain_of_ones_own_is_not_shared(domain: str) -> None:
    assert own_domain(domain) == domain


def test_names_are_compared_without_legal_forms_accents_and_signs() -> None:
    assert loose_name("Müller & Söhne GmbH & Co. KG") == loose_name("MULLER SOHNE") == "muller sohne"
    assert loose_name("Acme S.A.R.L.") == loose_name("ACME, Inc.") == "acme"
    assert loose_name("GmbH") == "gmbh"
    assert country_of("Germany") == country_of("de") == "DE"
    assert country_of("UK") == country_of("United Kingdom") == "GB"


# -- by domain ----------------------------------------------------------------------------------------------------------


def test_a_domain_that_both_sides_have_once_is_the_same_customer(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    run = importing.begin_import(write(tmp_path, billing=billing("B1,Bluefin Inc,BLUEFIN.example.io,US", "B9,New One,new.io,US")), source="billing")
    (preview,) = importing.preview_import(run).values()
    assert preview.matched == {"domain": 1}
    assert preview.counts["accounts"] == {"new": 1, "changed": 1, "unchanged": 0, "repeated": 0, "rejected": 0}
    importing.run_import(run)
    assert sums(run)["accounts"] == (1, 1, 0, 0)
    assert ids_of("Bluefin Inc") == {("crm", "A1"), ("billing", "B1")}
    attached = ExternalId.objects.get(source="billing", external_id="B1")
    assert (attached.matched_by, attached.matched_run) == ("domain", run.pk)
    assert [(c.field, c.old, c.new, c.source) for c in FieldChange.objects.filter(record="accounts")] == [("name", "Bluefin Energy", "Bluefin Inc", "billing")]
    assert Account.objects.count() == 5


def test_the_same_file_again_is_unchanged_for_both_sources(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    text = billing("B1,Bluefin Inc,bluefin.example.io,", "B2,Kestrel,kestrel.io,DE")
    take_in(tmp_path, source="billing", billing=text)
    before, log, ids = state_of_book(), changes(), ExternalId.objects.count()
    assert sums(take_in(tmp_path, source="billing", billing=text))["accounts"] == (0, 0, 2, 0)
    assert sums(take_in(tmp_path, accounts=CRM))["accounts"] == (0, 0, 4, 0)
    assert (state_of_book(), changes(), ExternalId.objects.count()) == (before, log, ids)


def test_an_empty_cell_says_nothing_of_what_another_source_stated(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    take_in(tmp_path, source="billing", billing=billing("B1,Bluefin Energy,bluefin.example.io,"))
    assert Account.objects.get(name="Bluefin Energy").country == "US"
    take_in(tmp_path, source="billing", billing=billing("B1,Bluefin Power,bluefin.example.io,"))
    assert Account.objects.get(name="Bluefin Power").country == "US"


def test_rows_of_the_new_source_reach_the_account(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    lines = "subscription_id,account_id,start_date,mrr_amount\nS1,B1,2024-01-15,100\n"
    run = importing.begin_import(write(tmp_path, billing=billing("B1,Bluefin Energy,bluefin.example.io,US"), lines=lines), source="billing")
    previews = importing.preview_import(run)
    assert all(c["rejected"] == 0 for p in previews.values() for c in p.counts.values())
    importing.run_import(run)
    assert SubscriptionLine.objects.get().account.name == "Bluefin Energy"
    contacts = "contact_id,account_id,name,email\nC1,kestrel.io,Dana,dana@kestrel.io\n"
    take_in(tmp_path, source="helpdesk", contacts=contacts)
    assert Contact.objects.get().account.name == "Kestrel"


@pytest.mark.parametrize(
    "rows",
    [
        ("B1,Other,gmail.com,FR",),  # mail for everybody
        ("B1,One,kestrel.io,DE", "B2,Two,kestrel.io,DE"),  # twice in the file
        ("B1,Shop,kestrel.myshopify.com,DE",),
        ("B1,Nobody,,DE",),
    ],
    ids=["free mail", "twice in the file", "a shared host", "none"],
)
def test_a_domain_that_is_shared_or_not_unique_matches_nothing(tmp_path: Path, rows: tuple[str, ...]) -> None:
    take_in(tmp_path, accounts=CRM.replace("kestrel.io,", "kestrel.myshopify.com,") if "myshopify" in rows[0] else CRM)
    run = take_in(tmp_path, source="billing", billing=billing(*rows))
    assert sums(run)["accounts"] == (len(rows), 0, 0, 0)
    assert not ExternalId.objects.exclude(matched_run=None).exists()


def test_a_domain_that_two_accounts_of_the_book_have_matches_nothing_and_is_suggested(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM + "A5,Kestrel East,kestrel.io,FinTech,AT,\n")
    take_in(tmp_path, source="billing", billing=billing("B1,Falcon,kestrel.io,CH"))
    assert {s.rule for s in MatchSuggestion.objects.all()} == {"domain"}
    assert MatchSuggestion.objects.count() == 2


def test_an_account_with_an_id_in_the_same_source_takes_no_second_one(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    take_in(tmp_path, source="billing", billing=billing("B1,Kestrel,kestrel.io,DE"))
    run = take_in(tmp_path, source="billing", billing=billing("B2,Kestrel Zwei,kestrel.io,DE"))
    assert sums(run)["accounts"] == (1, 0, 0, 0)
    assert not MatchSuggestion.objects.exists()  # the source itself holds the two apart


def test_uniqueness_counts_over_the_whole_file_not_a_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from laer.sources.tabular import batches as parts

    take_in(tmp_path, accounts=CRM)
    whole = parts.batches
    monkeypatch.setattr(importing, "batches", lambda table, mapping, **more: whole(table, mapping, size=2, **more))
    rows = ["B1,One,kestrel.io,DE", "B2,Two,two.io,DE", "B3,Three,three.io,DE", "B4,Four,kestrel.io,DE"]
    assert sums(take_in(tmp_path, source="billing", billing=billing(*rows)))["accounts"] == (4, 0, 0, 0)


# -- by name ------------------------------------------------------------------------------------------------------------


def test_an_exact_name_matches_where_the_country_agrees(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    take_in(tmp_path, source="billing", billing=billing("B1, onyx retail GMBH ,,Sweden"))
    assert ("billing", "B1") in ids_of("onyx retail GMBH")
    assert ExternalId.objects.get(external_id="B1").matched_by == "name"


@pytest.mark.parametrize(
    "row", ["B1,Onyx Retail GmbH,,", "B1,Onyx Retail GmbH,,NO", "B1,Onyx Retail GmbH,other.io,SE"], ids=["nothing else", "another country", "another domain"]
)
def test_an_exact_name_alone_is_a_suggestion(tmp_path: Path, row: str) -> None:
    take_in(tmp_path, accounts=CRM)
    run = take_in(tmp_path, source="billing", billing=billing(row))
    assert sums(run)["accounts"] == (1, 0, 0, 0)
    assert suggested() == {("Onyx Retail GmbH", "Onyx Retail GmbH", "name")}


def test_a_similar_name_is_a_suggestion_and_an_unlike_one_is_none(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    take_in(tmp_path, source="billing", billing=billing("B1,Onyx Retial AB,,SE", "B2,Bluefin,,US", "B3,Retail Onions,,SE", "B4,Energy Partners,,US"))
    assert suggested() == {("Onyx Retail GmbH", "Onyx Retial AB", "similar"), ("Bluefin Energy", "Bluefin", "similar")}


def test_what_was_dismissed_is_never_suggested_again(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    first = take_in(tmp_path, source="billing", billing=billing("B1,Onyx Retail GmbH,,"))
    MatchSuggestion.objects.update(state="dismissed")
    undo_import(first)
    importing.run_import(importing.repeat_import(first))
    assert [s.state for s in MatchSuggestion.objects.all()] == ["dismissed"]


# -- people, undo, speed ------------------------------------------------------------------------------------------------


def test_an_edit_by_a_person_stays_when_another_source_is_matched(tmp_path: Path) -> None:
    lead = User.objects.create_user("lead@example.com", role="lead")
    take_in(tmp_path, accounts=CRM)
    actions.edit_field(lead, "accounts", Account.objects.get(name="Kestrel").pk, "country", "AT")
    take_in(tmp_path, source="billing", billing=billing("B1,Kestrel,kestrel.io,CH"))
    assert Account.objects.get(name="Kestrel").country == "AT"


def test_an_owner_that_both_sources_name_is_assigned_once(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    text = "customer_id,customer_name,website,csm\nB1,Bluefin Energy,bluefin.example.io,Maya Okafor\nB2,Kestrel,kestrel.io,Tom Becker\n"
    take_in(tmp_path, source="billing", billing=text)
    assert sorted(Assignment.objects.values_list("account__name", "person__name")) == [("Bluefin Energy", "Maya Okafor"), ("Kestrel", "Tom Becker")]


def test_undo_takes_the_id_off_and_puts_the_fields_back(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    before, ids = state_of_book(), set(ExternalId.objects.values_list("source", "record", "external_id", "object_id"))
    run = take_in(tmp_path, source="billing", billing=billing("B1,Bluefin Inc,bluefin.example.io,CA", "B9,New One,new.io,US"))
    undo_import(run)
    assert state_of_book() == before
    assert set(ExternalId.objects.exclude(external_id="B9").values_list("source", "record", "external_id", "object_id")) == ids
    again = importing.run_import(importing.repeat_import(run))
    assert sums(again)["accounts"] == (1, 1, 0, 0)
    assert ids_of("Bluefin Inc") == {("crm", "A1"), ("billing", "B1")}


def test_undo_leaves_an_id_that_a_later_import_states_too(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    text = billing("B1,Bluefin Energy,bluefin.example.io,US")
    first, second = take_in(tmp_path, source="billing", billing=text), take_in(tmp_path, source="billing", billing=text)
    undo_import(first)
    assert ids_of("Bluefin Energy") == {("crm", "A1"), ("billing", "B1")}
    undo_import(second)
    assert ids_of("Bluefin Energy") == {("crm", "A1")}


def test_an_interrupted_match_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from laer.web.book.applying import Writer

    take_in(tmp_path, accounts=CRM)
    run = importing.begin_import(write(tmp_path, billing=billing("B1,Bluefin Inc,bluefin.example.io,US")), source="billing")

    def dies(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Writer, "_change", dies)
        with pytest.raises(KeyboardInterrupt):
            importing.run_import(run)
    importing.run_import(run)
    assert sums(run)["accounts"] == (0, 1, 0, 0)
    assert ids_of("Bluefin Inc") == {("crm", "A1"), ("billing", "B1")}


def test_a_firm_with_one_source_pays_one_small_query(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=CRM)
    run = importing.begin_import(write(tmp_path, accounts=CRM + "A6,Later,later.io,Food,US,\n"), source="crm")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        importing.run_import(run)
    assert not [q for q in asked.captured_queries if '"book_account"."name", "book_account"."domain"' in q["sql"]]


def test_many_accounts_are_compared_in_seconds(tmp_path: Path) -> None:
    now = timezone.now()
    words = [
        "Amber",
        "Birch",
        "Cobalt",
        "Delta",
        "Ember",
        "Flint",
        "Garnet",
        "Harbor",
        "Indigo",
        "Jasper",
        "Kestrel",
        "Linden",
        "Maple",
        "North",
        "Onyx",
        "Pine",
    ]
    ends = ["Foods", "Energy", "Systems", "Health", "Retail", "Labs", "Media", "Group"]
    other = ImportRun.objects.create(source="crm", state="done", created_at=now)
    Account.objects.bulk_create(
        [Account(name=f"{words[i % 16]}{i % 997} {words[i * 7 % 16]} {ends[i % 8]} {i}", created_run=other, created_at=now) for i in range(20_000)]
    )
    rows = [f"B{i},{words[i % 16]}{i % 997} {words[i * 7 % 16]} {ends[i % 8]} {i} Ltd,,US" for i in range(0, 4_000, 20)]
    began = time.monotonic()
    take_in(tmp_path, source="billing", billing=billing(*rows))
    assert time.monotonic() - began < 20
    assert MatchSuggestion.objects.count() >= 200


def test_the_preview_and_the_result_say_by_which_rule(tmp_path: Path, client: Any) -> None:
    from laer.web.pages.data import matched_notice
    from laer.web.pages.data_import import _previewed

    take_in(tmp_path, accounts=CRM)
    run = importing.begin_import(write(tmp_path, billing=billing("B1,Bluefin Energy,bluefin.example.io,US", "B4,Onyx Retail GmbH,,SE")), source="billing")
    importing.preview_import(run)
    assert "2 matched: 1 by domain, 1 by name and country" in {n["title"] for n in _previewed(run)["notices"]}
    importing.run_import(run)
    client.force_login(User.objects.create_user("lead@example.com", role="lead"))
    assert "2 matched: 1 by domain, 1 by name and country" in {n["title"] for n in client.get(f"/data/import/{run.pk}/").context["told"]}
    assert [n["title"] for n in matched_notice({"domain": 12})] == ["12 matched by domain"]


def test_the_same_name_is_found_in_a_crowd_of_names_alike(tmp_path: Path) -> None:
    from laer.web.book import suggesting

    now = timezone.now()
    other = ImportRun.objects.create(source="crm", state="done", created_at=now)
    ends = [f"{a}{b}" for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrstuvwxyz"]
    assert len(ends) > suggesting.CROWD
    Account.objects.bulk_create([Account(name=f"Health Group {end}", created_run=other, created_at=now) for end in ends])
    take_in(tmp_path, source="billing", billing=billing("B1,Health Group qz GmbH,,DE"))
    assert suggested() == {("Health Group qz", "Health Group qz GmbH", "similar")}
