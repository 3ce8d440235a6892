"""A translation is a file: what is in the English one, what a dropped-in one does, and what it cannot do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from typer.testing import CliRunner

from laer.cli import app
from laer.web import catalogues, extracting

pytestmark = pytest.mark.once

DOOR = '''msgid ""
msgstr ""
"Language: de\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

'''


def drop(folder: Path, text: str, language: str = "de") -> Path:
    path = folder / language / catalogues.NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(DOOR + text, encoding="utf-8")
    return path


def entry(text: str, said: str) -> str:
    return f'msgid "{text}"\nmsgstr "{said}"\n\n'


def compiled(path: Path) -> dict[str, str]:
    from gettext import GNUTranslations

    with path.with_suffix(".mo").open("rb") as file:
        return {key: said for key, said in GNUTranslations(file)._catalog.items() if key}  # type: ignore[attr-defined]


def test_the_english_catalogue_has_every_text_of_the_code() -> None:
    assert catalogues.english().read_text(encoding="utf-8") == extracting.text_of(extracting.extracted()), "a text has changed: run `make texts`"


def test_texts_are_found_in_templates_and_in_python(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "{% load i18n %}\n  <p>\n {% translate 'One' %} {# a note #} {% translate \"Two\" context 'month' %}</p>\n"
        "{% blocktranslate trimmed count n=n %}\n  {{ n }} task\n{% plural %}\n  {{ n }} tasks\n{% endblocktranslate %}<b title=\"{% translate 'It’s here' %}\"></b>"
        "{% blocktranslate trimmed with name=a.b %}Hello\n   {{ name }}{% endblocktranslate %}{% if x == _('Three') %}{% endif %}"
    )
    code = tmp_path / "code.py"
    code.write_text('def f():\n    return _("Four %(n)s") + ngettext("%(n)s row", "%(n)s rows", n) + str(gettext_lazy("Five"))  # _("not this")\n')
    found = [ids for path in (page, code) for ids, _, _ in extracting.texts_of(path)]
    assert sorted(map(str, found)) == sorted(map(str, ["One", "Two", ("%(n)s task", "%(n)s tasks"), "It’s here", "Hello %(name)s", "Three", "Four %(n)s", ("%(n)s row", "%(n)s rows"), "Five"]))
    assert ("Two", "month") in [(ids, context) for ids, _, context in extracting.texts_of(page)]


def test_a_catalogue_is_compiled_when_it_is_newer_and_then_left_alone(tmp_path: Path) -> None:
    path = drop(tmp_path, entry("Sign in", "Anmelden"))
    catalogues.compile_new(tmp_path)
    assert compiled(path) == {"Sign in": "Anmelden"}
    first = path.with_suffix(".mo").stat().st_mtime_ns
    catalogues.compile_new(tmp_path)
    assert path.with_suffix(".mo").stat().st_mtime_ns == first
    drop(tmp_path, entry("Sign in", "Einloggen"))
    os.utime(path, ns=(time.time_ns(), first + 10**9))
    catalogues.compile_new(tmp_path)
    assert compiled(path) == {"Sign in": "Einloggen"}


def test_what_would_break_a_page_stays_english_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wrong = entry("%(n)s rows of %(name)s", "%(n)s Zeilen") + entry("<b>Bold</b>", "<b>Fett</b><script>alert(1)</script>") + entry("{n} left", "{m} übrig") + entry("100 % sure", "100 % sicher")
    path = drop(tmp_path, wrong + entry("Plain", "Schlicht"))
    catalogues.compile_new(tmp_path)
    assert compiled(path) == {"Plain": "Schlicht", "100 % sure": "100 % sicher"}
    for said in ("has the placeholders %(n)s, expected %(n)s %(name)s", "has markup that the original has not: </script> <script>", "has the placeholders {m}, expected {n}"):
        assert said in caplog.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%(share)s of all", "%(share)s % der ganzen"),  # Python would fail on it: an error instead of the page
        ("%(share)s of all", "100 % von %(share)s"),
        ("%(share)s of all", "%(share)s und %(share"),
        ("Save", "5 % mehr"),
        ("Save", "<img src=x onerror=alert(1) "),  # the page's next > would close it
        ("Save", 'Konto \\"Neu\\"'),  # ends the attribute that it stands in
    ],
)
def test_a_sign_that_would_break_a_page_keeps_the_text_english(tmp_path: Path, text: str, said: str) -> None:
    path = drop(tmp_path, entry(text, said) + entry("50%% of %(n)s", "50 %% von %(n)s"))
    assert [message.id for message, _ in catalogues.problems(catalogues.read(path))] == [text]


def test_every_text_may_stand_for_itself() -> None:
    catalogue = extracting.extracted()
    for message in catalogue:
        message.string = message.id
    assert [problem for _, problem in catalogues.problems(catalogue)] == []


def test_a_file_that_does_not_read_leaves_the_older_translation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = drop(tmp_path, entry("Plain", "Schlicht"))
    catalogues.compile_new(tmp_path)
    path.write_text("this is no catalogue", encoding="utf-8")
    os.utime(path, ns=(time.time_ns(), path.with_suffix(".mo").stat().st_mtime_ns + 10**9))
    catalogues.compile_new(tmp_path)
    assert compiled(path) == {"Plain": "Schlicht"}
    assert "expected a .po file" in caplog.text


def test_a_plural_may_leave_the_number_out_but_not_ask_for_another(tmp_path: Path) -> None:
    good = 'msgid "%(n)s row"\nmsgid_plural "%(n)s rows"\nmsgstr[0] "eine Zeile"\nmsgstr[1] "%(n)s Zeilen"\n\n'
    bad = 'msgid "%(n)s task"\nmsgid_plural "%(n)s tasks"\nmsgstr[0] "%(m)s Aufgabe"\nmsgstr[1] "%(n)s Aufgaben"\n\n'
    found = [problem for _, problem in catalogues.problems(catalogues.read(drop(tmp_path, good + bad)))]
    assert found == ["“%(n)s task” has the placeholders %(m)s, expected %(n)s"]


def test_languages_are_english_and_those_that_have_a_file(tmp_path: Path) -> None:
    assert catalogues.languages([tmp_path / "nothing"]) == ["en"]
    drop(tmp_path, "", "pt_BR")
    drop(tmp_path, "", "de")
    assert catalogues.languages([tmp_path]) == ["en", "de", "pt-br"]


# The command


def run(*words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["texts", *words])
    return answer.exit_code, answer.output


def test_a_new_catalogue_has_every_text_empty_and_is_not_written_over(tmp_path: Path) -> None:
    out = tmp_path / "de" / catalogues.NAME
    code, said = run("new", "de", "--out", str(out))
    assert code == 0
    assert "texts to translate into German" in said
    with out.open("rb") as file:
        made = read_po(file)
    assert {str(m.id) for m in made} == {str(m.id) for m in catalogues.read(catalogues.english())}
    assert not [m for m in made if m.id and any(m.string)]
    assert run("new", "de", "--out", str(out))[0] == 2
    assert run("new", "klingon", "--out", str(tmp_path / "x.po"))[0] == 2


def test_check_says_what_is_missing_superfluous_and_wrong(tmp_path: Path) -> None:
    path = drop(tmp_path, entry("Time zone", "Zeitzone") + entry("Gone long ago", "Längst weg") + entry("As the firm says (%(name)s)", "Wie die Firma sagt (%(nam)s)"))
    code, said = run("check", str(path))
    assert code == 1
    assert "missing: " in said
    assert "missing: Time zone" not in said
    assert "superfluous: Gone long ago" in said
    assert "has the placeholders %(nam)s, expected %(name)s" in said
    assert run("check", str(tmp_path / "nowhere.po"))[0] == 2


def test_a_complete_catalogue_has_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "de" / catalogues.NAME
    run("new", "de", "--out", str(path))
    made = catalogues.read(path)
    for message in made:
        if message.id:
            message.string = message.id
    path.write_text(extracting.text_of(made), encoding="utf-8")
    assert run("check", str(path))[0] == 0


def test_update_keeps_translations_and_adds_what_is_new(tmp_path: Path) -> None:
    path = drop(tmp_path, entry("Time zone", "Zeitzone") + entry("Gone long ago", "Längst weg"))
    assert run("update", str(path))[0] == 0
    after = catalogues.read(path)
    assert after["Time zone"].string == "Zeitzone"
    assert len(after) == len(catalogues.read(catalogues.english()))
    assert '#~ msgstr "Längst weg"' in path.read_text(encoding="utf-8")
