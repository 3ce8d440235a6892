"""Every setting that a firm may make: an environment variable, what stands where it is not given, what it does.

`docs/reference/settings.md` is written from this table (`make reference`), and a test holds the two against each other and against
the code that reads the variables. Meanings are Markdown; links go from the reference's folder.
"""

from __future__ import annotations

from typing import NamedTuple


class Setting(NamedTuple):
    """`default` as a reader sees it: a word in backquotes is the value itself."""

    name: str
    default: str
    meaning: str


# What a section of the reference says before its table.
SAID = {
    "The firm": "The first setup and Settings > Company keep name, currency, time zone, locale and the first month of the fiscal year in the book. A variable "
    "below that is set and not empty wins over what is kept there, and the page shows it as set. Neither set nor kept: the default.",
}
# Sections of the reference, in its order.
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "Where things are": (
        Setting(
            "LAER_HOME",
            "`~/.laer`",
            "Folder of the installation: book, lake, files, secret key, backups. Made on first use with mode 0700. Two installations need two homes. "
            "`laer demo` takes `.laer/demo` in the current folder instead.",
        ),
        Setting("LAER_LAKE", "`lake` below the home", "Folder of the lake (usage)."),
        Setting(
            "LAER_WATCH_ROOTS",
            "`inbox` below the home",
            "Folders below which folders may be watched, separated as in `PATH` (`:`). The installation's own files are never watched.",
        ),
        Setting("DATABASE_URL", "empty", "`postgresql://user:password@host:port/name`. Empty: SQLite in the home. Another scheme is refused."),
    ),
    "The firm": (
        Setting("LAER_COMPANY", "empty", "Name of the firm, shown on pages. `laer demo` calls a firm without a name `Demo firm`."),
        Setting("LAER_CURRENCY", "`USD`", "Currency of reports. Amounts in another currency need a rate."),
        Setting(
            "LAER_FX_FILE",
            "empty",
            "File with the columns `currency,rate`: one unit = rate units of the report's currency. With `fiscal_year` or `from` as a third column "
            "they are [plan rates](../methods/policy.md#8-one-rate-per-currency). One rate per currency in a report, so rates never make a movement. "
            "A line whose currency has no rate is left out and said so. The file is read again when it changes.",
        ),
        Setting(
            "LAER_PLAN_YEAR",
            "the fiscal year of the run's day",
            "The fiscal year whose plan rates the book's figures use, for example `2026`. Without rates for it no pass runs.",
        ),
        Setting(
            "LAER_FISCAL_YEAR_START",
            "`1`",
            "First month of the fiscal year, 1 to 12. A fiscal year is named by the year in which it ends: with `4`, April 2025 to March 2026 is "
            "2026.",
        ),
        Setting(
            "LAER_TIME_ZONE",
            "`UTC`",
            "Decides days and months of the ledger, and is the clock of whoever chose none. Stored instants are UTC. Name of the tz database, for example "
            "`Europe/Berlin`.",
        ),
        Setting(
            "LAER_LOCALE",
            "`en`",
            "How numbers and dates are written for whoever chose nothing in Settings > You: a language and a country, for example `de_CH`. `en`, which names "
            "no country, follows the language of the texts; in English that is 22 Nov 2026 and 1,234.50.",
        ),
        Setting(
            "LAER_POLICY",
            "`default`",
            "Name of the ledger's policy: `default`, `stripe`, `chartmogul`, `board`, or [one of your own](../methods/presets.md#a-policy-of-your-own) in "
            "`policies` below the home. Another policy asks for a new pass.",
        ),
    ),
    "Who may do what": (
        Setting(
            "LAER_READ_SCOPE",
            "`own`",
            "What members and viewers see, until an admin has chosen in Settings > Access. `own`: accounts assigned to them, to their teams and to "
            "those they cover. `all`: the whole book. Admins, leads and finance always see all.",
        ),
        Setting(
            "LAER_OIDC_ISSUER",
            "empty",
            "Address of the firm's identity provider (OpenID Connect), without `/.well-known/…`. Empty: people sign in with a password.",
        ),
        Setting(
            "LAER_OIDC_CLIENT_ID",
            "empty",
            "The client that the provider knows us as. Needed with an issuer. Its redirect address is `https://HOST/oidc/firm/login/callback/`.",
        ),
        Setting('LAER_OIDC_CLIENT_SECRET', 'empty', "The client's secret. Needed with an issuer."),
        Setting("LAER_OIDC_NAME", "`single sign-on`", "What the button on the sign-in page says: *Sign in with …*."),
        Setting(
            "LAER_OIDC_DOMAINS",
            "empty",
            "Domains of e-mail addresses, with commas. Somebody of one of them who has no login gets one when they sign in. Empty: only people who "
            "have a login come in.",
        ),
        Setting("LAER_OIDC_ROLE", "`viewer`", "The role of a login that is made so: `viewer` or `member`."),
    ),
    "The server": (
        Setting("LAER_HOSTS", "`127.0.0.1,localhost,[::1]`", "Host names that the server answers to, with commas."),
        Setting("LAER_ORIGINS", "empty", "Origins from which forms are accepted behind a proxy, with commas, for example `https://laer.example.com`."),
        Setting("LAER_HTTPS", "`0`", "`1`: secure cookies, HSTS, and `X-Forwarded-Proto` of the proxy is trusted."),
        Setting(
            "LAER_PROXIES",
            "`0`",
            "How many proxies of your own stand in front and add to `X-Forwarded-For`. The audit's addresses and the login limits are read through "
            "as many.",
        ),
        Setting("LAER_UPLOAD_MB", "`512`", "Largest upload, in megabytes."),
        Setting("LAER_SECRET_KEY", "made at the first run", "Key of sessions and links. Set it only where the home cannot keep `secret.key`."),
        Setting("LAER_DEBUG", "`0`", "`1` shows errors with their code, for development. Refused on an address that is not local."),
        Setting("LAER_LOG_LEVEL", "`WARNING`", "`DEBUG`, `INFO`, `WARNING` or `ERROR`. `INFO` adds a line for each request."),
        Setting("LAER_LOG_FORMAT", "`text`", "`json`: one object a line, for programs that collect logs."),
    ),
    "Mail and calls": (
        Setting(
            "LAER_EMAIL_BACKEND",
            "the sender of Settings > Sending",
            "Python path of Django's mail backend for invitations and links to set a password. Empty: they go through the sender that an admin set and "
            "tested; without one, invitations are links to copy, and the sign-in page says to ask an administrator. Mail to contacts and digests always go "
            "through the sender.",
        ),
        Setting("LAER_EMAIL_FROM", "`laer@localhost`", "Sender of mail that goes through such a backend."),
        Setting(
            "LAER_PRIVATE_ADDRESSES",
            "empty",
            "Networks of your own that [calls of other programs](../guides/sending.md#calls-of-other-programs) may go to, with commas, for example "
            "`10.1.0.0/16`. Other private, local and reserved addresses are refused. The mail server that an admin names may be anywhere.",
        ),
    ),
}
