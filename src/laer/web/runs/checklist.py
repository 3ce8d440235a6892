"""What a new installation still lacks before its figures can be worked with. Counted from the rows that are there; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.db.models import Count, Q
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _

from laer.web import home
from laer.web.book.models import ImportRun, ImportState
from laer.web.book.scope import visible_accounts
from laer.web.people.company import firm
from laer.web.people.models import Invitation, User
from laer.web.runs.latest import mark
from laer.web.runs.memory import Memory
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.readiness import ENOUGH

State = Literal["done", "partly", "open"]
memory = Memory(1)  # whoever sees the list reads everything, so that all of them have the same counts


@dataclass(frozen=True)
class Item:
    """One line of the list.

    share   0 to 1 of the accounts that it is about; None where it is no share
    """

    id: str
    state: State
    title: str
    why: str
    action: str
    url: str
    share: float | None = None
    said: str = ""


@dataclass(frozen=True)
class Counted:
    """accounts: those that pay, all of them where none pays; owned, dated: how many of those have an owner, a known end."""

    accounts: int
    owned: int
    dated: int
    paying: bool
    imports: int


def is_for(user: User) -> bool:
    """Admins and finance set an installation up; a demo firm needs nothing."""
    return user.may_close and not user.hides_checklist and not firm().demo


def items(user: User, run: PassRun | None) -> list[Item]:
    """The list, or none where what is needed is in. The counts are those of a run and remembered with it: no query where all is in, three else."""
    known = memory.get("counted", mark(run), lambda: _counted(user))
    needed = [make(known) for make in (_sources, _owners, _renewals)]
    if all(item.state == "done" for item in needed):
        return []
    return [*needed, _company(user), _colleagues(user), _backup()]


def _counted(user: User) -> Counted:
    found = AccountCard.objects.filter(account__in=visible_accounts(user)).aggregate(
        paying=Count("pk", filter=Q(state="paying")),
        owned=Count("pk", filter=Q(state="paying", owner_id__isnull=False)),
        dated=Count("pk", filter=Q(state="paying", contract_end_on__isnull=False)),
        all_owned=Count("pk", filter=Q(owner_id__isnull=False)),
        all_dated=Count("pk", filter=Q(contract_end_on__isnull=False)),
        all=Count("pk"),
    )
    imports = ImportRun.objects.filter(state=ImportState.DONE).exclude(kind="edit").count()
    if found["paying"]:
        return Counted(found["paying"], found["owned"], found["dated"], True, imports)
    return Counted(found["all"], found["all_owned"], found["all_dated"], False, imports)


def _sources(known: Counted) -> Item:
    there = known.imports > 0 or known.accounts > 0
    return Item(
        "sources",
        "done" if there else "open",
        _("Bring your first source in"),
        _("A sheet of customers is enough: it fills accounts, owners, revenue and renewals."),
        _("Import a file"),
        "/data/import/",
        said=_("%(n)s imports") % {"n": f"{known.imports:,}"} if known.imports > 1 else _("done") if there else "",
    )


def _owners(known: Counted) -> Item:
    return _share(
        "owners",
        known.owned,
        known.accounts,
        _("Say who owns which account"),
        _("Without an owner an account is in nobody's book and nobody's list of renewals."),
        _("Accounts without an owner"),
        "/accounts/?owner=none" + ("&state=paying" if known.paying else ""),
    )


def _renewals(known: Counted) -> Item:
    return _share(
        "renewals",
        known.dated,
        known.accounts,
        _("Say when each contract ends"),
        _("The renewals page, notice dates and gross retention by renewal read it."),
        _("Accounts without an end"),
        "/data/doctor/missing_renewal_date/" if known.paying else "/data/import/",
    )


def _company(user: User) -> Item:
    known = firm()
    said = _("%(currency)s, %(zone)s, fiscal year from %(month)s") % {
        "currency": known.currency,
        "zone": known.time_zone,
        "month": MONTHS[known.fiscal_year_start],
    }
    return Item(
        "company",
        "done" if known.confirmed else "open",
        _("Confirm currency, time zone and fiscal year"),
        _("Every figure is in this currency, every month in this time zone."),
        _("Look at them") if user.is_admin else "",
        "/settings/company/",
        said=said,
    )


def _colleagues(user: User) -> Item:
    there = User._base_manager.filter(is_active=True).count() > 1 or Invitation.objects.exists()
    return Item(
        "colleagues",
        "done" if there else "open",
        _("Invite your colleagues"),
        _("Owners in your files become people who can sign in, with their accounts."),
        _("Invite people") if user.is_admin else "",
        "/settings/people/",
        said=_("done") if there else "",
    )


def _backup() -> Item:
    made = home.last_backup()
    return Item(
        "backup",
        "done" if made else "open",
        _("Make a backup"),
        _("One file with everything: laer backup FILE. It may be serving meanwhile."),
        "",
        "",
        said=f"{made:%Y-%m-%d}" if made else "",
    )


def _share(id: str, n: int, of: int, title: str, why: str, action: str, url: str) -> Item:
    share = n / of if of else None
    state: State = "open" if not n else "done" if of and n >= ENOUGH * of else "partly"
    said = _("%(n)s of %(of)s accounts") % {"n": f"{n:,}", "of": f"{of:,}"} if of else _("no accounts yet")
    return Item(id, state, title, why, action if of else "", url, share, said)


