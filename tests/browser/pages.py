"""Every page there is, by name: where it is, on which installation, and who looks at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.browser.served import ADMIN, MEMBER, Served

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

# Two good rows, one without a name, one with a date that is none; as much as an import needs to show all it has to say.
MIXED = (
    "account_id,account_name,domain,industry,country,signup_date\n"
    "K-1,Kestrel Quarries,kestrel.example,Mining,GB,2026-02-03\n"
    "K-2,Lantern Optics,lantern.example,Optics,DE,2026-03-14\n"
    "K-3,,nameless.example,Optics,FR,2026-04-01\n"
    "K-4,Maple Foundry,maple.example,Metals,CA,the day after\n"
)
WAITS = "account_id,account_name,domain,industry,country,signup_date\nW-1,Willow Bakery,willow.example,Food,NL,2026-05-06\nW-2,Yarrow Mills,yarrow.example,Food,BE,2026-06-07\n"


@dataclass(frozen=True)
class Place:
    """A page. With `link` it is the first link like that on `path`, and `then` is put behind it."""

    name: str
    path: str
    link: str = ""
    then: str = ""
    site: str = "demo"
    who: str | None = ADMIN
    status: int = 200


ACCOUNT = {"path": "/accounts/?sort=-arr&state=paying", "link": r"/accounts/\d+/"}

PLACES = (
    Place("login", "/login/", who=None),
    Place("password-reset", "/password/reset/", who=None),
    Place("accounts", "/accounts/"),
    Place("accounts-filtered", "/accounts/?segment=Enterprise&state=paying&ends_within=365&sort=contract_end_on"),
    Place("accounts-none-alike", "/accounts/?q=zzzz&state=churned"),
    Place("accounts-member", "/accounts/", who=MEMBER),
    Place("account-new", "/accounts/new/"),
    Place("accounts-inside", "/accounts/?in=due_usage_falling&where=mrr+%3E+100"),
    Place("home", "/home/"),
    Place("home-empty", "/home/", site="empty"),
    Place("home-member", "/home/", who=MEMBER),
    Place("report", "/home/reports/?measure=mrr_firm&by=segment&months=12&kind=bars"),
    Place("report-empty", "/home/reports/?measure=mrr_firm&by=&months=12&kind=lines", site="empty"),
    Place("report-rows", "/home/reports/behind/?measure=mrr_firm&first=2026-10&last=2026-10"),
    Place("pack", "/home/pack/"),
    Place("pack-empty", "/home/pack/", site="empty"),
    Place("flow", "/flow/"),
    Place("flow-empty", "/flow/", site="empty"),
    Place("board", "/flow/board/"),
    Place("board-filtered", "/flow/board/?segment=Enterprise&state=paying"),
    Place("board-empty", "/flow/board/", site="empty"),
    Place("flow-accounts", "/flow/accounts/?joint=outcome&state=late"),
    Place("land", "/land/"),
    Place("land-empty", "/land/", site="empty"),
    Place("adopt", "/adopt/"),
    Place("adopt-empty", "/adopt/", site="empty"),
    Place("expand", "/expand/"),
    Place("expand-empty", "/expand/", site="empty"),
    Place("land-lookback", "/land/lookback/"),
    Place("land-lookback-empty", "/land/lookback/", site="empty"),
    Place("motion-costs", "/costs/"),
    Place("motion-costs-empty", "/costs/", site="empty"),
    Place("costs", "/settings/costs/"),
    Place("costs-empty", "/settings/costs/", site="empty"),
    Place("rates", "/settings/rates/"),
    Place("rates-empty", "/settings/rates/", site="empty"),
    Place("firm-measure", "/data/metrics/win_rate/"),
    Place("firm-measure-empty", "/data/metrics/win_rate/", site="empty"),
    Place("health", "/accounts/health/"),
    Place("health-empty", "/accounts/health/", site="empty"),
    Place("today", "/today/?whose=all"),
    Place("today-empty", "/today/", site="empty"),
    Place("signals", "/signals/"),
    Place("signals-empty", "/signals/", site="empty"),
    Place("signal", "/signals/renewal_window/?why=1"),
    Place("signal-empty", "/signals/renewal_window/", site="empty"),
    Place("task-load", "/tasks/load/"),
    Place("task-load-empty", "/tasks/load/", site="empty"),
    Place("task-time", "/tasks/time/"),
    Place("task-time-candidates", "/tasks/time/?view=candidates&by=person"),
    Place("task-templates", "/tasks/templates/"),
    Place("task-templates-empty", "/tasks/templates/", site="empty"),
    Place("task-time-empty", "/tasks/time/", site="empty"),
    Place("plays", "/plays/"),
    Place("plays-empty", "/plays/", site="empty"),
    Place("play", "/plays/usage_drop/?why=1"),
    Place("play-ended", "/plays/usage_drop/?view=ended", who=MEMBER),
    Place("play-trial", "/plays/renewal_180/"),
    Place("play-past", "/plays/renewal_120/past/"),
    Place("play-load", "/plays/renewal_180/load/"),
    Place("play-empty", "/plays/usage_drop/", site="empty"),
    Place("risks", "/renewals/risks/"),
    Place("risks-empty", "/renewals/risks/", site="empty"),
    Place("pulse-against", "/accounts/health/pulse/"),
    Place("pulse-against-empty", "/accounts/health/pulse/", site="empty"),
    Place("segments", "/accounts/segments/"),
    Place("segments-empty", "/accounts/segments/", site="empty"),
    Place("segment", "/accounts/segments/use_growing/"),
    Place("segment-entered", "/accounts/segments/use_growing/?view=entered"),
    Place("definitions", "/settings/definitions/"),
    Place("definition", "/settings/definitions/segment/use_growing/?compare=1"),
    Place("definition-new", "/settings/definitions/new/segment/"),
    Place("play-editor", "/settings/definitions/play/renewal_120/steps/"),
    Place("play-editor-new", "/settings/definitions/new/play/steps/"),
    Place("account", **ACCOUNT),
    Place("account-subscriptions", **ACCOUNT, then="?tab=subscriptions"),
    Place("account-contacts", **ACCOUNT, then="?tab=contacts"),
    Place("account-granted", **ACCOUNT, then="?tab=granted"),
    Place("account-tickets", **ACCOUNT, then="?tab=tickets"),
    Place("account-usage", **ACCOUNT, then="?tab=usage"),
    Place("account-facts", **ACCOUNT, then="?tab=facts"),
    Place("account-health", **ACCOUNT, then="?tab=health"),
    Place("account-changes", **ACCOUNT, then="?tab=changes"),
    Place("account-tasks", **ACCOUNT, then="?tab=tasks"),
    Place("account-feed", **ACCOUNT, then="?tab=feed"),
    Place("touch", **ACCOUNT, then="touches/"),
    Place("pulse", **ACCOUNT, then="pulse/"),
    Place("override", **ACCOUNT, then="override/starter/"),
    Place("tasks", "/tasks/?view=all"),
    Place("tasks-member", "/tasks/", who=MEMBER),
    Place("notifications", "/notifications/"),
    Place("account-edit", **ACCOUNT, then="edit/segment/"),
    Place("accounts-then", "/accounts/?run=1&state=paying"),
    Place("account-then", **ACCOUNT, then="?run=1"),
    Place("measure-then", "/data/metrics/mrr/?run=1"),
    Place("tasks-columns", "/tasks/?view=all&columns=due_on&columns=created_at"),
    Place("account-churned", "/accounts/?state=churned", link=r"/accounts/\d+/"),
    Place("account-prospect", "/accounts/?state=prospect", link=r"/accounts/\d+/"),
    Place("revenue", "/revenue/"),
    Place("revenue-quarter", "/revenue/?period=quarter&by=country&cohorts=mrr"),
    Place("revenue-net", "/revenue/?movements=net&by=industry&share=number"),
    Place("revenue-plan", "/revenue/?by=plan&cohorts=mrr&share=number"),
    Place("revenue-year", "/revenue/?period=year&by=owner"),
    Place("revenue-behind", "/revenue/", link=r"/revenue/behind/\?[^\"]*movement=expansion[^\"]*"),
    Place("revenue-behind-part", "/revenue/", link=r"/revenue/behind/\?[^\"]*value=[^\"]*"),
    Place("revenue-booked", "/revenue/", link=r"/revenue/booked/\?[^\"]*"),
    Place("revenue-close", "/revenue/close/"),
    Place("revenue-close-member", "/revenue/close/", who=MEMBER, status=403),
    Place("revenue-events", "/revenue/?churn_basis=events&by=cause"),
    Place("renewals", "/renewals/"),
    Place("renewal-rates", "/renewals/rates/"),
    Place("renewal-rates-months", "/renewals/rates/?period=month&by=owner", who=MEMBER),
    Place("renewals-behind", "/renewals/behind/?measure=renewal_rate&first=2024-01&last=2026-12"),
    Place("renewal-call", "/renewals/", link=r"/renewals/\d+/call/"),
    Place("renewal-forecast", "/renewals/forecast/"),
    Place("renewal-adoption", "/renewals/adoption/"),
    Place("renewal-forecast-member", "/renewals/forecast/", who=MEMBER),
    Place("renewals-settled", "/renewals/?view=settled"),
    Place("renewals-member", "/renewals/?view=all", who=MEMBER),
    Place("data", "/data/"),
    Place("questions", "/data/questions/"),
    Place("import", "/data/import/"),
    Place("import-map", "/data/", link=r"/data/import/\d+/map/"),
    Place("import-preview", "/data/", link=r"/data/import/\d+/preview/"),
    Place("import-result", "/data/", link=r"/data/import/\d+/"),
    Place("quarantine", "/data/quarantine/"),
    Place("matches", "/data/matches/"),
    Place("folders", "/data/folders/"),
    Place("doctor", "/data/doctor/"),
    Place("doctor-rows", "/data/doctor/", link=r"/data/doctor/[a-z_-]+/"),
    Place("doctor-excluded", "/data/doctor/excluded/"),
    Place("readiness", "/data/readiness/"),
    Place("readiness-member", "/data/readiness/", who=MEMBER),
    Place("metrics", "/data/metrics/"),
    Place("metrics-unknown", "/data/metrics/?known=unknown"),
    Place("likelihood", "/data/likelihood/"),
    Place("lab", "/lab/"),
    Place("lab-challenger", "/lab/?card=adoption&challenge=1"),
    Place("lab-member", "/lab/", who=MEMBER, status=403),
    Place("likelihood-renewal", "/data/likelihood/?kind=renewal_likelihood"),
    Place("metrics-member", "/data/metrics/?motion=adopt", who=MEMBER),
    Place("measure-money", "/data/metrics/mrr/"),
    Place("measure-number", "/data/metrics/tickets_90d/"),
    Place("measure-share", "/data/metrics/usage_trend/?view=low"),
    Place("measure-date", "/data/metrics/renewal_on/"),
    Place("measure-word", "/data/metrics/plan/"),
    Place("measure-flag", "/data/metrics/renews_by_itself/?view=unknown"),
    Place("measure-unknown", "/data/metrics/active_users_28d/"),
    Place("measure-member", "/data/metrics/seats/", who=MEMBER),
    Place("measure-none", "/data/metrics/nothing/", status=404),
    Place("runs", "/data/runs/"),
    Place("runs-member", "/data/runs/", who=MEMBER, status=404),
    Place("doctor-member", "/data/doctor/", who=MEMBER),
    Place("settings-you", "/settings/you/", who=MEMBER),
    Place("settings-people", "/settings/people/"),
    Place("settings-person", "/settings/people/", link=r"/settings/people/\d+/"),
    Place("settings-teams", "/settings/teams/"),
    Place("settings-cover", "/settings/cover/"),
    Place("settings-access", "/settings/access/"),
    Place("settings-audit", "/settings/audit/"),
    Place("settings-sending", "/settings/sending/"),
    Place("settings-sending-empty", "/settings/sending/", site="empty"),
    Place("settings-endpoints", "/settings/sending/endpoints/"),
    Place("mail-template", "/settings/sending/templates/renewal_t90/"),
    Place("mails", "/mails/"),
    Place("mails-empty", "/mails/", site="empty"),
    Place("settings-member", "/settings/people/", who=MEMBER, status=403),
    Place("invitation-gone", "/invitation/nothing/", who=None, status=410),
    Place("second-factor", "/2fa/", who=MEMBER),
    Place("not-there", "/accounts/999999999/", status=404),
    Place("not-yours", "/data/import/", who=MEMBER, status=404),
    Place("empty-accounts", "/accounts/", site="empty"),
    Place("empty-revenue", "/revenue/", site="empty"),
    Place("empty-revenue-close", "/revenue/close/", site="empty"),
    Place("empty-renewals", "/renewals/", site="empty"),
    Place("empty-renewal-forecast", "/renewals/forecast/", site="empty"),
    Place("empty-renewal-adoption", "/renewals/adoption/", site="empty"),
    Place("empty-renewal-rates", "/renewals/rates/", site="empty"),
    Place("empty-tasks", "/tasks/", site="empty"),
    Place("empty-data", "/data/", site="empty"),
    Place("empty-questions", "/data/questions/", site="empty"),
    Place("empty-import", "/data/import/", site="empty"),
    Place("empty-quarantine", "/data/quarantine/", site="empty"),
    Place("empty-matches", "/data/matches/", site="empty"),
    Place("empty-folders", "/data/folders/", site="empty"),
    Place("empty-doctor", "/data/doctor/", site="empty"),
    Place("empty-excluded", "/data/doctor/excluded/", site="empty"),
    Place("empty-metrics", "/data/metrics/", site="empty"),
    Place("empty-measure", "/data/metrics/mrr/", site="empty"),
    Place("empty-runs", "/data/runs/", site="empty"),
    Place("empty-readiness", "/data/readiness/", site="empty"),
)  # fmt: skip


def address_of(place: Place, page: Page) -> str:
    """Where the page is; `page` belongs to whoever looks at it."""
    if not place.link:
        return place.path
    html = page.request.get(place.path).text()
    found = re.search(rf'href="({place.link})"', html)
    assert found, f"{place.path} links to nothing like {place.link}"
    return found[1].replace("&amp;", "&") + place.then


def fill(site: Served, browser: Browser, folder: Path) -> None:
    """Imports in every state, and a quarantine that is not empty: one import done, one before its columns, one before its confirmation."""
    with site.open(browser) as context:
        page = context.new_page()
        for name, text, last in (("crm-accounts.csv", MIXED, "done"), ("new-accounts.csv", WAITS, "preview"), ("later.csv", WAITS.replace("W-", "X-"), "map")):
            file = folder / name
            file.write_text(text)
            upload(page, file)
            if last != "map":
                page.get_by_role("button", name="See what it would do").click()
                page.wait_for_url("**/preview/")
            if last == "done":
                page.get_by_role("button", name="Import", exact=True).click()
                page.get_by_text("Imported", exact=True).wait_for(timeout=60_000)


def upload(page: Page, *files: Path, source: str = "crm") -> None:
    """Choose files on the import page and have them read."""
    page.goto("/data/import/")
    page.get_by_label("Drop files here, or choose them").set_input_files(files)
    page.get_by_label("Source").fill(source)
    page.get_by_role("button", name="Read the files").click()
    page.wait_for_url("**/map/")
