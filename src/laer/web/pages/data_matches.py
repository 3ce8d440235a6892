"""Same customer?  Pairs of accounts that may be one, side by side; and accounts that were merged, to be taken apart again."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy
from django.views.decorators.http import require_POST, require_safe

from laer.web.book import merging, settling, suggesting, superseding
from laer.web.book.actions import Refused
from laer.web.book.identity import TAKEN_OUT
from laer.web.book.models import Account, AccountMerge, DirtyAccount, ExternalId, MatchSuggestion
from laer.web.book.naming import country_of, domain_of, exact_name
from laer.web.book.scope import editable_accounts, visible_rows
from laer.web.pages.data import frame, importer
from laer.web.pages.lists import filed
from laer.web.people.models import User
from laer.web.record_words import counted
from laer.web.runs.models import AccountCard
from laer.web.templatetags.laer import number, person_name
from laer.web.wording import gettext_lazy

SHOWN = 20
RULES = {"domain": gettext_lazy("Same domain"), "name": gettext_lazy("Same name"), "similar": gettext_lazy("Similar names")}
WORDS = {  # as a customer's rows are called here
    "subscription_lines": ngettext_lazy("%(n)s line", "%(n)s lines", "count"),
    "opportunities": ngettext_lazy("%(n)s opportunity", "%(n)s opportunities", "count"),
    "survey_responses": ngettext_lazy("%(n)s survey answer", "%(n)s survey answers", "count"),
    "churn_events": ngettext_lazy("%(n)s departure", "%(n)s departures", "count"),
}
LABELS = (("domain", gettext_lazy("Domain")), ("country", gettext_lazy("Country")))


@require_safe
def matches(request: HttpRequest) -> HttpResponseBase:
    """Open pairs, the surest first; below them what was merged."""
    user = importer(request)
    seen = visible_rows(user, "left_id") & visible_rows(user, "right_id")
    pairs = suggesting.open_pairs().filter(seen).select_related("left", "right").order_by("-score", "id")
    if file := filed(request, "same-customer", CELLS, lambda: (_flat(pair) for pair in pairs.iterator(500))):
        return file
    total = pairs.count()
    page = _number(request.GET.get("page"))
    shown = list(pairs[(page - 1) * SHOWN : page * SHOWN])
    sides = _sides({account.pk: account for pair in shown for account in (pair.left, pair.right)})
    mine = set(editable_accounts(user).filter(pk__in=list(sides)).values_list("pk", flat=True)) if sides else set()
    settled = settling.settled_pairs(shown) if shown else set()
    context = frame(user, "matches") | {
        "pairs": [_pair(pair, sides, mine, pair.pk in settled) for pair in shown],
        "merges": [_merge(merge) for merge in merging.newest(user)],
        "merge_url": reverse("match_merge"),
        "previous_url": f"?page={page - 1}" if page > 1 else None,
        "next_url": f"?page={page + 1}" if total > page * SHOWN else None,
        "total_label": ngettext("%(n)s pair", "%(n)s pairs", total) % {"n": number(total)},
        "state": {
            "shown": ngettext("%(n)s pair may be one customer", "%(n)s pairs may be one customer", total) % {"n": number(total)} if total else None,
            "recomputing": DirtyAccount.objects.exists(),
        },
        "upload_url": None,
        "download_url": request.get_full_path() if total else None,
    }
    return render(request, "pages/matches.html", context)


COLUMNS = ("pair_id", "rule", "score", "left_id", "left", "left_domain", "right_id", "right", "right_domain", "twice_mrr", "currency")
CELLS = {name: itemgetter(name) for name in COLUMNS}


def _flat(pair: MatchSuggestion) -> dict[str, Any]:
    """An open pair for a file."""
    currency, twice = pair.evidence.get("currency") or None, pair.evidence.get("twice")
    return {
        "pair_id": pair.pk, "rule": str(RULES.get(pair.rule, pair.rule)), "score": pair.score, "left_id": pair.left_id, "left": pair.left.name,
        "left_domain": pair.left.domain, "right_id": pair.right_id, "right": pair.right.name, "right_domain": pair.right.domain,
        "twice_mrr": None if twice is None else Decimal(str(twice)), "currency": currency,
    }  # fmt: skip


@require_POST
def merge(request: HttpRequest) -> HttpResponse:
    """Merge a pair; `keep` is the account that stays, `holds` whose amount holds where both pay."""
    user = importer(request)
    pair = MatchSuggestion.objects.filter(pk=_number(request.POST.get("pair"), 0), state=MatchSuggestion.State.OPEN).first()
    if pair is None:
        messages.warning(request, _("This pair has been decided already."))
        return redirect("matches")
    keep = _number(request.POST.get("keep"), 0)
    if keep not in (pair.left_id, pair.right_id):
        messages.warning(request, _("Choose which of the two accounts stays."))
        return redirect("matches")
    question, holds = settling.question_of(pair), request.POST.get("holds", "")
    if question is None and not holds and superseding.both_pay(pair.left_id, pair.right_id, settings.POLICY):
        messages.warning(request, _("Both accounts pay. Choose whether both amounts hold or one of them, then merge."))
        return redirect("matches")
    try:
        if question is not None:  # the money that both pay counts once from the day of the list on
            settled = settling.answer_question(user, question.pk, "renamed", keep)
            done = AccountMerge.objects.select_related("kept", "merged").get(pk=settled.data["merge"])
            undo_url = reverse("question_undo", args=[question.pk])
        else:
            done = merging.merge_accounts(user, keep, pair.right_id if keep == pair.left_id else pair.left_id, holds or superseding.BOTH)
            undo_url = reverse("match_unmerge", args=[done.pk])
    except PermissionDenied:
        raise Http404 from None
    except Refused as refused:
        messages.warning(request, _("Not merged: %(refused)s.") % {"refused": refused})
    else:
        text = _("%(merged)s was merged into %(kept)s") % {"merged": done.merged.name, "kept": done.kept.name}
        messages.success(request, text, extra_tags=f"undo:{undo_url}")
    return redirect("matches")


@require_POST
def unmerge(request: HttpRequest, merge_id: int) -> HttpResponse:
    """Take a merge back."""
    user = importer(request)
    try:
        done = merging.end_merge(user, merge_id)
    except PermissionDenied:
        raise Http404 from None
    except Refused as refused:
        messages.warning(request, _("Not taken back: %(refused)s.") % {"refused": refused})
    else:
        messages.success(request, _("%(merged)s and %(kept)s are two accounts again") % {"merged": done.merged.name, "kept": done.kept.name})
    return redirect("matches")


@require_POST
def dismiss(request: HttpRequest, pair_id: int) -> HttpResponse:
    """Not the same: the pair is never suggested again."""
    user = importer(request)
    try:
        pair = merging.dismiss(user, pair_id)
    except PermissionDenied:
        raise Http404 from None
    text = _("%(left)s and %(right)s stay two accounts") % {"left": pair.left.name, "right": pair.right.name}
    messages.success(request, text, extra_tags=f"undo:{reverse('match_reopen', args=[pair.pk])}")
    return redirect("matches")


@require_POST
def reopen(request: HttpRequest, pair_id: int) -> HttpResponse:
    """Take `not the same` back."""
    user = importer(request)
    try:
        merging.reopen(user, pair_id)
    except PermissionDenied:
        raise Http404 from None
    return redirect("matches")


def _pair(pair: MatchSuggestion, sides: dict[int, dict[str, Any]], mine: set[int], settled: bool) -> dict[str, Any]:
    left, right = sides[pair.left_id], sides[pair.right_id]
    more = right if (right["weight"], -right["account_id"]) > (left["weight"], -left["account_id"]) else left
    compared = (("name", exact_name), ("domain", domain_of), ("country", country_of))
    same = {name: bool(ours(left[name])) and ours(left[name]) == ours(right[name]) for name, ours in compared}
    return {
        "pair_id": pair.pk,
        "rule": RULES.get(pair.rule, pair.rule),
        "score": pair.score,
        "title": _("%(left)s and %(right)s") % {"left": left["name"], "right": right["name"]},
        "sides": [
            {**side, "stays": side is more, "same_name": same["name"], "facts": [{"label": label, "value": side[n], "same": same[n]} for n, label in LABELS]}
            for side in (left, right)
        ],
        "twice": pair.evidence.get("twice"),
        "settled": settled,
        "asks": not settled and (bool(pair.evidence.get("twice")) or bool(left["arr_minor"] and right["arr_minor"])),
        "currency": pair.evidence.get("currency") or left["currency"] or right["currency"],
        "dismiss_url": reverse("match_dismiss", args=[pair.pk]),
        "may": {pair.left_id, pair.right_id} <= mine,
    }


def _sides(accounts: dict[int, Account]) -> dict[int, dict[str, Any]]:
    """What is said of each account, for all of a page: a query a kind of attached row, and two."""
    ids = list(accounts)
    if not ids:
        return {}
    cards = {card.account_id: card for card in AccountCard.objects.filter(account_id__in=ids)}
    sources: dict[int, list[str]] = {}
    named = ExternalId.objects.filter(record="accounts", object_id__in=ids).exclude(row_hash=TAKEN_OUT).order_by("id")
    for account, source, name in named.values_list("object_id", "source", "external_id"):
        sources.setdefault(account, []).append(source if name.startswith(("~", "#")) else f"{source}: {name}")
    rows: dict[int, list[tuple[int, str]]] = {}
    for record, model in merging.attached():
        counted = model.objects.filter(account_id__in=ids, archived_at=None).order_by().values("account_id").annotate(n=Count("id"))
        for one in counted:
            rows.setdefault(one["account_id"], []).append((one["n"], record))
    return {pk: _side(account, cards.get(pk), sources.get(pk, []), rows.get(pk, [])) for pk, account in accounts.items()}


def _side(account: Account, card: AccountCard | None, sources: Iterable[str], rows: list[tuple[int, str]]) -> dict[str, Any]:
    return {
        "account_id": account.pk,
        "name": account.name,
        "url": reverse("account", args=[account.pk]),
        "domain": account.domain,
        "country": account.country,
        "sources": list(sources) or [_("by hand")],
        "arr_minor": card.arr_minor if card else None,
        "currency": card.currency if card else "",
        "rows": [_rows_of(record, n) for n, record in rows],
        "weight": (card.arr_minor if card else 0, sum(n for n, _record in rows)),
    }


def _rows_of(record: str, n: int) -> str:
    return str(WORDS[record] % {"count": n, "n": number(n)}) if record in WORDS else counted(record, n, number(n))


def _merge(merge: AccountMerge) -> dict[str, Any]:
    attached = {record for record, _model in merging.attached()}
    moved = sum(len(ids) for record, ids in merge.moved.items() if record in attached)
    return {
        "merged": merge.merged.name,
        "kept": merge.kept.name,
        "kept_url": reverse("account", args=[merge.kept_id]),
        "rows": moved,
        "filled": len(merge.filled),
        "at": merge.at,
        "who": _who(merge.user),
        "url": reverse("match_unmerge", args=[merge.pk]),
    }


def _who(user: User | None) -> str:
    return person_name(user) if user else _("nobody known")


def _number(text: str | None, otherwise: int = 1) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 and int(text) else otherwise
