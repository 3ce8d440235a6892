"""Story 3 as sheets of contracts have it, in the languages of their headers: 100 terms of 2024, 95 go on in 2025, 5 do not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from laer.sources.tabular.ends import end_evidence
from laer.web.book.importing import begin_import, preview_import
from laer.web.book.models import Contract
from laer.web.runs.doctor import findings
from tests.web.sheets import listed
from tests.web.test_stories import months, take

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

HEADERS = {
    "german": (["Vertragsnummer", "Kunde", "Vertragsbeginn", "Vertragsende", "Jahresbetrag"], "%d.%m.%Y", "12.000,00"),
    "german, named and numbered": (["Kundennr.", "Firma", "Laufzeit von", "Laufzeit bis", "Jahresumsatz"], "%d.%m.%Y", "12.000,00"),
    "german, bare": (["Kunde", "Vertragsbeginn", "Vertragsende", "Jahresbetrag"], "%d.%m.%Y", "12.000,00"),
    "french": (["N° de contrat", "Client", "Début du contrat", "Fin du contrat", "Montant annuel"], "%d/%m/%Y", "12000,00"),
    "spanish": (["Nº contrato", "Cliente", "Inicio del contrato", "Fin del contrato", "Importe anual"], "%d/%m/%Y", "12.000,00"),
    "dutch": (["Contractnummer", "Klant", "Begindatum", "Einddatum", "Jaarbedrag"], "%d-%m-%Y", "12.000,00"),
    "dutch, bare": (["Klant", "Ingangsdatum", "Einddatum contract", "Jaarbedrag"], "%d-%m-%Y", "12.000,00"),
    "english": (["Contract ID", "Customer", "Contract start", "Contract end", "Annual amount"], "%Y-%m-%d", "12,000.00"),
}
TERMS = ((date(2024, 1, 1), date(2024, 12, 31), 100), (date(2025, 1, 1), date(2025, 12, 31), 95))


def sheet(path: Path, language: str) -> Path:
    header, how, amount = HEADERS[language]
    rows = []
    for year, (start, end, count) in enumerate(TERMS):
        for i in range(count):
            named = {5: [f"{i:05d}" if header[0] == "Kundennr." else f"V{i:03d}-{year}", f"Firm {i:03d}"], 4: [f"Firm {i:03d}"]}[len(header)]
            rows.append([*named, start.strftime(how), end.strftime(how), amount])
    return listed(path, rows, header)


@pytest.mark.parametrize("language", HEADERS)
def test_december_closes_at_what_was_paid_and_january_loses_five(tmp_path: Path, language: str) -> None:
    run = take(sheet(tmp_path / "sheet.csv", language), "2025-03-01")
    (mapping,) = [f.mapping for f in run.files.all() if f.record == "subscription_lines"]
    assert mapping["end"] == "inclusive"
    assert "last paid day" in mapping["end_evidence"]["sentence"]
    assert run.counts["subscription_lines"]["new"] == 195
    found = months()
    assert found["2024-12"]["closing_mrr"] == 100_000
    january = found["2025-01"]
    assert (january["churn_mrr"], january["reactivation_mrr"], january["closing_mrr"]) == (5_000, 0, 95_000)
    assert sum(m["reactivation_mrr"] for m in found.values()) == 0
    waiting = {f.check: f.count for f in findings()}.get("expired_unresolved", 0)
    assert waiting == 95  # the terms of 2025, of which the list of March says nothing; never the five


def test_the_import_says_that_a_row_stands_for_each_renewal(tmp_path: Path) -> None:
    run = begin_import([("sheet.csv", sheet(tmp_path / "sheet.csv", "german"))], source="crm", file_date=date(2025, 3, 1))
    preview_import(run)
    evidence = end_evidence((str(i), start, end) for start, end, count in TERMS for i in range(count))
    assert evidence.counts[-1] == "95 of 100 terms that were over by 2025-01-01 have a row for the next: those that have none ended."


def test_a_list_from_within_the_grace_says_nothing_by_silence(tmp_path: Path) -> None:
    take(sheet(tmp_path / "sheet.csv", "german"), "2025-01-10")
    assert not Contract.objects.filter(auto_renews=False).exists()


def test_where_few_go_on_in_the_list_silence_says_nothing() -> None:
    few = ((TERMS[0][0], TERMS[0][1], 100), (TERMS[1][0], TERMS[1][1], 60))
    evidence = end_evidence((str(i), start, end) for start, end, count in few for i in range(count))
    assert (evidence.over, evidence.renewed, evidence.rows_renew) == (100, 60, False)
