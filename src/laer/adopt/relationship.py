"""Measures of the relationship: whom we know at the account, in which role, and who of them was met, wrote or answered lately."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value, cases, ifelse, literal

RECENT, YEAR = 60, 365  # days
CHAMPION, DECIDES = "champion", "decision maker"


def known(spine: Spine, records: Records) -> Table:
    """Contacts of the account, and those with a role that matters on the day. Grain: account_id x d."""
    held = spine.alive(records["contacts"], "from_d", "until_d")
    role = held.role.fill_null("")
    roles = {"champions": CHAMPION, "decision_makers": DECIDES, "detractors": "detractor"}
    return held.group_by("account_id", "d").agg(
        contacts=held.contact_id.nunique().cast("float64"), roles_known=held.role.nunique(where=~role.isin(["", "other"])).cast("float64"),
        **{name: held.contact_id.nunique(where=role == one).cast("float64") for name, one in roles.items()},
    )  # fmt: skip


def met(spine: Spine, records: Records) -> Table:
    """Whom a touch, a ticket or a survey answer of a year names, by the roles that they have on the day. Grain: account_id x d."""
    seen, held = spine.within(records["meetings"], "on_d", YEAR), spine.alive(records["contacts"], "from_d", "until_d")
    roles = held.filter(held.role.isin([CHAMPION, DECIDES])).select(account="account_id", day="d", who="contact_id", role="role").distinct()
    both = seen.left_join(roles, [seen.account_id == roles.account, seen.d == roles.day, seen.contact_id == roles.who])
    near, role = both.d - both.on_d < RECENT, both.role.fill_null("")
    return both.group_by("account_id", "d").agg(
        contacts_named_60d=both.contact_id.nunique(where=near).cast("float64"), nameless_60d=(near & both.contact_id.isnull()).sum().cast("float64"),
        champion_seen_on=both.on_d.max(where=role == CHAMPION), decision_maker_seen_on=both.on_d.max(where=role == DECIDES),
    )  # fmt: skip


def _reached(facts: Table) -> Value:
    """Where there were touches and nothing names anybody, how many were reached is unknown, and not 0."""
    unsaid = (facts.contacts_named_60d == 0) & (facts.nameless_60d > 0)
    return ifelse(unsaid, literal(None, "float64"), facts.contacts_named_60d)


def _live(facts: Table) -> Value:
    """Who was met, or asked, or answered, is there; without any news a nameless touch may have been theirs: unknown."""
    near = facts.d - facts.champion_seen_on < RECENT
    return cases((facts.champions == 0, literal(False)), ((facts.champions > 0) & near, literal(True)),
        ((facts.champions > 0) & (facts.nameless_60d == 0), literal(False)), else_=literal(None, "boolean"))  # fmt: skip


of_people = partial(Measure, motion="adopt", kind="number", sources=("contacts",), leading=True, better="up", method="relationship")
MET = ("contacts", "touches", "tickets", "survey_responses")

FAMILIES = (
    Family("contacts", "contacts", known, (
        of_people("contacts", "Contacts known", "contacts", "contacts of the account", zero=True),
        of_people("champions", "Champions", "contacts", "contacts with the role of champion or sponsor", zero=True),
        of_people("decision_makers", "Decision makers", "contacts", "contacts who decide or sign: decision maker, economic buyer, executive sponsor",
            zero=True),
        of_people("detractors", "Detractors", "contacts", "contacts with the role of detractor", zero=True, better="down"),
        of_people("roles_known", "Roles mapped", "roles", "different roles among the contacts: champion, decision maker, influencer, user, detractor",
            zero=True),
    )),
    Family("meetings", "meetings", met, (
        of_people("contacts_named_60d", "Contacts named, 60 days", "contacts", "different contacts whom a touch, a ticket or a survey answer of 60 days names",
            zero=True, sources=MET),
        of_people("champion_seen_on", "Champion last seen", "", "the last day within a year on which a touch, a ticket or a survey answer names a champion",
            kind="date", better="", sources=MET),
        of_people("decision_maker_seen_on", "Decision maker last seen", "", "the last day within a year on which a touch, a ticket or a survey answer names a "
            "decision maker", kind="date", better="", sources=MET),
        of_people("nameless_60d", "Touches without a contact, 60 days", "touches", "touches of 60 days that do not say whom they reached", zero=True,
            better="down", sources=MET),
    ), beside=("contacts",)),
)  # fmt: skip

DERIVED = (
    Derived(
        of_people("contacts_60d", "Contacts reached, 60 days", "contacts", "different contacts whom a touch, a ticket or a survey answer of 60 days names; "
            "unknown where there were touches and nothing names anybody", sources=MET),
        ("contacts_named_60d", "nameless_60d"), _reached,
    ),
    Derived(
        of_people("champion_live", "Champion live", "", f"whether a champion was named by a touch, a ticket or a survey answer of {RECENT} days; no where "
            "there is no champion, unknown where touches name nobody", kind="flag", sources=MET),
        ("champions", "champion_seen_on", "nameless_60d"), _live,
    ),
    Derived(
        of_people("decision_maker_known", "Decision maker known", "", "whether any contact is known to decide or sign", kind="flag"), ("decision_makers",),
        lambda facts: facts.decision_makers > 0,
    ),
)  # fmt: skip
