"""Numbers as people and systems write them: exact, or unreadable.

`style` says which mark is the decimal one: `point` (1,234.5) or `comma` (1.234,5). It is decided over a whole column
(`NumberStyle`). Marks must stand where a thousands mark can stand, so that a number of the other style is unreadable
rather than a thousand times too large.
"""

from __future__ import annotations

import re
from decimal import Decimal

from laer.sources.tabular.cells import Unreadable, spelled

LONGEST = 64
DIGITS = 30  # before or after the decimal mark
INT64 = 2**63

_CODES = frozenset(
    spelled(
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK "
        "DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW "
        "KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR "
        "PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UYW "
        "UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL HRK KR KR. ZŁ KČ FT LEI RS RS. FR. SFR. ЛВ ЛВ."
    )
)
_SAME = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u202f\u2009\u2007\u2008\u200a\t", " "),
        **dict.fromkeys("\u2212\u2013\u2012\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2019\u2018\u00b4`", "'"),
    }
)
_CURRENCY = r"[A-Za-z]{0,3}[$€£¥₹₽₩₺₪₫₴₦฿₱₡₲₵₸₼₾]|[^\W\d_]{2,3}\.?"
_SHAPE = re.compile(
    rf"(?P<sign>[+-]?) ?(?P<cur>{_CURRENCY})? ?(?P<open>\(?) ?(?P<sign2>[+-]?) ?(?P<cur2>{_CURRENCY})? ?"
    r"(?P<body>[0-9.,][0-9., ']*?)(?P<exp>[eE][+-]?[0-9]{1,4})? ?(?P<cent>%?) ?"
    rf"(?P<cur3>{_CURRENCY})? ?(?P<sign3>-?)(?P<close>\)?)"
)
_BODY = {
    "point": re.compile(
        r"(?P<whole>[0-9]+|[1-9][0-9]{0,2}(?:(?P<mark>[, '])[0-9]{3})(?:(?P=mark)[0-9]{3})*"
        r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})?(?:\.(?P<part>[0-9]*))?"
    ),
    "comma": re.compile(r"(?P<whole>[0-9]+|[1-9][0-9]{0,2}(?:(?P<mark>[. '])[0-9]{3})(?:(?P=mark)[0-9]{3})*)?(?:,(?P<part>[0-9]*))?"),
}
_PLAIN = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,12})?")
_POINTED = re.compile(r"[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,})")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_MARKS = re.compile(r"[ ']")
_NO_CENTS = re.compile(r"(?<=[0-9])([.,]) ?-{1,2}(?=[^0-9-]*$)")  # `1.200,-` and `1'200.-`: the mark proves the style, the dash is no sign
_SCALED = re.compile(r"(?P<before>[^0-9]{0,6})(?P<body>[0-9][0-9., ']*?) ?(?P<scale>[kK]|M|MM|Mn|mn|Mio\.?|Mrd\.?|bn|Bn)(?P<after> ?[^0-9]{0,6})")
_SCALES = {"k": 3, "m": 6, "mm": 6, "mn": 6, "mio": 6, "mrd": 9, "bn": 9}


def read_number(text: str, style: str = "point") -> Decimal | None | Unreadable:
    """The exact number; None where empty. `12 %` is 12: the unit is said by the column's name."""
    if (_PLAIN if style == "point" else _WHOLE).fullmatch(text):
        return Decimal(text)
    plain = text.translate(_SAME).strip()
    if not plain:
        return None
    found = _taken_apart(plain)
    body = found and _BODY[style].fullmatch(found["body"].rstrip())
    if found and not body and _proof(text) not in (None, style):  # `12.5` in a column of decimal commas reads in one way only
        body = _BODY["point" if style == "comma" else "comma"].fullmatch(found["body"].rstrip())
    if not found or not body:
        return Unreadable(text)
    whole, part = _MARKS.sub("", (body["whole"] or "").replace(",", "").replace(".", "")), body["part"] or ""
    if not whole + part:
        return Unreadable(text)
    value = Decimal(f"{whole or '0'}.{part or '0'}{found['exp'] or ''}")
    if not value:
        return Decimal(0)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or value.adjusted() >= DIGITS or -exponent > DIGITS + 1:
        return Unreadable(text)
    if part == "" or exponent > 0:
        value = Decimal(int(value)) if value == int(value) else value
    return value.copy_negate() if found["open"] or "-" in (found["sign"], found["sign2"], found["sign3"]) else value


def read_integer(text: str, style: str = "point") -> int | None | Unreadable:
    """A whole number of at most 64 bits (`12.0` is 12, `12.5` is unreadable); None where empty."""
    if _WHOLE.fullmatch(text):
        return int(text)
    value = read_number(text, style)
    if value is None or type(value) is Unreadable:
        return value
    whole = int(value)
    return whole if value == whole and -INT64 <= whole < INT64 else Unreadable(text)


def read_scaled(text: str, style: str = "point") -> Decimal | Unreadable:
    """A number in thousands, millions or billions: `1.2k`, `$3.4M`, `5 Mio. €`. A lone `m` may be a month or a metre, and is none."""
    found = _SCALED.fullmatch(text.translate(_SAME).strip()) if len(text) <= LONGEST else None
    value = read_number(found["before"] + found["body"] + found["after"], style) if found else None
    if not found or not isinstance(value, Decimal):
        return Unreadable(text)
    value = value.scaleb(_SCALES[found["scale"].rstrip(".").casefold()])
    return Decimal(int(value)) if value == int(value) else value


class NumberStyle:
    """Whether a column writes decimal points or commas: fed with its distinct values, asked at the end.

    `1.200,50`, `12,5` and `1.200.300` prove the comma; `1,200.50`, `12.5` and `1,200,300` the point; `1,234` and
    `1.234` prove nothing. Without proof, or with proof for either, it is the point; cells that prove their own mark are
    read by it all the same. In a file that is written as where commas are decimal, `1.200` without proof is 1200.

    In   commas   the file is so written (`Table.commas`)
    """

    def __init__(self, commas: bool = False) -> None:
        self.evidence = {"point": 0, "comma": 0}
        self.commas, self._dots, self._unproved_commas = commas, False, False

    def see(self, text: str) -> None:
        if _POINTED.fullmatch(text):  # nearly all cells of nearly all files
            self.evidence["point"] += 1
        elif proved := _proof(text):
            self.evidence[proved] += 1
        elif self.commas:
            self._dots = self._dots or "." in text
            self._unproved_commas = self._unproved_commas or "," in text

    def decide(self) -> str:
        likely = self._dots and not self._unproved_commas
        return "comma" if (self.evidence["comma"] or likely) and not self.evidence["point"] else "point"

    @property
    def conflicting(self) -> bool:
        return bool(self.evidence["point"] and self.evidence["comma"])


def affix(text: str) -> str:
    """The currency or per cent sign around a number ('' where none): what a plain number would lose."""
    found = _taken_apart(text.translate(_SAME).strip())
    return "".join(filter(None, (found["cur"], found["cur2"], found["cur3"], found["cent"]))).upper() if found else ""


def _taken_apart(plain: str) -> re.Match[str] | None:
    """Sign, currency, digits and exponent of a number; None where it is none."""
    if len(plain) > LONGEST:
        return None
    if "-" in plain:
        plain = _NO_CENTS.sub(r"\g<1>00", plain)
    if not (found := _SHAPE.fullmatch(plain)):
        return None
    currencies = [c for c in (found["cur"], found["cur2"], found["cur3"]) if c]
    signs = [s for s in (found["sign"], found["sign2"], found["sign3"], found["open"]) if s]
    known = all(c[-1] in "$€£¥₹₽₩₺₪₫₴₦฿₱₡₲₵₸₼₾" or c.upper() in _CODES for c in currencies)
    return found if known and len(currencies) <= 1 and len(signs) <= 1 and bool(found["open"]) == bool(found["close"]) else None


def proof(text: str) -> str | None:
    """`point` or `comma` where a number can be read with that as its decimal mark only."""
    return "point" if _POINTED.fullmatch(text) else _proof(text)


def _proof(text: str) -> str | None:
    if "," not in text and "." not in text:
        return None
    found = _taken_apart(text.translate(_SAME).strip())
    if not found:
        return None
    body = _MARKS.sub("", found["body"])
    comma, point = body.rfind(","), body.rfind(".")
    if comma >= 0 and point >= 0:
        proof = "comma" if comma > point else "point"
    else:
        mark, mine, other = (",", "comma", "point") if comma >= 0 else (".", "point", "comma")
        before, _, after = body.partition(mark)
        if body.count(mark) > 1:
            proof = other
        elif len(after) == 3 and 1 <= len(before) <= 3 and before[0] != "0":
            return None
        else:
            proof = mine
    return proof if _BODY[proof].fullmatch(found["body"].rstrip()) else None
