"""Names, domains and countries of accounts as they are compared: one spelling for what means the same."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import yaml
from babel import Locale

CONTENT = Path(__file__).parents[2] / "content" / "matching" / "shared-domains.yaml"
PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:(//)?", re.IGNORECASE)
WORD = re.compile(r"[^\W_]+")
ALSO = {
    "usa": "US", "u.s.": "US", "u.s.a.": "US", "america": "US", "uk": "GB", "u.k.": "GB", "great britain": "GB", "england": "GB", "holland": "NL",
    "korea": "KR", "deutschland": "DE",
}  # fmt: skip


@lru_cache
def _shipped() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Domains that are shared, families of them, and legal forms."""
    said = yaml.safe_load(CONTENT.read_text(encoding="utf-8"))
    domains = frozenset(f"{said['mail']} {said['hosting']} {said['nothing']}".split())
    return domains, frozenset(said["families"]), frozenset(said["legal_forms"].split())


def domain_of(text: str | None) -> str | None:
    """A domain without scheme, www, port, path and closing dot, in lower case and ASCII (IDNA); of an e-mail what stands behind the @.

    None where the text holds none.
    """
    if not text:
        return None
    host = text.strip().lower()
    if not PLAIN.fullmatch(host):
        host = SCHEME.sub("", host)
        host = re.split(r"[/?#\\\s,;]", host, maxsplit=1)[0].rpartition("@")[2].partition(":")[0].strip(".")
        if not host.isascii():
            try:
                host = host.encode("idna").decode("ascii")
            except UnicodeError:
                return None
    while host.startswith("www."):
        host = host[4:]
    if len(host) > 253 or not PLAIN.fullmatch(host) or host.rpartition(".")[2].isdigit():
        return None
    return host


@lru_cache(maxsize=100_000)
def is_shared(domain: str) -> bool:
    """Whether a domain belongs to many: mail for everybody, hosts of other people's sites, and what lies below them."""
    domains, families, _ = _shipped()
    parts = domain.split(".")
    if any(".".join(parts[i:]) in domains for i in range(len(parts))):
        return True
    return any(parts[i] in families and all(len(p) <= 3 for p in parts[i + 1 :]) for i in range(max(0, len(parts) - 3), len(parts) - 1))


def own_domain(text: str | None) -> str | None:
    """The domain where it can say whose an account is."""
    domain = domain_of(text)
    return None if domain is None or is_shared(domain) else domain


def exact_name(text: str | None) -> str:
    """A name trimmed and case-folded, its legal form kept: what `by exact name` compares."""
    return " ".join((text or "").casefold().split())


def words_of(text: str | None) -> list[str]:
    """The words of a name without accents, signs and legal forms; with them where nothing else is left."""
    plain = unicodedata.normalize("NFKD", (text or "").replace("&", " and ").replace("ß", "ss").replace("A/S", "AS"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    words = WORD.findall(re.sub(r"\b((?:\w\.){1,}\w?)", lambda m: m[1].replace(".", ""), plain))  # s.a.r.l. is one word
    _, _, forms = _shipped()
    kept = [w for w in words if w not in forms and w not in ("and", "the")]
    return kept or words


def loose_name(text: str | None) -> str:
    return " ".join(words_of(text))


@lru_cache(maxsize=10_000)
def country_of(text: str | None) -> str | None:
    """The ISO code of a country as files write it (DE, Germany, USA); other text as it stands, case-folded."""
    said = (text or "").strip()
    if not said:
        return None
    if len(said) == 2 and said.isalpha() and said.upper() != "UK":
        return said.upper()
    folded = said.casefold()
    return ALSO.get(folded) or _codes().get(folded) or folded


@lru_cache
def _codes() -> dict[str, str]:
    names = Locale("en").territories
    return {name.casefold(): code for code, name in names.items() if len(code) == 2}
