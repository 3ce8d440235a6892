"""Words that make a row a total or a footer, in the languages that exports are written in."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

LONGEST = 120  # no label is longer
_TOTAL = (
    r"(?:(?:grand|report|overall|running|sub|sous|gran)[ -]?)?(?:totals?|totaux|totales)(?: general(?:e|es)?)?|overall|sum|sums|sum total"
    r"|summen?|gesamt|gesamtsumme|gesamtergebnis|zwischensummen?|teilsummen?|teilergebnis|ergebnis|insgesamt|endsumme"
    r"|somme|somme totale|total partiel|suma|suma total|totaal|eindtotaal|subtotaal|deeltotaal|totaal generaal|som|totale|totale generale|subtotale|soma"
)
_PART = re.compile(r"sub|sous|partiel|zwischen|teil|deel")
_NOUNS = (
    "accounts? customers? clients? companies contracts? subscriptions? lines? records? rows? items? arr mrr acv tcv revenue amount value seats licenses "
    "eur usd gbp chf sek nok dkk all overall year month"
).split()
_ROWS = r"(?:records?|rows?|accounts?|customers?|items?|lines?|datensatze|zeilen|lignes?|registros?|filas?|rijen|regels?)"
_ALONE = re.compile(rf"(?:{_TOTAL})(?: (?:of |for )?(?:{'|'.join(_NOUNS)}))*(?: ?[:=] ?.*| - .*| ?\(.*\)| ?\[.*\]| [\d.,' ]+{_ROWS}?)?:?")
_GROUP = re.compile(rf"(?:{_TOTAL})(?: (?:for|of|de|du|des|por|para|fur|von|van|voor))? (?P<after>.+)|(?P<before>.+?)[ :-]+(?:{_TOTAL}):?")
_KINDS = "(?:record )?count|average|avg|mean|median|min|minimum|max|maximum|anzahl|mittelwert|durchschnitt|moyenne|nombre|gemiddelde|aantal|promedio"
_BESIDE = re.compile(rf"counts?|number|sum|totals?|summe|{_KINDS}")
_AVERAGE = re.compile(rf"(?:{_KINDS})\b.*")
_COUNTED = re.compile(rf".*?\(([\d.,' ]+) ?{_ROWS}?\)|.*? ([\d.,' ]+) ?{_ROWS}|([\d.,']+) ?{_ROWS}")
_WORDS = ("tota", "gesamt", "ergebnis", "overall", "\nsum", "\nsom", "summe\n")  # some part of nearly each label; few, as they are looked for in every row
_MADE = r"(?:generated|exported|created|printed|run|prepared|downloaded)"
_FOOT = re.compile(
    r"(?:strictly |company |highly )?confidential(?:ity)?(?: ?[-:,.;/].*| and .*| do not .*| information.*)?|confidential information.*"
    r"|vertraulich\b.{0,60}|(?:streng|strictement|strikt) .{0,40}|confidentiel\b.{0,60}|confidencial\b.{0,60}|vertrouwelijk\b.{0,60}"
    r"|.{0,60}\bdo not distribute\b.*|.{0,40}\binternal use only\b.*|nur fur den internen gebrauch.*"
    r"|copyright\b.*|\(c\) .*|© ?.*|.*\ball rights reserved\b.*"
    rf"|(?:report )?{_MADE} (?:by|on|at|from|with)\b.*|(?:{_MADE}|report date) ?:.*"
    r"|(?:erstellt|exportiert|gedruckt) (?:von|am|aus|mit)\b.*|(?:genere|exporte|imprime) (?:par|le|de)\b.*"
    r"|(?:generado|exportado) (?:por|el)\b.*|(?:gegenereerd|geexporteerd) (?:door|op)\b.*"
    r""
    r"|(?:quelle|hinweise?|anmerkung(?:en)?|notes?|nota|remarques?|fuente|bron|fonte|legende?|disclaimer|definitions?|stand|as at|annotations?) ?:.*"
    r"|as of \d.*|end of (?:report|file|export)\b.*|page \d+(?: of \d+)?|source: .*|filtered by\b.*|filters? applied\b.*|[*†] ?\w.*|-+ ?end.*-*"
)
_REGION = re.compile(
    r"(?:emea|apac|anz|dach|latam|nam|amer|americas?|na|eu|uk|us|usa|row|mena|cee|cis|benelux|nordics?|iberia|asean"
    r"|(?:(?:north|south|latin|central|western|eastern|northern|southern|middle) )*(?:america|europe|asia|africa|east|pacific|region)"
    r"|asia[- /]pacific|rest of (?:the )?world|(?:nord|sud|west|ost|mittel|zentral)(?:amerika|europa|deutschland)?|europa?|europe"
    r"|international|domestic|deutschland|germany|france|spain|italy|united (?:kingdom|states)"
    r"|enterprise|mid[- ]?market|smb|sme|strategic|commercial|corporate|key accounts?"
    r"|(?:tier|segment|region|group|gruppe|team|territory|gebiet)[ :-]+\w+)\s*:?|.{1,60}:"
)


class Label(NamedTuple):
    """part     it says that it sums a part of the rows
    alone    nothing but such a word stands there (with a bracket, a number or a colon behind it); else `group` is beside it
    group    what it sums
    rows     the number of rows that it states
    behind   the word stands behind the group (`EMEA Total`), as programs write it; before it, it may begin a name (`Total Energies`)
    """

    part: bool
    alone: bool
    group: str = ""
    rows: int | None = None
    behind: bool = False


def label_of(text: str) -> Label | None:
    """What a cell says as the label of a total; None where it says no such thing."""
    if not text or len(text) > LONGEST:
        return None
    plain = plain_words(text)
    if found := _ALONE.fullmatch(plain):
        return Label(bool(_PART.match(plain)), True, rows=count_in(text))
    found = _GROUP.fullmatch(plain)
    return Label(True, False, found["after"] or found["before"], behind=bool(found["before"])) if found else None


def may_be_label(text: str) -> bool:
    """Whether any label may be among texts with line breaks around; cheap, and wrong now and then in saying yes."""
    return any(map(text.casefold().__contains__, _WORDS))


def is_footer(text: str) -> bool:
    """Whether a line below a table is the small print of the program that wrote it."""
    return len(text) <= 500 and bool(_FOOT.fullmatch(plain_words(text[:500])))


def is_beside(text: str) -> bool:
    """Whether a cell of a total row says what kind of total it is (`Sum`, `Count`)."""
    return len(text) <= LONGEST and bool(_BESIDE.fullmatch(plain_words(text)))


def is_average(text: str) -> bool:
    """Whether a label belongs to a row that may stand below a total, and nowhere else counts as one (`Max` is a name too)."""
    return len(text) <= LONGEST and bool(_AVERAGE.fullmatch(plain_words(text)))


def is_group(text: str) -> bool:
    """Whether a row of one cell is named as a group of customers is (`EMEA`, `Tier 1`, `Nordics:`)."""
    return len(text) <= LONGEST and bool(_REGION.fullmatch(plain_words(text)))


def count_in(text: str) -> int | None:
    """The number of rows that a text states: 250 in `Grand Totals (250 records)`."""
    found = _COUNTED.fullmatch(plain_words(text)) if len(text) <= LONGEST else None
    digits = re.sub(r"\D", "", next(filter(None, found.groups()))) if found else ""
    return int(digits) if 0 < len(digits) < 10 else None


def plain_words(text: str) -> str:
    """Lower case without accents, blanks as one."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", text.replace("ß", "ss").casefold()) if not unicodedata.combining(c))
    return " ".join(folded.replace("–", "-").replace("—", "-").split())
