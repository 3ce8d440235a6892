"""What records and their columns are called on a page. The names themselves (`subscription_lines`, "MRR") are codes: files, addresses and the
command line keep them as they are."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop, ngettext_lazy

from laer.web.wording import gettext_lazy


def record_label(record: str) -> str:
    """What a kind of record is called where it stands alone: `subscription_lines` gives Subscription lines, `subscription line` Subscription line."""
    known = RECORDS.get(record) or LABELS.get(record)
    return str(known) if known else record.replace("_", " ").capitalize()


def noun_of(noun: str) -> str:
    """One record of a kind, within a sentence."""
    return str(NOUNS.get(noun, noun))


def column_text(label: str) -> str:
    """The label of a record's column, or a heading of the doctor's rows."""
    return gettext(label) if label else ""


def counted(record: str, n: int, shown: str) -> str:
    """1 ticket, 1,077 tickets, within a sentence.

    In   shown   the number as it is written
    """
    known = COUNTED.get(record)
    if known is None:
        noun = record.replace("_", " ")
        return f"{shown} {noun.removesuffix('s') if n == 1 else noun}"
    return str(known % {"count": n, "n": shown})


RECORDS = {
    "accounts": gettext_lazy("Accounts"), "assignments": gettext_lazy("Assignments"), "churn_events": gettext_lazy("Churn events"),
    "contacts": gettext_lazy("Contacts"), "contracts": gettext_lazy("Contracts"), "costs": gettext_lazy("Costs"),
    "discounts": gettext_lazy("Discounts"), "notes": gettext_lazy("Notes"),
    "contact_roles": gettext_lazy("Contact roles"), "product_features": gettext_lazy("Product features"),
    "product_users": gettext_lazy("Product users"), "entitlements": gettext_lazy("Entitlements"), "invoices": gettext_lazy("Invoices"),
    "account_metrics": gettext_lazy("Account metrics"), "onboarding_plans": gettext_lazy("Onboarding plans"),
    "onboarding_steps": gettext_lazy("Onboarding steps"), "outcomes": gettext_lazy("Outcomes"),
    "opportunities": gettext_lazy("Opportunities"), "pauses": gettext_lazy("Pauses"), "people": gettext_lazy("People"), "products": gettext_lazy("Products"),
    "pulses": gettext_lazy("Pulses"), "quarantine": gettext_lazy("Quarantine"), "sources": gettext_lazy("Sources"),
    "subscription_lines": gettext_lazy("Subscription lines"), "subscriptions": gettext_lazy("Subscriptions"),
    "survey_responses": gettext_lazy("Survey responses"), "tickets": gettext_lazy("Tickets"), "usage_days": gettext_lazy("Usage days"),
}  # fmt: skip
COUNTED = {
    "accounts": ngettext_lazy("%(n)s account", "%(n)s accounts", "count"),
    "assignments": ngettext_lazy("%(n)s assignment", "%(n)s assignments", "count"),
    "churn_events": ngettext_lazy("%(n)s churn event", "%(n)s churn events", "count"),
    "contacts": ngettext_lazy("%(n)s contact", "%(n)s contacts", "count"),
    "contracts": ngettext_lazy("%(n)s contract", "%(n)s contracts", "count"),
    "costs": ngettext_lazy("%(n)s cost", "%(n)s costs", "count"),
    "contact_roles": ngettext_lazy("%(n)s contact role", "%(n)s contact roles", "count"),
    "product_features": ngettext_lazy("%(n)s product feature", "%(n)s product features", "count"),
    "product_users": ngettext_lazy("%(n)s product user", "%(n)s product users", "count"),
    "entitlements": ngettext_lazy("%(n)s entitlement", "%(n)s entitlements", "count"),
    "invoices": ngettext_lazy("%(n)s invoice", "%(n)s invoices", "count"),
    "discounts": ngettext_lazy("%(n)s discount", "%(n)s discounts", "count"),
    "pauses": ngettext_lazy("%(n)s pause", "%(n)s pauses", "count"),
    "onboarding_plans": ngettext_lazy("%(n)s onboarding plan", "%(n)s onboarding plans", "count"),
    "onboarding_steps": ngettext_lazy("%(n)s onboarding step", "%(n)s onboarding steps", "count"),
    "outcomes": ngettext_lazy("%(n)s outcome", "%(n)s outcomes", "count"),
    "subscription_lines": ngettext_lazy("%(n)s subscription line", "%(n)s subscription lines", "count"),
    "subscriptions": ngettext_lazy("%(n)s subscription", "%(n)s subscriptions", "count"),
    "survey_responses": ngettext_lazy("%(n)s survey response", "%(n)s survey responses", "count"),
    "tickets": ngettext_lazy("%(n)s ticket", "%(n)s tickets", "count"),
}
NOUNS = {
    "person": gettext_lazy("person"), "account": gettext_lazy("account"), "contact": gettext_lazy("contact"), "product": gettext_lazy("product"),
    "contract": gettext_lazy("contract"), "subscription": gettext_lazy("subscription"), "subscription line": gettext_lazy("subscription line"),
    "discount": gettext_lazy("discount"), "pause": gettext_lazy("pause"), "opportunity": gettext_lazy("opportunity"), "ticket": gettext_lazy("ticket"),
    "survey response": gettext_lazy("survey response"), "churn event": gettext_lazy("churn event"), "pulse": gettext_lazy("pulse"),
    "note": gettext_lazy("note"), "cost": gettext_lazy("cost"), "assignment": gettext_lazy("assignment"), "usage day": gettext_lazy("usage day"),
    "onboarding plan": gettext_lazy("onboarding plan"), "onboarding step": gettext_lazy("onboarding step"), "outcome": gettext_lazy("outcome"),
    "account metric": gettext_lazy("account metric"), "contact role": gettext_lazy("contact role"), "product feature": gettext_lazy("product feature"),
    "product user": gettext_lazy("product user"), "entitlement": gettext_lazy("entitlement"), "invoice": gettext_lazy("invoice"),
}  # fmt: skip
LABELS = {
    "person": gettext_lazy("Person"), "account": gettext_lazy("Account"), "contact": gettext_lazy("Contact"), "product": gettext_lazy("Product"),
    "contract": gettext_lazy("Contract"), "subscription": gettext_lazy("Subscription"), "subscription line": gettext_lazy("Subscription line"),
    "discount": gettext_lazy("Discount"), "pause": gettext_lazy("Pause"), "opportunity": gettext_lazy("Opportunity"), "ticket": gettext_lazy("Ticket"),
    "survey response": gettext_lazy("Survey response"), "churn event": gettext_lazy("Churn event"), "pulse": gettext_lazy("Pulse"),
    "note": gettext_lazy("Note"), "cost": gettext_lazy("Cost"), "assignment": gettext_lazy("Assignment"), "usage day": gettext_lazy("Usage day"),
    "onboarding plan": gettext_lazy("Onboarding plan"), "onboarding step": gettext_lazy("Onboarding step"), "outcome": gettext_lazy("Outcome"),
    "account metric": gettext_lazy("Account metric"), "contact role": gettext_lazy("Contact role"), "product feature": gettext_lazy("Product feature"),
    "product user": gettext_lazy("Product user"), "entitlement": gettext_lazy("Entitlement"), "invoice": gettext_lazy("Invoice"),
}  # fmt: skip
# Labels of columns, and headings of the rows behind the doctor's findings.
COLUMNS = (
    gettext_noop("As counted"), gettext_noop("One system"), gettext_noop("Says"), gettext_noop("The other"), gettext_noop("The other says"),
    gettext_noop("ARR"), gettext_noop("Account"), gettext_noop("Amount"), gettext_noop("Amount basis"), gettext_noop("Answered"),
    gettext_noop("Assignment"), gettext_noop("Auto renews"), gettext_noop("Avoidable"), gettext_noop("Cancelled"), gettext_noop("Churn event"),
    gettext_noop("Churn flag"), gettext_noop("Closed"), gettext_noop("Colour"), gettext_noop("Comment"), gettext_noop("Competitor"),
    gettext_noop("Contact"), gettext_noop("Contract"), gettext_noop("Count"), gettext_noop("Country"), gettext_noop("Created"), gettext_noop("Currency"),
    gettext_noop("Cuts"), gettext_noop("Day"), gettext_noop("Discount"), gettext_noop("Discount amount"), gettext_noop("Discount duration"),
    gettext_noop("Discount percent"), gettext_noop("Discount until"), gettext_noop("Domain"), gettext_noop("Duration"), gettext_noop("Effective"),
    gettext_noop("Email"), gettext_noop("Employees"), gettext_noop("End"), gettext_noop("Ended because"), gettext_noop("Errors"),
    gettext_noop("Escalated"), gettext_noop("Expected"), gettext_noop("Family"), gettext_noop("Feature"), gettext_noop("First name"),
    gettext_noop("First response minutes"), gettext_noop("From"), gettext_noop("Industry"), gettext_noop("Interval"), gettext_noop("Is reactivation"),
    gettext_noop("Is trial"), gettext_noop("Job"), gettext_noop("Kind"), gettext_noop("Last name"), gettext_noop("Lead source"), gettext_noop("Line"),
    gettext_noop("List amount"), gettext_noop("List price"), gettext_noop("Lost"), gettext_noop("Lost reason"), gettext_noop("MRR"),
    gettext_noop("Motion"), gettext_noop("Name"), gettext_noop("Note"), gettext_noop("Notice"), gettext_noop("Notified"), gettext_noop("Opened"),
    gettext_noop("Opportunity"), gettext_noop("Owner"), gettext_noop("Parent"), gettext_noop("Past due since"), gettext_noop("Pause"),
    gettext_noop("Paused"), gettext_noop("Percent"), gettext_noop("Person"), gettext_noop("Phone"), gettext_noop("Plan"), gettext_noop("Priority"),
    gettext_noop("Product"), gettext_noop("Pulse"), gettext_noop("Qualified"), gettext_noop("Quantity"), gettext_noop("Reason"), gettext_noop("Region"),
    gettext_noop("Renews"), gettext_noop("Resolution hours"), gettext_noop("Response"), gettext_noop("Resumed"), gettext_noop("Role"), gettext_noop("Row"),
    gettext_noop("Satisfaction"), gettext_noop("Score"), gettext_noop("Seats"), gettext_noop("Seconds"), gettext_noop("Segment"), gettext_noop("Signed"),
    gettext_noop("Signed up"), gettext_noop("Stage"), gettext_noop("Start"), gettext_noop("Start unknown"), gettext_noop("Starts"), gettext_noop("Stated"),
    gettext_noop("Status"), gettext_noop("Subject"), gettext_noop("Subscription"), gettext_noop("Term months"), gettext_noop("Text"),
    gettext_noop("Ticket"), gettext_noop("Title"), gettext_noop("Total contract value"), gettext_noop("Trial ends"), gettext_noop("Unit price"),
    gettext_noop("Until"), gettext_noop("User"), gettext_noop("Won"), gettext_noop("Written"),
    gettext_noop("Came back"), gettext_noop("Imports that changed it"), gettext_noop("Imports since"), gettext_noop("Last changed"), gettext_noop("Field"),
    gettext_noop("Names"), gettext_noop("Since"), gettext_noop("Usage id"), gettext_noop("Source"), gettext_noop("Id in the source"),
    gettext_noop("Stated last"), gettext_noop("Newest export"), gettext_noop("Newest"), gettext_noop("Days ago"), gettext_noop("Usual interval in days"),
    gettext_noop("Imports"), gettext_noop("Record"), gettext_noop("File"), gettext_noop("Original text"), gettext_noop("Survey"), gettext_noop("Off by"),
    gettext_noop("Cost"), gettext_noop("Gross margin"), gettext_noop("Month"),
    gettext_noop("Begins"), gettext_noop("The other ends"), gettext_noop("Pays"), gettext_noop("The other pays"),
    gettext_noop("If it renews the other"), gettext_noop("If both are sold"), gettext_noop("Started"), gettext_noop("Planned end"),
    gettext_noop("Completed"), gettext_noop("Phase"), gettext_noop("Due"), gettext_noop("Done"), gettext_noop("Side"), gettext_noop("Not applicable"),
    gettext_noop("Promised"), gettext_noop("Baseline"), gettext_noop("Target"), gettext_noop("Unit"), gettext_noop("Reached"), gettext_noop("Confirmed"),
    gettext_noop("Value"), gettext_noop("Onboarding plan"), gettext_noop("Onboarding step"), gettext_noop("Outcome"), gettext_noop("Account metric"),
    gettext_noop("Contact role"), gettext_noop("Stance"), gettext_noop("Reports to"), gettext_noop("Product feature"), gettext_noop("Code"),
    gettext_noop("Is key"), gettext_noop("Released"), gettext_noop("Retired"), gettext_noop("Product user"), gettext_noop("Team"),
    gettext_noop("Is internal"), gettext_noop("Added"), gettext_noop("Deactivated"), gettext_noop("Entitlement"), gettext_noop("Granted"),
    gettext_noop("Invoice"), gettext_noop("Number"), gettext_noop("Issued"), gettext_noop("Paid"), gettext_noop("Voided"),
)  # fmt: skip
