"""Lists whose account has a bare id, and lists with headers of other languages: one account a row, its amount counted, its id known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from laer.web.book.importing import preview_import
from laer.web.book.models import Account, Assignment, Contact, Contract, CustomField, ExternalId, Pulse, QuarantinedRow
from tests.web.lists import arr, take

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DAY = "2024-12-31"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def written(folder: Path, text: str, name: str = "list.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def ids() -> dict[str, str]:
    stated = ExternalId.objects.filter(record="accounts").values_list("object_id", "external_id")
    names = dict(Account.objects.values_list("id", "name"))
    return {names[pk]: external for pk, external in stated}


@pytest.mark.parametrize("header", ["ID", "Nr", "Nr.", "#", "Key", "Record ID", "No."])
@pytest.mark.parametrize("beside", ["Renewal date", "Contract end", "End date"])
def test_a_bare_id_beside_a_name_is_the_accounts(tmp_path: Path, header: str, beside: str) -> None:
    text = f"{header},Name,ARR,{beside}\n101,Acme GmbH,12000,2025-03-31\n102,Beta AG,24000,2025-04-30\n207,Gamma Ltd,6000.50,2025-06-30\n"
    take(written(tmp_path, text), DAY)
    assert (arr(DAY), Account.objects.count(), Contract.objects.count()) == (42_000.5, 3, 3)
    assert ids() == {"Acme GmbH": "101", "Beta AG": "102", "Gamma Ltd": "207"}
    assert (QuarantinedRow.objects.count(), CustomField.objects.count()) == (0, 0)


def test_a_column_that_counts_the_rows_is_nobodys_id(tmp_path: Path) -> None:
    """Sorted otherwise, next month's list would give each customer another number."""
    take(written(tmp_path, "#,Name,ARR\n1,Acme,12000\n2,Beta,24000\n"), DAY)
    take(written(tmp_path, "#,Name,ARR\n1,Beta,24000\n2,Acme,13000\n", "next.csv"), "2025-01-31")
    assert (arr("2025-01-31", "Acme"), arr("2025-01-31", "Beta"), Account.objects.count()) == (13_000, 24_000, 2)


def test_an_id_that_comes_twice_is_not_the_accounts(tmp_path: Path) -> None:
    take(written(tmp_path, "ID,Name,ARR,Renewal date\n7,Acme,12000,2025-03-31\n7,Beta,24000,2025-04-30\n8,Gamma,6000,2025-06-30\n"), DAY)
    assert (arr(DAY), Account.objects.count()) == (42_000, 3)


def test_who_left_by_the_lists_date_pays_nothing_and_who_leaves_later_pays_until_then(tmp_path: Path) -> None:
    text = "ID,Name,ARR,Churn date\n101,Acme,12000,\n102,Beta,24000,2024-03-31\n103,Gamma,6000,2025-02-28\n"
    run = take(written(tmp_path, text), DAY)
    assert (arr(DAY), arr("2025-02-27"), arr("2025-03-05")) == (18_000, 18_000, 12_000)
    assert any("Beta (2024-03-31)" in note for note in run.notes)
    assert Account.objects.get(name="Beta").custom["churn_date"] == "2024-03-31"


def test_a_german_list_beyond_the_common_words(tmp_path: Path) -> None:
    text = (
        "Kundennummer;Kunde;Vertragswert (ARR);Vertragsbeginn;Laufzeitende;Kündigungsfrist;Ampel;Betreuer;Ansprechpartner\n"
        "101;Acme GmbH;12.000,00;01.01.2024;31.12.2025;30.09.2025;grün;Jonas Weiß;Petra Klein\n"
        "102;Beta AG;24.000,50;01.07.2024;30.06.2025;31.03.2025;gelb;Jonas Weiß;Uwe Groß\n"
        "103;Gamma KG;6.000,00;01.02.2024;31.01.2026;31.10.2025;rot;Mia Braun;\n"
    )
    take(written(tmp_path, text, "liste.csv"), DAY)
    assert (arr(DAY), ids()["Beta AG"], set(Pulse.objects.values_list("colour", flat=True))) == (42_000.5, "102", {"green", "yellow", "red"})
    assert set(Contact.objects.values_list("name", flat=True)) == {"Petra Klein", "Uwe Groß"}
    assert (Contract.objects.exclude(notice_on=None).count(), Assignment.objects.count(), CustomField.objects.count()) == (3, 3, 0)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Kunde;Umsatz/Monat;Vertragsende;Betreuer", 36_000),
        ("Client;Mensualité;Date d'échéance;Responsable", 36_000),
        ("Nom du client;Revenu mensuel;Date de renouvellement;Chargé de compte", 36_000),
        ("Cliente;Cuota mensual;Fecha de renovación;Gestor de cuenta", 36_000),
        ("Empresa;Importe anual;Vencimiento;Responsable", 3_000),
        ("Firma;Jahreswert;Verlaengerung am;Zustaendig", 3_000),
        ("Klant;Maandbedrag;Verlengingsdatum;Accountbeheerder", 36_000),
    ],
)
def test_a_list_in_another_language_counts_the_same(tmp_path: Path, header: str, expected: int) -> None:
    take(written(tmp_path, f"{header}\nAcme;1000;31.12.2025;Ana\nBeta;2000;30.06.2025;Bo\n"), DAY)
    assert (arr(DAY), Contract.objects.count(), Assignment.objects.count(), CustomField.objects.count()) == (expected, 2, 2, 0)


@pytest.mark.parametrize("header", ["Lost (ARR)", "Delta (ARR)", "Expansion (ARR)"])
def test_a_measure_in_brackets_behind_another_word_is_not_what_is_paid(tmp_path: Path, header: str) -> None:
    from laer.web.book.importing import begin_import

    run = begin_import([("list.csv", written(tmp_path, f"Customer,{header},CSM\nAcme,1000,Ana\nBeta,2000,Bo\n"))], source="crm")
    preview_import(run)
    assert "subscription_lines" not in {file.record for file in run.files.all()}
