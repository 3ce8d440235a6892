"""Every text that a page can say, out of the templates and the Python of the web: the English catalogue, which translators start from.

`python -m laer.web.extracting` (`make texts`) writes it. It holds neither line numbers nor dates, so that it changes where a text does.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import write_po

from laer.web.catalogues import SOURCE, english

WEB = Path(__file__).parent
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None, "gettext_noop": None, "ngettext_lazy": (1, 2), "pgettext_lazy": ((1, "c"), 2), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip
HEADER = """\
# {comment}
msgid ""
msgstr ""
"Project-Id-Version: laer\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def extracted() -> Catalog:
    """The texts as they stand in the code, each with the files that say it."""
    catalogue = Catalog(locale=SOURCE, charset="utf-8")
    for path in sorted([*WEB.rglob("*.py"), *(WEB / "templates").rglob("*.html"), *(WEB / "templates").rglob("*.txt")]):
        for ids, comments, context in texts_of(path):
            catalogue.add(ids, locations=[(str(path.relative_to(WEB)), 0)], auto_comments=comments, context=context)
    for text in texts_of_measures():
        catalogue.add(text, locations=[("catalogue of measures", 0)])
    for message in catalogue:
        message.locations = sorted(set(message.locations))
    return catalogue


def texts_of(path: Path) -> Iterator[tuple[str | tuple[str, ...], list[str], str | None]]:
    """(text, or singular and plural; words for translators; context) of a file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        from django.utils.translation.template import templatize

        # Django gives the calls with everything else blanked out; what is left of the indentation is no Python.
        source = "\n".join(line.lstrip() for line in templatize(source, origin=str(path)).split("\n"))
    for _line, ids, comments, context in extract("python", BytesIO(source.encode()), keywords=KEYWORDS, comment_tags=("Translators:",)):
        if ids:
            yield ids, comments, context


def texts_of_measures() -> Iterator[str]:
    """What measures are called and what they say: they live in rooms that know no language but their own."""
    from laer.cycle.company import company_catalogue
    from laer.cycle.facts import catalogue
    from laer.cycle.positions import TEXTS as OF_POSITIONS
    from laer.cycle.scorecards import TEXTS
    from laer.flow.positions import STATES

    yield from (*TEXTS, *OF_POSITIONS, *(state for states in STATES.values() for state in states))
    firm = company_catalogue()
    for measure in (*catalogue().values(), *firm.values(), *firm.of_items.values()):
        yield from (text for text in (measure.name, measure.unit, measure.words, *measure.words_of) if text)


def text_of(catalogue: Catalog) -> str:
    """A catalogue as its file."""
    body = BytesIO()
    write_po(body, catalogue, width=110, omit_header=True, sort_output=True, include_lineno=False)
    language = str(catalogue.locale or SOURCE)
    comment = "What translators start from. Written by `make texts`; edit the texts in the code." if language == SOURCE else f"Texts of laer: {language}."
    return HEADER.format(comment=comment, language=language, plurals=catalogue.plural_forms) + body.getvalue().decode() + "\n"


def main() -> None:
    english().parent.mkdir(parents=True, exist_ok=True)
    english().write_text(text_of(extracted()), encoding="utf-8")


if __name__ == "__main__":
    from django.conf import settings

    settings.configure(USE_I18N=True)
    main()
