"""The firm as rows: what a folder of its exports would hold, in the order in which an import writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from laer.records.batch import Batch
from laer.sources.demo.billing import entitlements, features, handed_over, invoices
from laer.sources.demo.cast import Contact, contacts, domain, jobs, profiles
from laer.sources.demo.deals import Life
from laer.sources.demo.figures import distance
from laer.sources.demo.market import PEOPLE, PRODUCTS
from laer.sources.demo.sales import Sale, sales
from laer.sources.demo.spending import costs
from laer.sources.demo.story import live
from laer.sources.demo.success import Plan, Promise, assigned, plan, promises
from laer.sources.demo.support import Answer, Ticket, answers, tickets
from laer.sources.demo.usage import Row, usage_rows
from laer.sources.demo.voices import HEALTH_NOTES, LEAD_SOURCES
from laer.sources.demo.working import Noted, Pulsed, Todo, Touched, notes, pulses, todos, touches

ROWS = 5_000
TRIES = 40
Keyed = tuple[str, dict[str, Any]]


def firm(seed: int = 7, *, as_of: date, accounts: int = 420) -> Iterator[Batch]:
    """An invented firm with 24 months of history up to `as_of`; the same arguments give the same rows.

    Rows hold references as external ids, as files do. Its figures (closing MRR, GRR and NRR of the last twelve months)
    lie in the bands of `figures.py` from about 200 accounts on; smaller firms are what the dice make of them.
    """
    lives, chance = _told(seed, as_of, accounts)
    people = {life.profile.number: list(contacts(chance("contacts", life), life.profile)) for life in lives}
    asked = {life.profile.number: list(tickets(life, people[life.profile.number], chance("tickets", life), as_of)) for life in lives}
    said = [answer for life in lives for answer in answers(life, people[life.profile.number], asked[life.profile.number], chance("surveys", life), as_of)]
    everybody = [contact for found in people.values() for contact in found]
    every_ticket = sorted((ticket for found in asked.values() for ticket in found), key=lambda ticket: ticket.opened)
    _number(lives, everybody, every_ticket)
    yield from _batches("people", ((p.key, {"name": p.name, "email": p.email}) for p in PEOPLE))
    yield from _batches("accounts", _accounts(lives, chance("accounts")))
    yield from _batches("contacts", map(_contact, everybody))
    moved = (row for life in lives for row in handed_over(life, people[life.profile.number], chance("roles", life), as_of))
    yield from _batches("contact_roles", ((f"ROL-{number:03d}", row) for number, row in enumerate(moved, 1)))
    yield from _batches("products", ((p.key, {"name": p.name, "family": p.family, "list_price": p.price, "currency": "USD", "margin": p.margin}) for p in PRODUCTS))
    yield from _batches("product_features", ((f"FEA-{number:02d}", row) for number, row in enumerate(features(), 1)))
    yield from _batches("contracts", _contracts(lives))
    yield from _batches("subscription_lines", _lines(lives))
    yield from _batches("discounts", _discounts(lives))
    granted = (row for life in lives for row in entitlements(life))
    yield from _batches("entitlements", ((f"ENT-{number:04d}", row) for number, row in enumerate(granted, 1)))
    yield from _batches("invoices", _invoices(row for life in lives for row in invoices(life, chance("invoices", life), as_of)))
    sold = [sale for life in lives for sale in sales(life, chance("sales", life), as_of)]
    yield from _batches("opportunities", _opportunities(sold))
    plans = [made for life in lives if (made := plan(life, chance("onboarding", life), as_of))]
    yield from _batches("onboarding_plans", _plans(plans))
    yield from _batches("onboarding_steps", _steps(plans))
    yield from _batches("outcomes", _outcomes(promise for life in lives for promise in promises(life, chance("outcomes", life), as_of)))
    yield from _batches("account_metrics", _metrics(lives, chance, as_of))
    yield from _batches("tickets", map(_ticket, every_ticket))
    yield from _batches("survey_responses", _answers(said))
    yield from _batches("churn_events", _churns(lives))
    yield from _batches("pulses", _pulses(pulse for life in lives for pulse in pulses(life, chance("pulses", life), as_of)))
    yield from _batches("notes", _notes(note for life in lives for note in notes(life, chance("notes", life), as_of)))
    yield from _batches("assignments", _assignments(lives, chance("jobs"), as_of))
    yield from _batches("costs", ((f"COST-{number:04d}", row) for number, row in enumerate(costs(sold, chance("costs"), as_of), 1)))
    yield from _batches("usage_days", _usage(usage_rows(lives, chance("usage"), as_of)))


def work(seed: int = 7, *, as_of: date, accounts: int = 420) -> tuple[list[Touched], list[Todo]]:
    """What the people of the same firm did and have to do: no file holds it, people write it in the product. Accounts and people by their keys."""
    lives, chance = _told(seed, as_of, accounts)
    done = [touch for life in lives for touch in touches(life, chance("touches", life), as_of)]
    return sorted(done, key=lambda touch: touch.at), list(todos(lives, chance("tasks"), as_of))


class Chance:
    """Random numbers by purpose: each has its own stream, so that a change to one story leaves the others as they were."""

    def __init__(self, seed: int, attempt: int) -> None:
        self.root = f"{seed}:{attempt}"

    def __call__(self, purpose: str, life: Life | None = None) -> Random:
        return Random(f"{self.root}:{purpose}:{life.profile.number if life else ''}")


def _told(seed: int, as_of: date, accounts: int) -> tuple[list[Life], Chance]:
    """The first of the seed's firms whose figures lie in the bands, else the nearest."""
    best: tuple[float, list[Life], Chance] | None = None
    for attempt in range(TRIES if accounts >= 200 else 1):
        chance = Chance(seed, attempt)
        lives = [live(profile, Random(f"{chance.root}:life:{profile.number}"), as_of) for profile in profiles(chance("profiles"), as_of, accounts)]
        off = distance(lives, as_of)
        if best is None or off < best[0]:
            best = (off, lives, chance)
        if off == 0.0:
            break
    assert best is not None
    return best[1], best[2]


def _number(lives: list[Life], everybody: list[Contact], every_ticket: list[Ticket]) -> None:
    """External ids, counted in the order of the accounts (tickets: of the days)."""
    for number, contact in enumerate(everybody, 1):
        contact.key = f"CON-{number:05d}"
    for number, ticket in enumerate(every_ticket, 1):
        ticket.key = f"TKT-{number:05d}"
    for number, contract in enumerate((contract for life in lives for contract in life.contracts), 1):
        contract.key = f"CTR-{number:05d}"
    for number, sub in enumerate((sub for life in lives for sub in life.subs), 1):
        sub.key = f"SUB-{number:05d}"


def _batches(record: str, rows: Iterable[Keyed]) -> Iterator[Batch]:
    """Batches of at most ROWS rows; lines are counted through the whole record type."""
    batch, line = Batch(record, f"demo/{record}"), 0
    for line, (key, row) in enumerate(rows, 1):
        batch.keys.append(key)
        batch.rows.append(row)
        batch.lines.append(line)
        batch.raw.append({})
        if len(batch.rows) == ROWS:
            yield batch
            batch = Batch(record, f"demo/{record}")
    if batch.rows:
        yield batch


def _accounts(lives: list[Life], rng: Random) -> Iterator[Keyed]:
    for life in lives:
        p = life.profile
        row: dict[str, Any] = {
            "name": p.name,
            "domain": domain(p),
            "industry": p.industry,
            "country": p.country.code,
            "region": p.country.region,
            "segment": p.segment.name,
            "employees": p.employees,
            "lead_source": rng.choices(*LEAD_SOURCES)[0],
            "signed_up_on": p.signed_up,
            "parent_id": p.parent.key if p.parent else None,
            "custom.health_note": rng.choice(HEALTH_NOTES) if p.first_paid and rng.random() < 0.07 else None,
            "custom.reference_customer": True if p.first_paid and not life.churns and p.fit > 0.75 and rng.random() < 0.3 else None,
        }
        yield p.key, {name: value if not p.sparse or name in ("name", "parent_id") else None for name, value in row.items()}


def _contact(contact: Contact) -> Keyed:
    return contact.key, {
        "account_id": contact.profile.key,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "title": contact.title,
        "role": contact.role,
    }


def _contracts(lives: list[Life]) -> Iterator[Keyed]:
    for life in lives:
        for c in life.contracts:
            yield (
                c.key,
                {
                    "account_id": life.profile.key,
                    "name": c.name,
                    "signed_on": c.signed,
                    "start_on": c.start,
                    "end_on": c.end,
                    "term_months": c.term,
                    "notice_on": c.notice,
                    "auto_renews": c.auto_renews,
                    "status": c.status,
                },
            )


def _lines(lives: list[Life]) -> Iterator[Keyed]:
    number = 0
    for life in lives:
        for sub in life.subs:
            for line in sub.lines:
                number += 1
                yield (
                    f"LIN-{number:05d}",
                    {
                        "account_id": life.profile.key,
                        "subscription_id": sub.key,
                        "contract_id": line.contract.key if line.contract else None,
                        "product_id": sub.product.key,
                        "plan": line.plan,
                        "start_on": line.start,
                        "end_on": line.end,
                        "seats": line.seats,
                        "list_amount": line.list_amount,
                        "amount": line.amount,
                        "interval": sub.interval,
                        "currency": "USD",
                        "status": line.status,
                        "is_trial": line.is_trial,
                        "auto_renews": line.auto_renews,
                    },
                )


def _discounts(lives: list[Life]) -> Iterator[Keyed]:
    for number, (account, d) in enumerate(((life.profile.key, d) for life in lives for d in life.discounts), 1):
        row = {"account_id": account, "subscription_id": d.sub.key, "percent": Decimal(d.percent), "start_on": d.start, "end_on": d.end, "reason": d.reason}
        yield f"DSC-{number:04d}", row


def _opportunities(found: Iterable[Sale]) -> Iterator[Keyed]:
    for number, s in enumerate(sorted(found, key=lambda sale: sale.created), 1):
        row: dict[str, Any] = {"account_id": s.life.profile.key, "contract_id": s.contract.key if s.contract else None, "name": s.name, "motion": s.motion, "stage": s.stage}
        row |= {"arr": s.arr, "currency": "USD", "term_months": s.contract.term if s.contract else None, "owner": s.life.profile.seller.person.name}
        row |= {"created_on": s.created, "qualified_on": s.qualified, "closed_on": s.closed, "starts_on": s.starts, "lost_reason": s.lost_reason}
        row |= {"discount": _discount_of(s)}
        yield f"OPP-{number:05d}", row


def _invoices(found: Iterable[dict[str, Any]]) -> Iterator[Keyed]:
    for number, row in enumerate(sorted(found, key=lambda row: (row["issued_on"], row["account_id"])), 1):
        yield f"INV-{number:05d}", row | {"number": f"INV-{number:05d}"}


def _plans(plans: list[Plan]) -> Iterator[Keyed]:
    for number, p in enumerate(plans, 1):
        p.key = f"ONB-{number:04d}"
        row: dict[str, Any] = {"account_id": p.life.profile.key, "name": "Onboarding", "started_on": p.started, "planned_end_on": p.planned}
        row |= {"completed_on": p.completed}
        yield p.key, row | {"owner": p.life.profile.csm.name}


def _steps(plans: list[Plan]) -> Iterator[Keyed]:
    for number, (p, s) in enumerate(((each, step) for each in plans for step in each.steps), 1):
        row = {"account_id": p.life.profile.key, "onboarding_plan_id": p.key, "phase": s.phase, "title": s.title, "due_on": s.due, "done_on": s.done}
        yield f"STP-{number:05d}", row | {"side": s.side, "not_applicable": True if s.skipped and s.done else None}


def _outcomes(found: Iterable[Promise]) -> Iterator[Keyed]:
    for number, o in enumerate(found, 1):
        row: dict[str, Any] = {"account_id": o.life.profile.key, "title": o.title, "promised_on": o.promised, "unit": o.unit, "due_on": o.due}
        row |= {"baseline": Decimal(o.baseline), "target": Decimal(o.target), "reached_on": o.reached, "confirmed_on": o.confirmed}
        yield f"OUT-{number:04d}", row


def _metrics(lives: list[Life], chance: Chance, as_of: date) -> Iterator[Keyed]:
    counted = ((life, assigned(life, chance("seats", life), as_of)) for life in lives)
    for number, (life, (day, seats)) in enumerate(((life, found) for life, found in counted if found), 1):
        yield f"MET-{number:04d}", {"account_id": life.profile.key, "day": day, "name": "seats assigned", "value": Decimal(seats), "unit": "seats"}


def _discount_of(sale: Sale) -> Decimal | None:
    """What was taken off the list price of the lines with which a deal began, in percent."""
    lines = [line for sub in sale.life.subs for line in sub.lines if line.start == sale.starts and line.list_amount]
    listed = sum((line.list_amount for line in lines), Decimal(0))
    return (100 * (1 - sum((line.amount for line in lines), Decimal(0)) / listed)).quantize(Decimal("0.1")) if listed and sale.motion == "land" else None




def _ticket(t: Ticket) -> Keyed:
    return t.key, {
        "account_id": t.life.profile.key,
        "contact_id": t.contact.key if t.contact else None,
        "subject": t.subject,
        "opened_at": t.opened,
        "closed_at": t.closed,
        "status": t.status,
        "priority": t.priority,
        "first_response_minutes": t.first_response,
        "resolution_hours": t.hours,
        "satisfaction": None if t.satisfaction is None else Decimal(t.satisfaction),
        "escalated": t.escalated,
    }


def _answers(said: list[Answer]) -> Iterator[Keyed]:
    for number, a in enumerate(sorted(said, key=lambda a: a.day), 1):
        yield (
            f"SRV-{number:05d}",
            {
                "account_id": a.life.profile.key,
                "contact_id": a.contact.key if a.contact else None,
                "kind": a.kind,
                "score": Decimal(a.score),
                "answered_on": a.day,
                "comment": a.comment,
            },
        )


def _churns(lives: list[Life]) -> Iterator[Keyed]:
    found = sorted(((life, churn) for life in lives for churn in life.churns), key=lambda pair: pair[1].effective)
    for number, (life, c) in enumerate(found, 1):
        yield (
            f"CHN-{number:04d}",
            {
                "account_id": life.profile.key,
                "notified_on": c.notified,
                "effective_on": c.effective,
                "reason": c.reason,
                "avoidable": c.avoidable,
                "competitor": c.competitor,
                "amount": c.amount,
                "text": c.text,
            },
        )


def _pulses(found: Iterable[Pulsed]) -> Iterator[Keyed]:
    for number, p in enumerate(sorted(found, key=lambda pulse: pulse.day), 1):
        yield f"PLS-{number:05d}", {"account_id": p.account, "stated_on": p.day, "colour": p.colour, "reason": p.reason}


def _notes(found: Iterable[Noted]) -> Iterator[Keyed]:
    for number, n in enumerate(sorted(found, key=lambda note: note.day), 1):
        yield f"NOT-{number:05d}", {"account_id": n.account, "text": n.text, "written_on": n.day}


def _assignments(lives: list[Life], rng: Random, as_of: date) -> Iterator[Keyed]:
    for number, job in enumerate((job for life in lives for job in jobs(rng, life, as_of)), 1):
        yield f"ASG-{number:05d}", {"account_id": job.profile.key, "person_id": job.person.key, "job": job.job, "from_on": job.start, "until_on": job.until}


def _usage(rows: list[Row]) -> Iterator[Keyed]:
    for ordinal, account, feature, sub, count, seconds, errors in rows:
        day = date.fromordinal(ordinal)
        yield (
            f"USE-{ordinal}-{account[4:]}-{feature}",
            {"account_id": account, "subscription_id": sub, "feature": feature, "day": day, "count": count, "seconds": seconds, "errors": errors},
        )
