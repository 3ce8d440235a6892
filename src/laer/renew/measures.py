"""Measures of Renew: what falls due, and what was said of leaving."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.company import RATIO, SHARE, Company, Items, quartiles
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value, cases, greatest, ifelse, literal, table
from laer.records.periods import FAR
from laer.renew import payments
from laer.renew.calls import AT_RISK, COMMIT, LIKELY, LOST

CONTRACTS = ("contracts",)

STATES = ("leaving", "overdue", "due soon", "in force", "none")
SOON = 90  # days
YEAR = 365
PLACES = 100_000  # beyond every day number of a start


def due(spine: Spine, records: Records) -> Table:
    """The next end of a term that holds on the day: the day on which it renews. Grain: account_id x d."""
    held = spine.alive(records["terms"], "known_d", "until_d")
    ends = held.filter(held.end_d < FAR)
    first = (ends.end_d.cast("int64") * PLACES + greatest(ends.start_d.fill_null(0), 0)).min()  # of two that end on one day the one that began first
    made = ends.group_by("account_id", "d").agg(
        first=first, notice_on=ends.notice_d.min(where=ends.notice_d > ends.d), terms=ends.count().cast("float64"),
        renews=(ends.end_d.cast("int64") * 2 + ends.rolls.cast("int64")).min(),
    )  # fmt: skip
    return made.select(
        "account_id", "d", "notice_on", "terms", renewal_on=made.first // PLACES, term_started_on=(made.first % PLACES).nullif(0),
            renews_by_itself=made.renews % 2 == 1
    )


def lapsed(spine: Spine, records: Records) -> Table:
    """Terms that are over while nothing was signed to go on. Grain: account_id x d."""
    held = spine.alive(records["lapses"], "from_d", "until_d")
    return held.group_by("account_id", "d").agg(overdue_since=held.from_d.min(), terms_overdue=held.count().cast("float64"))


def leaving(spine: Spine, records: Records) -> Table:
    """A departure that was announced and lies ahead. Grain: account_id x d."""
    held = spine.alive(records["notices"], "known_d", "effective_d")
    return held.group_by("account_id", "d").agg(leaving_on=held.effective_d.min(), leaves=held.effective_d.count() > 0)


def signed(spine: Spine, records: Records) -> Table:
    """The newest term that goes on where another one ends. Grain: account_id x d."""
    terms = records["terms"]
    seen = spine.within(terms.filter(terms.renews), "known_d", YEAR)
    return seen.group_by("account_id", "d").agg(renewal_signed_on=seen.known_d.max())


def called(spine: Spine, records: Records) -> Table:
    """The newest call of a term that has not fallen due yet. Grain: account_id x d."""
    seen = spine.within(records["calls"], "on_d", YEAR)
    ahead = seen.filter(seen.due_d >= seen.d)
    return ahead.group_by("account_id", "d").agg(renewal_called_on=ahead.on_d.max(), renewal_call=ahead.category.argmax(ahead.on_d))


term = partial(Measure, motion="renew", kind="date", sources=("contracts",), leading=True, method="renewals")
notice = partial(Measure, motion="renew", sources=("churn_events",), leading=True)
person = partial(Measure, motion="renew", sources=("forecasts",), leading=True, method="renewal-calls")
CALLS = (COMMIT, LIKELY, AT_RISK, LOST)

FAMILIES = (
    Family("due", "terms", due, (
        term("renewal_on", "Renewal due", "", "the first day after the term that ends next; a term that renews by itself goes on"),
        term("notice_on", "Notice by", "", "the last day on which notice can be given, of the terms in force"),
        term("renews_by_itself", "Renews by itself", "", "whether the contract due next renews by itself", kind="flag", leading=None),
        term("terms", "Contracts with an end", "contracts", "contracts in force that state an end", kind="number", leading=None, zero=True),
        term("term_started_on", "Term began", "", "the first day of the term that ends next", leading=None),
    )),
    Family("signed", "terms", signed, (
        term("renewal_signed_on", "Renewal signed", "", "the day on which, within 365 days, a contract was signed (or begun) that goes on where another one "
            "ends, or one renewed by itself", leading=False),
    )),
    Family("called", "calls", called, (
        person("renewal_called_on", "Renewal called", "", "the day on which somebody last said what they expect of a term that has not fallen due yet",
            kind="date"),
        person("renewal_call", "Call of the renewal", "", "what somebody last expected of a term that has not fallen due yet", kind="text",
            words_of=CALLS),
    )),
    Family("lapsed", "lapses", lapsed, (
        term("overdue_since", "Overdue since", "", "the end of the oldest term that is over while nothing was signed to go on"),
        term("terms_overdue", "Overdue contracts", "contracts", "contracts whose term is over while nothing was signed to go on", kind="number",
            better="down", zero=True),
    )),
    Family("leaving", "notices", leaving, (
        notice("leaving_on", "Leaves on", "", "the day of a departure that was announced and lies ahead", kind="date"),
        notice("leaves", "Has given notice", "", "whether a departure was announced that lies ahead", kind="flag", better="down", zero=True),
    )),
    *payments.FAMILIES,
)  # fmt: skip


def _state(facts: Table) -> Value:
    ahead = facts.renewal_on - facts.d
    return cases((facts.leaves, "leaving"), (facts.terms_overdue > 0, "overdue"), (ahead <= SOON, "due soon"), (facts.terms > 0, "in force"),
        (facts.terms == 0, "none"), else_=literal(None, "string"))  # fmt: skip


def _concluded(facts: Table) -> Value:
    """Nothing by itself: a pass puts it in (`cycle/learned.py`)."""
    return literal(None, "float64")


chance = partial(Measure, motion="renew", kind="number", unit="%", leading=True, method="likelihood")
DERIVED = (
    *payments.DERIVED,
    Derived(
        term("contract_state", "State of the contract", "", "leaving (notice was given), overdue (a term is over and nothing was signed), due soon (within "
            f"{SOON} days), in force, or none", kind="text", words_of=STATES, better=""),
        ("leaves", "terms_overdue", "renewal_on", "terms"), _state,
    ),
    Derived(chance("churn_likelihood_90d", "Likelihood of leaving",
        words="how likely the account pays nothing 90 days on, learned from the firm's own past; "
        "unknown where that past has no usable signal; of a past day what the last pass by then said", sources=("subscription_lines",), better="down"),
        (), _concluded),
    Derived(chance("renewal_likelihood", "Likelihood of renewing", words="how likely what falls due within 90 days is renewed, learned from the firm's own "
        "past; unknown where nothing falls due, where that past has no usable signal; of a past day what the last pass by then said", sources=CONTRACTS,
        better="up"), (), _concluded),
)  # fmt: skip


def fallen_due(records: Records) -> Table:
    """What fell due, in the period that holds the term's last day. Grain: account x due day."""
    there = records["renewals"]
    return there.mutate(
        on_d=there.ends_d, renewal_minutes=there.minutes.cast("float64"), renewal_due=there.due, renewal_kept=there.kept, renewal_renewed=there.renewed
    )


DUE_TERMS = {
    "account_id": "int64", "on_d": "int32", "item": "int64", "arr": "float64", "ahead": "boolean", "soon": "boolean", "late": "boolean",
    "pending": "boolean", "unresolved": "boolean", "owned": "boolean", "open_12m": "boolean",
}  # fmt: skip


def due_terms(records: Records) -> Table:
    """Contracts with an end, as the Renewals page lists them on the run's day. Grain: contract."""
    return table(DUE_TERMS, "due_terms")


def _arr_where(name: str) -> Callable[[Table], Value]:
    return lambda rows: ifelse(rows[name], rows.arr, literal(None, "float64"))


def _one(rows: Table) -> Value:
    return literal(1.0, "float64")


def _settled(rows: Table, value: Value) -> Value:
    """Of a renewal that is not settled yet it is unknown."""
    return ifelse(rows.result.notnull(), value, literal(None, "float64"))


def _where(rows: Table, result: str, value: Value) -> Value:
    return ifelse(rows.result == result, value, literal(None, "float64"))


of_renewal = partial(Measure, motion="renew", kind="money", sources=CONTRACTS, grain="renewal", method="renewal-rates")
of_firm = partial(Measure, motion="renew", kind="number", sources=CONTRACTS, grain="company", leading=False, better="up", method="renewal-rates")
RATES = (
    ("renewal_rate", "Renewal rate", "renewals in favour over the renewals that fell due in the period and are settled", SHARE, "up",
        lambda r: _settled(r, (r.result != "lost").cast("float64")), _one),
    ("renewal_rate_gross", "Renewal rate by value, gross", "ARR that was renewed, of each renewal at most what was due, over the ARR that was due", RATIO,
        "up", lambda r: r.kept, lambda r: r.due),
    ("renewal_rate_net", "Renewal rate by value, net", "ARR that was renewed, with what was attached, over the ARR that was due", RATIO, "up",
        lambda r: r.renewed, lambda r: r.due),
    ("renewal_rate_signed", "Renewal rate, decided", "renewals signed over those signed or lost: without what renewed by itself", SHARE, "up",
        lambda r: _settled(r, ifelse(r.result == "automatic", literal(None, "float64"), (r.result == "signed").cast("float64"))), _one),
    ("renewals_automatic", "Renewed by itself", "renewals by themselves over the renewals in favour", SHARE, "",
        lambda r: ifelse(r.result == "lost", literal(None, "float64"), (r.result == "automatic").cast("float64")), _one),
    ("renewals_on_time", "Renewed on time", "renewals signed by their last day over those that were due and are settled, without what renewed by itself and "
        "without those of which no signature is known", SHARE, "up", lambda r: r.on_time, _one),
    ("attach_rate", "Expansion attached", "renewals signed for more than was due over renewals signed", SHARE, "up", lambda r: r.expanded, _one),
    ("attach_rate_value", "Expansion attached, by value", "ARR due of renewals signed for more over ARR due of renewals signed", RATIO, "up",
        lambda r: r.expanded * r.due, lambda r: _where(r, "signed", r.due)),
    ("notice_missed", "Notice date missed", "settled renewals whose day of notice went by with nothing signed or cancelled, over those with such a day", SHARE,
        "down", lambda r: r.notice_missed, _one),
    ("surprise_churn", "Surprise churn", "of the ARR lost at renewal the part whose account, 90 days before it left, had no pulse below green and had given "
        "no notice", RATIO, "down", lambda r: _where(r, "lost", ifelse(r.flagged, literal(0.0, "float64"), r.due)), lambda r: _where(r, "lost", r.due)),
)  # fmt: skip

LEADS = (30, 60, 90)  # days before the due day


def _expected(lead: int) -> Callable[[Table], Value]:
    return lambda r: r[f"forecast_{lead}"] - r.kept


def _missed_by(lead: int) -> Callable[[Table], Value]:
    return lambda r: (r[f"forecast_{lead}"] - r.kept).abs()


def _called(lead: int) -> Callable[[Table], Value]:
    return lambda r: r[f"call_{lead}"].notnull().cast("float64")


def _kept_commit(rows: Table) -> Value:
    return ifelse(rows.call_90 == "commit", _settled(rows, (rows.result != "lost").cast("float64")), literal(None, "float64"))


of_calls = partial(of_firm, sources=("contracts", "forecasts"), method="renewal-calls")
FORECASTS = tuple(
    one
    for lead in LEADS
    for one in (
        Company(of_calls(f"forecast_error_{lead}", f"Forecast error, {lead} days", "%", f"how far the ARR that was expected {lead} days before lay from what "
            "was kept, renewal by renewal, over the ARR due of those that had a call", better="down"), "renewals", _missed_by(lead), lambda r: r.due, RATIO),
        Company(of_calls(f"forecast_bias_{lead}", f"Forecast bias, {lead} days", "%", f"ARR that was expected {lead} days before less what was kept, over the "
            "ARR due of those that had a call: above 0 too much was hoped", better=""), "renewals", _expected(lead), lambda r: r.due, RATIO),
        Company(of_calls(f"renewals_called_{lead}", f"Called {lead} days before", "%", f"renewals of which a person had said {lead} days before what they "
            "expect, over those that fell due", better="up"), "renewals", _called(lead), _one, SHARE),
    )
)

ITEMS = (
    Items("renewals", "renewal", "renewals", fallen_due, (
        of_renewal("renewal_due", "ARR due", "per year", "ARR of an account's contracts that fell due on one day, on the last day of the term", better=""),
        of_renewal("renewal_kept", "ARR kept", "per year", "what of it was renewed, at most what was due", better="up"),
        of_renewal("renewal_renewed", "ARR renewed", "per year", "what it was renewed for, with what was attached", better="up"),
        of_renewal("renewal_minutes", "Effort of a renewal", "minutes", "minutes of touches in the 180 days before it fell due", kind="number",
            sources=("contracts", "touches"), better="down"),
    )),
    Items("due_terms", "contract", "terms", due_terms, of_run=True, of_day=True),
)  # fmt: skip

now = partial(Measure, motion="renew", kind="money", unit="per year", sources=CONTRACTS, grain="company", leading=True, zero=True, method="renewals")
TERMS = (
    ("arr_due_ahead", "ARR due ahead", "contracts, due or renewing by themselves, that end on the day of the run or later", "", _arr_where("ahead")),
    ("arr_ends_90d", "Ends in 90 days", "contracts, due or renewing by themselves, whose last covered day is at most 90 days after the day of the run", "",
        _arr_where("soon")),
    ("arr_due_12m", "Due in twelve months", "contracts that are not settled and end in the month of the day of the run or one of the eleven after it", "",
        _arr_where("open_12m")),
    ("arr_pending", "Pending renewal", "contracts past their last day, without a cancellation, within the days of grace; their MRR still counts", "down",
        _arr_where("pending")),
    ("arr_unresolved", "Expired, unresolved", "contracts past the grace of which nobody knows whether they renewed; they count until a person decides", "down",
        _arr_where("unresolved")),
    ("arr_late", "Late or back", "contracts whose next one was signed after their last day: late within the grace, back after it", "down", _arr_where("late")),
    ("arr_due_unowned", "Nobody’s renewals", "contracts due ahead whose account has no owner on the day of the run", "down",
        lambda rows: ifelse(rows.ahead & ~rows.owned, rows.arr, literal(None, "float64"))),
)  # fmt: skip

COMPANY = (
    *(Company(now(name, title, words=f"ARR of the {words}", better=better), "due_terms", top) for name, title, words, better, top in TERMS),
    Company(of_firm("renewals_due", "Renewals due", "renewals", "accounts and days on which contracts fell due in the period", better="", zero=True),
        "renewals", _one),
    Company(of_firm("renewals_open", "Renewals not settled", "renewals", "of what fell due in the period, that of which nobody knows yet what became of it",
        better="down", zero=True), "renewals", lambda r: r.result.isnull().cast("float64")),
    Company(of_firm("arr_available_to_renew", "ARR available to renew", "per year", "ARR of what fell due in the period, settled or not", kind="money",
        better="", zero=True), "renewals", lambda r: r.due),
    *(Company(of_firm(name, title, "%", words, better=better), "renewals", top, bottom, how) for name, title, words, how, better, top, bottom in RATES),
    Company(of_firm("renewal_effort", "Effort per renewal", "minutes", "median minutes of touches in the 180 days before it fell due, with the middle half",
        sources=("contracts", "touches"), better="down"), "renewals", lambda r: r.renewal_minutes, how=quartiles),
    *FORECASTS,
    *payments.COMPANY,
    Company(of_calls("commits_kept_90", "Commits kept", "%", "renewals in favour over those that a person had called commit 90 days before and that are "
        "settled", better="up"), "renewals", _kept_commit, _one, SHARE),
)  # fmt: skip
