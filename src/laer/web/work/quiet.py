"""When a contact is not written to: at night and on weekends of their own clock, and not by plays more often than the firm says."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from laer.web.people.company import firm
from laer.web.people.formats import zone_of
from laer.web.people.models import MailSender
from laer.web.work.models import OutgoingMail, Sending

WEEK = timedelta(days=7)
SATURDAY = 5


def zone_of_country(country: str | None) -> ZoneInfo:
    """The clock of a country that has one; of one with several, and where none is known, the firm's."""
    return zone_of(_only_zone((country or "").strip().casefold())) or zone_of(firm().time_zone) or ZoneInfo("UTC")


@lru_cache(maxsize=512)
def _only_zone(country: str) -> str:
    code = _codes().get(country, country.upper())
    zones = sorted(zone for zone, territory in get_global("zone_territories").items() if territory == code)
    clocks = {tuple(datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7)) for zone in zones if zone_of(zone)}
    return zones[0] if len(clocks) == 1 else ""


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    return {str(name).casefold(): code for code, name in Locale("en").territories.items() if len(code) == 2} | {"uk": "GB", "usa": "US"}


def next_hour(at: datetime, found: MailSender, zone: ZoneInfo) -> datetime:
    """The first instant from `at` on which is not quiet."""
    local = at.astimezone(zone)
    for _day in range(9):
        if found.quiet_weekends and local.weekday() >= SATURDAY:
            local = _morning(local + timedelta(days=1), found.quiet_until if _has_hours(found) else 0)
        elif not _has_hours(found) or not _quiet(local.hour, found.quiet_from, found.quiet_until):
            return at if local == at else local.astimezone(at.tzinfo)
        else:
            ahead = local if local.hour < found.quiet_until else local + timedelta(days=1)
            local = _morning(ahead, found.quiet_until)
    return at  # nothing is ever loud: no one set that


def throttled(mail: OutgoingMail, found: MailSender, now: datetime) -> datetime | None:
    """Until when the contact has had enough of plays; None where they have not. One query, and a lock until the transaction ends.

    Several senders take several mails to one address at once: each counts after the one before has said that it sends.
    """
    if mail.play is None:
        return None
    if connection.vendor == "postgresql":  # on SQLite one writes at a time
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"mails to {mail.to}"])
    lately = OutgoingMail.objects.filter(to=mail.to, play__isnull=False).exclude(pk=mail.pk)
    gone = lately.filter(Q(state=Sending.SENDING) | Q(state__in=[Sending.SENT, Sending.UNKNOWN], handed_over_at__gt=now - WEEK))
    at = sorted((row or now for row in gone.values_list("handed_over_at", flat=True)), reverse=True)
    return at[found.most_a_week - 1] + WEEK if len(at) >= found.most_a_week else None


def waits(mail: OutgoingMail, found: MailSender, now: datetime) -> tuple[datetime, str] | None:
    """Until when a mail to a contact is put off, and why; None where it may go now. At most one query."""
    if mail.account is None:
        return None
    zone = zone_of_country(mail.account.country)
    if (until := throttled(mail, found, now)) is not None:
        return next_hour(until, found, zone), _("waits: %(count)s mails of plays within seven days already") % {"count": found.most_a_week}
    until = next_hour(now, found, zone)
    return (until, _("waits: quiet hours where %(contact)s is") % {"contact": mail.to}) if until > now else None


def _has_hours(found: MailSender) -> bool:
    return found.quiet_from != found.quiet_until


def _quiet(hour: int, start: int, end: int) -> bool:
    return start <= hour < end if start < end else hour >= start or hour < end


def _morning(day: datetime, hour: int) -> datetime:
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)
