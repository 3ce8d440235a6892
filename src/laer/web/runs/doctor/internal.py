"""Accounts that are no customers: made for a test, or our own firm."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import ngettext

from laer.web.people.models import Person
from laer.web.runs.doctor.finding import Check, Details, Seen
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

WORDS = (
    "test", "demo", "dummy", "sandbox", "staging", "do not use", "delete me", "asdf", "testkunde", "testfirma", "testaccount",
    "testkonto", "musterfirma", "mustermann", "prueba", "essai",
)  # fmt: skip
RESERVED = ("example.com", "example.org", "example.net")  # of these domains nobody can be a customer (RFC 2606)
ENDINGS = (".test", ".invalid", ".localhost", *(f".{d}" for d in RESERVED))
FREE_MAIL = frozenset(
    "gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com aol.com gmx.de gmx.net web.de proton.me qq.com 163.com".split()
)
FEWEST = 2  # people with an e-mail at a domain from which it is taken as our own


def own_domain() -> str | None:
    """Our own domain: the most frequent among the e-mails of our people, a free mail service never. One query."""
    mails = Person.objects.filter(archived_at=None, email__contains="@").values_list("email", flat=True)
    found = Counter(str(mail).rpartition("@")[2].strip().lower() for mail in mails.iterator())
    usable = [(n, domain) for domain, n in found.items() if n >= FEWEST and domain not in FREE_MAIL]
    return max(usable)[1] if usable else None


def _word(word: str) -> Q:
    """The word by itself, at the beginning, at the end or in between; `Testa Motors` and `Democracy Works` are customers."""
    between = reduce(or_, (Q(name__icontains=f"{a}{word}{b}") for a in " ([-_" for b in " )]-_"))
    edges = reduce(or_, (Q(name__istartswith=f"{word}{b}") for b in " -_:")) | reduce(or_, (Q(name__iendswith=f"{a}{word}") for a in " -_"))
    return Q(name__icontains=word) & (Q(name__iexact=word) | edges | between)


def _tests(seen: Seen) -> QuerySet[Any]:
    return seen.accounts.filter(reduce(or_, map(_word, WORDS)) | _at(*RESERVED) | reduce(or_, (Q(domain__iendswith=end) for end in ENDINGS)))


def _internal(seen: Seen) -> QuerySet[Any]:
    own = own_domain()
    return seen.accounts.filter(_at(own) | Q(domain__iendswith=f".{own}")) if own else seen.accounts.none()


def _at(*domains: str) -> Q:
    """A domain as it stands in a list: with or without www and the protocol."""
    forms = [f"{before}{d}{after}" for d in domains for before in ("", "www.", "http://", "https://", "http://www.", "https://www.") for after in ("", "/")]
    return Q(domain__in=forms)


def _paying(rows: Any) -> Any:
    def details(seen: Seen) -> Details:
        return {"paying": rows(seen).filter(id__in=seen.paying_ids()).count()}

    return details


SHOWN = (("Domain", "domain"), ("Segment", "segment"), ("Signed up", "signed_up_on"))

INTERNAL = (
    Check(
        "test_accounts", "warning", "accounts", gettext_lazy("Accounts that look made for a test"),
        gettext_lazy("Look at each. Exclude those that are no customers, with a reason: they leave every figure, and stay in the book."),
        _tests, SHOWN,
        lambda n, d: (
            ngettext(
                "%(n)s account has a name such as test or demo, or a domain that nobody owns; %(paying)s of them pay today.",
                "%(n)s accounts have a name such as test or demo, or a domain that nobody owns; %(paying)s of them pay today.",
                n,
            ) % {"n": number(n), "paying": number(d["paying"])}
        ),
        details=_paying(_tests),
    ),
    Check(
        "internal_accounts", "warning", "accounts", gettext_lazy("Accounts of our own firm"),
        gettext_lazy("Exclude them with a reason, unless your firm sells to itself: they leave every figure, and stay in the book."),
        _internal, SHOWN,
        lambda n, d: ngettext(
            "%(n)s account has the domain of our own people's e-mails; %(paying)s of them pay today.",
            "%(n)s accounts have the domain of our own people's e-mails; %(paying)s of them pay today.",
            n,
        ) % {"n": number(n), "paying": number(d["paying"])},
        details=_paying(_internal),
    ),
)  # fmt: skip
