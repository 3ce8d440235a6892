"""The flow in words: its joints, what an account is at one, where money leaks, and who meets there."""

from __future__ import annotations

from django.utils.translation import gettext as _

from laer.flow.joints import AFTER, BEFORE, NOWHERE
from laer.records.periods import month_name
from laer.web.templatetags.laer import month as month_text
from laer.web.wording import gettext_lazy

JOINTS = {
    "live": gettext_lazy("Live"), "activated": gettext_lazy("Activated"), "outcome": gettext_lazy("At outcome"), "expanded": gettext_lazy("Expanded"),
    "renewed": gettext_lazy("Renewed"),
}  # fmt: skip
MEANS = {
    "live": gettext_lazy("the first onboarding plan is completed"), "activated": gettext_lazy("used as the firm's activation rule says"),
    "outcome": gettext_lazy("the first outcome that they bought is reached"), "expanded": gettext_lazy("MRR rose for the first time, before or after"),
    "renewed": gettext_lazy("renewed at the first due date"),
}  # fmt: skip
STATES = {
    "passed": gettext_lazy("Passed"), "late": gettext_lazy("Late"), "due": gettext_lazy("Not due"), "unknown": gettext_lazy("Unknown"),
    "lost": gettext_lazy("Lost"),
}  # fmt: skip
STATE_MEANS = {
    "passed": gettext_lazy("They passed it, in time or late; what they pay now."),
    "late": gettext_lazy("They still pay and have not passed it by its deadline: at risk, no leak."),
    "due": gettext_lazy("They still pay and have time left: nothing can be said yet, and nothing leaks."),
    "unknown": gettext_lazy("No source says anything of it for them."),
    "lost": gettext_lazy("They left before they passed it; what was landed with them."),
}  # fmt: skip
WHERE = {  # at which stage something leaked
    "live": gettext_lazy("before they were live"), "activated": gettext_lazy("before they were activated"),
    "outcome": gettext_lazy("before their first outcome"), "renewed": gettext_lazy("before their first renewal"),
    AFTER: gettext_lazy("after their first renewal"), NOWHERE: gettext_lazy("where no joint ahead is known"),
}  # fmt: skip
NO_SOURCE = {  # what is not known, by the first joint of a letter
    "live": gettext_lazy("No onboarding plan says who is live."),
    "activated": gettext_lazy("Neither usage nor outcomes say who is activated."),
    "renewed": gettext_lazy("No contract says when a renewal falls due."),
}  # fmt: skip
ON_THE_WAY = {  # where accounts stand
    "live": gettext_lazy("to live"), "activated": gettext_lazy("to activation"), "outcome": gettext_lazy("to an outcome"),
    "renewed": gettext_lazy("to the first renewal"), AFTER: gettext_lazy("renewed"), NOWHERE: gettext_lazy("no joint known"),
}  # fmt: skip
HERE = {  # the same as a heading
    "live": gettext_lazy("To live"), "activated": gettext_lazy("To activation"), "outcome": gettext_lazy("To an outcome"),
    "renewed": gettext_lazy("To renewal"), AFTER: gettext_lazy("Renewed"), NOWHERE: gettext_lazy("No joint known"),
}  # fmt: skip
MOVES = {
    "landed": gettext_lazy("Landed"), "expansion": gettext_lazy("Expansion"), "reactivation": gettext_lazy("Reactivation"),
    "contraction": gettext_lazy("Contraction"), "churn": gettext_lazy("Churn"), "entering": gettext_lazy("Entering"), "leaving": gettext_lazy("Leaving"),
    "leaked": gettext_lazy("Leaked"), "grown": gettext_lazy("Grown"),
}  # fmt: skip
JOBS = {
    "csm": gettext_lazy("CSM"), "ae": gettext_lazy("AE"), "am": gettext_lazy("AM"), "renewals": gettext_lazy("Renewals"),
    "onboarding": gettext_lazy("Onboarding"), "services": gettext_lazy("Services"), "support": gettext_lazy("Support"),
    "operations": gettext_lazy("Operations"), "presales": gettext_lazy("Presales"), "finance": gettext_lazy("Finance"),
}  # fmt: skip
BY = {
    "segment": gettext_lazy("Segment"), "seller": gettext_lazy("Seller"), "offer": gettext_lazy("Offer"), "discount": gettext_lazy("Discount"),
    "lead_source": gettext_lazy("Lead source"), "owner": gettext_lazy("CSM"), "industry": gettext_lazy("Industry"), "country": gettext_lazy("Country"),
    "region": gettext_lazy("Region"),
}  # fmt: skip
BANDS = {
    "none": gettext_lazy("no discount"), "to_10": gettext_lazy("up to 10 %"), "to_20": gettext_lazy("10 to 20 %"), "to_30": gettext_lazy("20 to 30 %"),
    "over_30": gettext_lazy("over 30 %"),
}  # fmt: skip


def cohort_name(cohort: int) -> str:
    """A cohort as a row of the table calls it."""
    return _("Before records") if cohort == BEFORE else month_text(month_name(cohort))


def value_name(by: str, value: str) -> str:
    """A value of the split in the reader's words."""
    return str(BANDS.get(value, value)) if by == "discount" and value else value


def pair_name(pair: tuple[str, str]) -> str:
    return _("%(one)s and %(other)s") % {"one": JOBS[pair[0]], "other": JOBS[pair[1]]}
