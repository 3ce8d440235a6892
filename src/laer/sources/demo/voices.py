"""What people wrote: reasons for leaving, ticket subjects, answers to surveys, notes, job titles."""

from __future__ import annotations

from random import Random

COMPETITORS = ("Crewlattice", "Opsgrove", "Planaria Suite", "Rostermill")

# reason -> (weight, share that could have been avoided, share lost to a competitor, words)
CHURN = {
    "value": (
        22,
        0.90,
        0.20,
        (
            "Never got past scheduling. The savings we were promised did not show in our figures.",
            "Leadership asked what we get for the money and nobody here could answer.",
            "Only one of four sites ever went live. We could not justify another year.",
            "We were paying for a planning tool and still planning in spreadsheets.",
        ),
    ),
    "fit": (
        12,
        0.35,
        0.15,
        (
            "Our shifts do not work the way the product assumes. We were told it could be configured; it could not.",
            "Too large a tool for a team of our size. In hindsight we should not have bought it.",
            "Sold to us as project planning, which it is not.",
            "We bought on price at the end of the quarter. Nobody had checked whether it suits a job shop.",
        ),
    ),
    "product gap": (
        15,
        0.40,
        0.55,
        (
            "Still no two-way sync with our ERP after a year of asking. {competitor} has it.",
            "Offline mode is not usable in our plants. We moved to {competitor}.",
            "We need skills and certificates on the roster. It stayed on the roadmap.",
            "No multi-language rosters, so half of our sites never adopted it.",
        ),
    ),
    "support": (
        9,
        0.95,
        0.25,
        (
            "Three escalations on the same sync fault in one quarter, each time from the beginning.",
            "Tickets answered in days rather than hours, and we plan by the hour.",
            "We had four contacts in a year and had to explain our setup to every one of them.",
        ),
    ),
    "price": (
        15,
        0.60,
        0.45,
        (
            "The first year was cheap, the renewal was not. {competitor} offered half.",
            "Budget cut across all software. Ours was the line that nobody defended.",
            "We would have stayed at last year's price.",
            "The discount ran out and the price was no longer in proportion to what we use.",
        ),
    ),
    "people change": (
        10,
        0.60,
        0.20,
        (
            "Our operations director left, and her successor brought the tool he knew.",
            "The team that ran it was dissolved in the reorganisation.",
            "The person who championed this has moved on and nobody picked it up.",
        ),
    ),
    "company event": (
        9,
        0.03,
        0.05,
        (
            "Acquired. The group standard is another system.",
            "We are closing the two sites that used it.",
            "The company is being wound up.",
        ),
    ),
    "payment": (
        5,
        0.50,
        0.0,
        (
            "Card expired, reminders went to someone who had left.",
            "Invoices unpaid for ninety days, no answer to reminders.",
        ),
    ),
}
DISCOUNT_REASONS = {
    "discounter": ("Quarter-end close", "Quarter-end close", "Match competitor quote", "Executive approval, strategic logo"),
    "usual": ("Introductory offer", "Introductory offer", "Competitive displacement", "Reference agreed"),
    "lasting": ("Volume", "Non-profit rate", "Multi-year commitment"),
    "renewal": ("Step-down of first-year discount", "Renewal loyalty", "Save offer"),
}
HEALTH_NOTES = (
    "Champion is leaving at the end of the quarter; find a second contact.",
    "Asked for the ERP connector in three calls in a row.",
    "Rollout to the second plant is on hold until budget is approved.",
    "Very happy with the planner, would give a reference.",
    "Executive sponsor has not joined a review this year.",
    "New CFO wants a business case before the renewal.",
    "Uses less than half of the seats; expect a request to reduce.",
    "Wants to move all sites to one plan; talk about Scale.",
    "Was promised a report at signing that we do not have.",
    "Go-live slipped twice because of their master data.",
    "Interested in Automations after the webinar.",
    "Support backlog is the first topic in every call.",
)
# subject, weight, priority weights (low, normal, high, urgent)
SUBJECTS = (
    ("Cannot log in after password reset", 8, (20, 60, 18, 2)),
    ("SSO certificate has expired", 3, (0, 15, 50, 35)),
    ("How do I copy a roster to the next week?", 9, (60, 38, 2, 0)),
    ("Shift swap request is not shown to the supervisor", 7, (10, 55, 30, 5)),
    ("Sync with ERP has stopped", 7, (0, 20, 50, 30)),
    ("Export to Excel drops the notes column", 6, (30, 60, 10, 0)),
    ("Schedule board is slow with more than 200 rows", 7, (5, 50, 40, 5)),
    ("Add ten seats to our plan", 5, (40, 58, 2, 0)),
    ("Invoice shows the old billing address", 5, (50, 48, 2, 0)),
    ("Mobile app does not send notifications", 8, (8, 55, 32, 5)),
    ("Work order closed twice", 4, (10, 60, 25, 5)),
    ("Duplicate employees after import", 6, (15, 60, 22, 3)),
    ("API returns 429 during our nightly job", 4, (5, 45, 40, 10)),
    ("Automation rule fires for archived sites", 4, (10, 60, 28, 2)),
    ("Please restore a roster deleted by mistake", 3, (0, 25, 50, 25)),
    ("Wrong time zone in the weekly report", 5, (25, 60, 15, 0)),
    ("Training for two new planners", 5, (65, 35, 0, 0)),
    ("Dashboard differs from the exported figures", 5, (8, 55, 32, 5)),
    ("Planner unavailable since this morning", 2, (0, 0, 25, 75)),
    ("Question about public holidays in the calendar", 5, (65, 35, 0, 0)),
    ("Permission for subcontractors", 4, (40, 55, 5, 0)),
)
PRIORITIES = ("low", "normal", "high", "urgent")
# hours to solve, minutes to the first answer, by priority
PACE = {"low": (62, 420), "normal": (30, 190), "high": (14, 70), "urgent": (6, 25)}

PRAISE = (
    "Planning the week takes an hour instead of a morning.",
    "Our supervisors finally work from the same roster.",
    "Overtime is down since we plan with this.",
    "Easy for new people to pick up.",
    "The mobile app is what won our crews over.",
    "Reporting to the board became simple.",
    "Rollout to the second site was painless.",
    "It just works, also on a Monday.",
)
MIXED = (
    "Good for scheduling, but the reports need work.",
    "Does what we bought it for; I would not call it pretty.",
    "Useful, though slow with our larger boards.",
    "We use perhaps half of it.",
    "Fine in the office, less so on the shop floor.",
    "Helpful once set up. Setting it up took too long.",
)
COMPLAINT = (
    "Too slow when it matters.",
    "We still keep a spreadsheet beside it.",
    "The ERP sync breaks and we find out from the crews.",
    "I do not see what we get for the price.",
    "Half of what we were shown before signing is not there.",
    "Support answers politely and late.",
    "Nobody has asked us how it is going since the start.",
)
PRAISE_END = (
    "Thank you.",
    "Our CSM is a real help.",
    "Keep going.",
    "I have recommended it twice.",
    "Support answers fast.",
    "Looking forward to Automations.",
)
MIXED_END = ("Would like better filters.", "Please improve the export.", "The training helped.", "Waiting for the connector.", "Hope the roadmap holds.")
COMPLAINT_END = ("We are looking at alternatives.", "Please call me.", "Renewal will be a hard talk.", "Disappointed.", "This was raised before.")
CSAT_GOOD = ("Quick and friendly.", "Solved on first contact.", "Clear answer, thank you.", "Very helpful colleague.", "Fixed before I had finished my coffee.")
CSAT_MIDDLING = ("Solved, but it took a while.", "Had to explain it twice.", "OK.", "Workaround only.")
CSAT_BAD = ("Closed without a solution.", "Three days for one answer.", "Passed from one person to the next.", "The same fault came back a week later.")

TITLES = {
    "champion": ("Head of Operations", "Operations Manager", "Workforce Planning Lead", "Head of Planning", "Plant Manager", "Service Delivery Manager"),
    "decision maker": ("Director of Operations", "VP Operations", "Managing Director", "Chief Operating Officer"),
    "economic buyer": ("Chief Financial Officer", "Head of Procurement", "Finance Director", "VP Finance"),
    "influencer": ("IT Manager", "Head of IT", "HR Business Partner", "Process Excellence Lead"),
    "user": ("Shift Planner", "Site Supervisor", "Dispatcher", "Team Leader", "Planning Assistant", "Scheduling Coordinator"),
    "detractor": ("IT Architect", "Regional Manager", "Works Council Member", "Site Manager"),
}
LEAD_SOURCES = (("referral", "inbound", "outbound", "partner", "event", "webinar", "paid search"), (18, 27, 22, 12, 9, 6, 6))


def nps_comment(rng: Random, score: int) -> str | None:
    """Words to an answer from 0 to 10; more than half give none, the unhappy write more often."""
    if rng.random() > (0.38 if score >= 7 else 0.6):
        return None
    first, then = (PRAISE, PRAISE_END) if score >= 9 else (MIXED, MIXED_END) if score >= 7 else (COMPLAINT, COMPLAINT_END)
    text = rng.choice(first)
    return f"{text} {rng.choice(then)}" if rng.random() < 0.45 else text


def csat_comment(rng: Random, score: int) -> str | None:
    if rng.random() > (0.25 if score >= 4 else 0.55):
        return None
    return rng.choice(CSAT_GOOD if score >= 4 else CSAT_MIDDLING if score == 3 else CSAT_BAD)
