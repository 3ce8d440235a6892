"""The accounts of the firm and the people at them: who is invented before anything happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from laer.sources.demo.deals import Life, Profile
from laer.sources.demo.market import OVERLOADED, RENEWALS, SEGMENTS, SELLERS, STRATEGIC, Person, Segment, csm_of
from laer.sources.demo.names import ABROAD, COUNTRIES, INDUSTRIES, Country, account_name, person_name, plain, stem
from laer.sources.demo.seasons import add_months, signing_days
from laer.sources.demo.voices import TITLES

FOUNDED = 36  # months of billing before the day of the demo; usage, tickets and surveys are kept for the last HISTORY
HISTORY = 24
COUNTRY_WEIGHTS = [country.weight for country in COUNTRIES]


@dataclass(eq=False)
class Contact:
    profile: Profile
    name: str
    email: str
    phone: str | None
    title: str
    role: str
    key: str = ""


@dataclass
class Job:
    """Somebody's job on an account from a day until another."""

    profile: Profile
    person: Person
    job: str
    start: date
    until: date | None


def profiles(rng: Random, as_of: date, accounts: int) -> list[Profile]:
    """All accounts in the order of their sign-up: customers by segment, about one prospect in fourteen, a few of whom hardly anything is known."""
    prospects = round(accounts / 14)
    starts = signing_days(rng, add_months(as_of, -FOUNDED), as_of - timedelta(days=4), accounts - prospects, 0.02)
    segments = _shares(rng, accounts - prospects)
    sizes = {segment.name: _even(rng, segments.count(segment)) for segment in SEGMENTS}
    taken: set[str] = set()
    found = []
    for segment, start in zip(segments, starts, strict=True):
        found.append(_profile(rng, segment, start, start - timedelta(days=rng.randint(26, 110)), taken, sizes[segment.name].pop()))
    for segment in _shares(rng, prospects):
        found.append(_profile(rng, segment, None, as_of - timedelta(days=int(rng.triangular(3, 400, 30))), taken, rng.random()))
    small = [profile for profile in found if profile.segment.name in ("SMB", "Startup") and profile.first_paid]
    for profile in rng.sample(small, min(len(small), max(1, accounts // 70))):
        profile.sparse = True
    found.sort(key=lambda profile: (profile.signed_up, profile.name))
    for number, profile in enumerate(found, 1):
        profile.number = number
    _subsidiaries(rng, found, taken)
    return found


def _shares(rng: Random, count: int) -> list[Segment]:
    """Segments in exact shares, in random order."""
    out = [segment for segment in SEGMENTS for _ in range(round(segment.share * count))]
    out = (out + [SEGMENTS[2]] * count)[:count]
    rng.shuffle(out)
    return out


def _even(rng: Random, count: int) -> list[float]:
    """Numbers spread evenly over 0 to 1 in random order, so that the firm's size hardly depends on luck."""
    out = [(i + rng.random()) / count for i in range(count)]
    rng.shuffle(out)
    return out


def _profile(rng: Random, segment: Segment, first_paid: date | None, signed_up: date, taken: set[str], size: float) -> Profile:
    country = rng.choices(COUNTRIES, COUNTRY_WEIGHTS)[0]
    trades = [trade for trade in INDUSTRIES if trade != "Software"]
    industry = "Software" if rng.random() < (0.45 if segment.name == "Startup" else 0.03) else rng.choice(trades)
    seller = rng.choices(SELLERS, [seller.share for seller in SELLERS])[0]
    low, high = segment.employees
    employees = round(low + (high - low) * size**1.7 * rng.uniform(0.8, 1.0))
    name = _name(rng, country, industry, segment.name, taken)
    csm = csm_of(segment.name, country.region)
    return Profile(0, name, country, industry, segment, seller, csm, rng.betavariate(*seller.fit), size, signed_up, first_paid, employees)


def _name(rng: Random, country: Country, industry: str, segment: str, taken: set[str]) -> str:
    """A name that no other account has, its legal form aside."""
    while True:
        name = account_name(rng, country, industry, segment)
        if stem(name, country.legal) not in taken:
            taken.add(stem(name, country.legal))
            return name


def _subsidiaries(rng: Random, found: list[Profile], taken: set[str]) -> None:
    """Some accounts belong to a group that was an account before them, and carry its name."""
    for child in rng.sample(found, len(found) // 45):
        above = [p for p in found[: child.number - 1] if p.segment.large and p.parent is None and p.first_paid]
        if not above or child.sparse or any(p.parent is child for p in found):
            continue
        parent = rng.choice(above)
        name = f"{parent.name.removesuffix(' Group').removesuffix(' Holdings').removesuffix(' ' + parent.country.legal)} {ABROAD[child.country.code]}"
        if stem(name, child.country.legal) not in taken:
            taken.add(stem(name, child.country.legal))
            child.parent, child.name, child.industry = parent, name, parent.industry


def domain(profile: Profile) -> str:
    word = stem(profile.name, profile.country.legal)
    return f"{word if len(word) < 22 else plain(profile.name.removesuffix(f' {profile.country.legal}'))}.example"


def contacts(rng: Random, profile: Profile) -> Iterator[Contact]:
    """Two to six people at a customer, one to three at a prospect, none where nothing is known."""
    if profile.sparse:
        return
    most = {"Enterprise": 6, "Mid-market": 5, "SMB": 4, "Startup": 3}[profile.segment.name]
    count = rng.randint(2, most) if profile.first_paid else rng.randint(1, 3)
    second, fifth = rng.choice(("decision maker", "economic buyer")), rng.choice(("influencer", "user"))
    roles = ["champion", second, "user", "influencer" if second == "economic buyer" else "economic buyer", fifth, "user"][:count]
    if count > 2 and rng.random() > 0.35 + 0.75 * profile.fit:
        roles[-1] = "detractor"
    host, used = domain(profile), set()
    for role in roles:
        name = person_name(rng, profile.country.culture if rng.random() < 0.85 else "english")
        first, *rest = name.split()
        mailbox = f"{plain(first)}.{plain(' '.join(rest))}"
        if mailbox in used:
            continue
        used.add(mailbox)
        phone = None
        if rng.random() < 0.6 and profile.country.code in ("US", "GB"):  # numbers set aside for fiction
            phone = (
                f"+1 {rng.choice((312, 404, 503, 617))} 555 01{rng.randint(0, 99):02d}"
                if profile.country.code == "US"
                else f"+44 20 7946 0{rng.randint(0, 999):03d}"
            )
        yield Contact(profile, name, f"{mailbox}@{host}", phone, rng.choice(TITLES[role]), role)


def jobs(rng: Random, life: Life, as_of: date) -> Iterator[Job]:
    """Who looks after the account. Mid-market in North America went from the strategic CSM to the overloaded one when she was needed elsewhere."""
    profile = life.profile
    left = life.churns[-1].effective if life.churns and not life.mrr_on(as_of) and life.churns[-1].effective <= as_of else None
    yield Job(profile, profile.seller.person, "ae", profile.signed_up, left)
    if profile.first_paid is None:
        return
    takeover = as_of - timedelta(days=310)
    if not profile.sparse and rng.random() > 0.012:
        if profile.csm is OVERLOADED and profile.segment.name == "Mid-market" and profile.first_paid < takeover and (left is None or left > takeover):
            yield Job(profile, STRATEGIC, "csm", profile.first_paid, takeover)
            yield Job(profile, OVERLOADED, "csm", takeover, left)
        else:
            yield Job(profile, profile.csm, "csm", profile.first_paid, left)
    if profile.segment.large and life.contracts:
        yield Job(profile, RENEWALS, "renewals", profile.first_paid, left)
