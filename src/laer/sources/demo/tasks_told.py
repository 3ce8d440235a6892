"""The words of the invented firm's work: what touches were about, what notes say, what tasks ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskTold:
    title: str
    detail: str = ""
    priority: int = 2
    checklist: tuple[str, ...] = ()
    of_account: bool = True


SUMMARIES = {
    "good": (
        "Second site goes live next month; they asked for a training date.",
        "Review with operations: overtime is down, they will show our figures to their board.",
        "Planner likes the new board. Wants two more seats for the night shift.",
        "Agreed on the outcome for next quarter and who measures it.",
        "They would speak to another customer for us.",
        "Walked through Automations; the team lead wants to try it on one line.",
    ),
    "neutral": (
        "Went through open tickets; two are waiting for their IT.",
        "Sent the adoption figures of the month.",
        "Moved the review by two weeks, their quarter end.",
        "Short call about permissions for subcontractors.",
        "Asked who will own the rollout after the reorganisation.",
        "Answered questions about the renewal paper.",
    ),
    "bad": (
        "Frustrated about the ERP sync; wants a date, not a ticket number.",
        "New finance director asked what they get for the money.",
        "Sponsor did not join for the third time.",
        "They keep a spreadsheet beside it and say so openly.",
        "Half of the seats are unused, they want to reduce at renewal.",
        "They are looking at another system; first time that it was said.",
    ),
}
PULSE_REASONS = {
    "green": (
        "Sponsor engaged, outcome on its way.", "Use grows at both sites.", "Good review, next steps agreed.", "Champion is active and answers within a day.",
    ),
    "yellow": (
        "Outcome not measured yet.", "Champion is leaving; second contact not found.", "Rollout stands still since their quarter end.",
        "Uses one of three products.",
    ),
    "red": (
        "Sponsor gone, nobody took over.", "Has announced to leave or to reduce.", "Escalation open for weeks.", "No answer to three calls.",
    ),
}  # fmt: skip
NOTES = (
    "**Review**\n\n- Outcome: overtime down by a fifth, they measure it themselves\n- Open: connector to their ERP\n- Next: second site in spring",
    "Their fiscal year ends in March. Budget talks begin *three months before*; the renewal paper should be there by then.",
    "Org change: operations reports to the COO now. Ask for an introduction.",
    "Handover notes: decision is made by two people, the plant manager and finance. Procurement joins late and asks for [security answers](https://example.com/security).",
    "They count success in **hours of planning per week**. Before: 14. Their goal: 7.",
    "Training held for six planners. Two were new; send them the short videos.",
    "Do not call on Mondays, that is when the week is planned.",
    "Price was the topic at signing; they paid list for the first year. Keep the discount talk out of the review.",
    "Wish list, in their order:\n\n1. Skills on the roster\n2. Multi-language rosters\n3. Offline mode",
    "Works council agreed to the mobile app after our talk. Keep them in the loop before new features.",
)
NEXT_TASKS = (
    TaskTold("Prepare the renewal", "Paper, usage, outcome and who signs.", 3, ("Usage and outcome on one page", "Price agreed with finance", "Who signs on their side", "Paper sent")),
    TaskTold("Prepare the quarterly review", "", 2, ("Invite the sponsor", "Figures of the quarter", "Next outcome proposed")),
    TaskTold("Call: use has fallen", "Find out what changed since last month.", 3),
    TaskTold("Find a second contact", "The champion is the only one who answers."),
    TaskTold("Follow up on the low survey answer", "", 3, ("Call within two days", "Write down what is missing", "Tell them what follows")),
    TaskTold("Send the adoption figures", "", 1),
    TaskTold("Plan training for new planners", "", 2, ("Date", "Who joins", "Material sent")),
    TaskTold("Ask for the outcome to be confirmed", "They measured it; it is not confirmed yet."),
    TaskTold("Close the loop on the escalation", "Support is done; ask whether it holds.", 3),
    TaskTold("Offer the second product", "Seats are nearly full at both sites."),
    TaskTold("Introduce the new CSM"),
    TaskTold("Update the success plan", "", 1),
)
DONE_TASKS = (
    TaskTold("Hold the kickoff", "", 2, ("Goals", "Names on both sides", "Success date")),
    TaskTold("Send the renewal paper", "", 3),
    TaskTold("Quarterly review", "", 2, ("Invite the sponsor", "Figures of the quarter", "Next outcome proposed")),
    TaskTold("Answer the security questions", "", 2),
    TaskTold("Call after the outage", "", 3),
    TaskTold("Train the second site", "", 2, ("Date", "Who joins", "Material sent")),
    TaskTold("Ask for a reference", "", 1),
    TaskTold("Check the invoice address", "", 1),
    TaskTold("Reduce unused seats before the renewal", "Better we say it than they."),
    TaskTold("Collect wishes for the roadmap", "", 1),
)
OWN_TASKS = (  # of whoever tries the demo out
    TaskTold("Decide about the discount at renewal", "Finance asks for a word by Friday.", 3),
    TaskTold("Look through accounts without an owner", "", 2, of_account=False),
    TaskTold("Call: sponsor has gone quiet", "Third review without them.", 3),
    TaskTold("Prepare the quarterly review", "", 2, ("Invite the sponsor", "Figures of the quarter", "Next outcome proposed", "Send it a day before")),
    TaskTold("Check the renewals of next month", "", 3, ("Notice dates", "Who signs", "Open tickets"), of_account=False),
    TaskTold("Introduce the new owner of the book", "", 2),
    TaskTold("Ask for the outcome to be confirmed", "They measured it; it is not confirmed yet."),
    TaskTold("Read the reasons for leaving of the last quarter", "", 1, of_account=False),
    TaskTold("Write down what a good handover needs", "", 1, of_account=False),
)
MENTIONS = (  # notes that name whoever tries the demo out
    "@{name} can you join the review? Their finance director will be there and asks about the price.",
    "Third escalation this quarter on the same sync fault. @{name}, I think this needs your call.",
    "They would extend to two years for the second site. @{name} please look at the numbers before I answer.",
    "@{name} for your information: the champion leaves at the end of the month, her successor is not known yet.",
)

KINDS = {  # what sort of work a task is, by its title; of the others nobody said
    "Hold the kickoff": "meeting", "Quarterly review": "meeting", "Train the second site": "meeting", "Call after the outage": "call",
    "Call: use has fallen": "call", "Call: sponsor has gone quiet": "call", "Send the renewal paper": "mail", "Send the adoption figures": "mail",
    "Prepare the renewal": "prepare", "Prepare the quarterly review": "prepare", "Check the invoice address": "support",
    "Answer the security questions": "sales",
}  # fmt: skip
