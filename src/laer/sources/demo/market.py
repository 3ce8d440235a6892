"""What the invented firm sells, to whom, and by whom: products, segments and the ten people.

Northmoor sells work planning to operations teams. No person, product or figure here is real.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

FIRM = "Northmoor"
PLANS = ("Starter", "Growth", "Scale")
PLAN_PRICE = {"Starter": Decimal(36), "Growth": Decimal(54), "Scale": Decimal(78)}
MONTHS = {"monthly": 1, "quarterly": 3, "annual": 12}


@dataclass(frozen=True)
class Product:
    """price: list price of a seat and month (of the Growth plan, where there are plans); margin: gross margin in percent."""

    key: str
    name: str
    family: str
    price: Decimal
    margin: Decimal


PLANNER = Product("PRD-01", "Northmoor Planner", "Core platform", PLAN_PRICE["Growth"], Decimal(81))
FIELD = Product("PRD-02", "Northmoor Field", "Core platform", Decimal(16), Decimal(78))
INSIGHTS = Product("PRD-03", "Insights", "Add-ons", Decimal(9), Decimal(84))
AUTOMATIONS = Product("PRD-04", "Automations", "Add-ons", Decimal(12), Decimal(82))
PREMIUM = Product("PRD-05", "Premium Support", "Add-ons", Decimal(7), Decimal(46))
PRODUCTS = (PLANNER, FIELD, INSIGHTS, AUTOMATIONS, PREMIUM)
EXTRAS = (FIELD, INSIGHTS, AUTOMATIONS, PREMIUM)


@dataclass(frozen=True)
class Segment:
    """One kind of customer.

    share      of the accounts that ever paid
    seats      smallest and largest first order; `skew` above 1 makes small ones more frequent
    price      factor on the list price (the volume price book)
    churn      share of ordinary accounts lost in a year
    terms      months of a first contract and their weights; 0 is month to month, without a contract
    intervals  how a contract is billed, and weights; month to month is billed monthly
    plans      weights of Starter, Growth and Scale
    extras     appetite for add-ons
    tickets    a year
    features   fewest and most of the platform's features in use
    daily      share of the working days on which a feature is used
    """

    name: str
    share: float
    seats: tuple[int, int]
    skew: float
    price: Decimal
    employees: tuple[int, int]
    churn: float
    terms: tuple[tuple[int, ...], tuple[int, ...]]
    intervals: tuple[tuple[str, ...], tuple[int, ...]]
    plans: tuple[int, int, int]
    auto_renews: float
    extras: float
    tickets: float
    features: tuple[int, int]
    daily: float

    @property
    def large(self) -> bool:
        return self.name in ("Enterprise", "Mid-market")


SEGMENTS = (
    Segment(
        "Enterprise",
        share=0.10,
        seats=(120, 560),
        skew=1.9,
        price=Decimal("0.82"),
        employees=(2200, 19000),
        churn=0.07,
        auto_renews=0.35,
        extras=0.42,
        terms=((12, 24, 36), (50, 25, 25)),
        intervals=(("annual", "quarterly"), (85, 15)),
        plans=(0, 45, 55),
        tickets=13.0,
        features=(4, 5),
        daily=0.80,
    ),
    Segment(
        "Mid-market",
        share=0.26,
        seats=(32, 130),
        skew=1.6,
        price=Decimal("0.95"),
        employees=(260, 2100),
        churn=0.11,
        auto_renews=0.55,
        extras=0.26,
        terms=((12, 24, 36), (74, 20, 6)),
        intervals=(("annual", "quarterly", "monthly"), (60, 25, 15)),
        plans=(15, 60, 25),
        tickets=6.5,
        features=(3, 4),
        daily=0.55,
    ),
    Segment(
        "SMB",
        share=0.37,
        seats=(9, 42),
        skew=1.6,
        price=Decimal("1.00"),
        employees=(28, 250),
        churn=0.20,
        auto_renews=0.75,
        extras=0.14,
        terms=((0, 12, 24), (35, 60, 5)),
        intervals=(("monthly", "annual", "quarterly"), (40, 48, 12)),
        plans=(50, 42, 8),
        tickets=3.0,
        features=(2, 3),
        daily=0.36,
    ),
    Segment(
        "Startup",
        share=0.27,
        seats=(3, 20),
        skew=1.4,
        price=Decimal("0.90"),
        employees=(4, 60),
        churn=0.29,
        auto_renews=0.80,
        extras=0.08,
        terms=((0, 12), (72, 28)),
        intervals=(("monthly", "annual"), (50, 50)),
        plans=(70, 27, 3),
        tickets=1.6,
        features=(2, 2),
        daily=0.27,
    ),
)


@dataclass(frozen=True)
class Person:
    key: str
    name: str
    job: str

    @property
    def email(self) -> str:
        return f"{self.name.lower().replace(' ', '.')}@northmoor.example"


@dataclass(frozen=True)
class Seller:
    """How an AE sells.

    share      of the deals
    fit        parameters of the beta distribution from which the fit of the accounts comes
    discounted share of the deals with a discount
    percent    range of the discount
    """

    person: Person
    share: float
    fit: tuple[float, float]
    discounted: float
    percent: tuple[int, int]


LEAD = Person("PER-01", "Helena Vestergaard", "CS lead")
RENEWALS = Person("PER-02", "Farid Benhaddou", "Renewals manager")
# Sells well: little discount, customers who fit. Sells by discount: customers who leave. Sells as most do.
EXCELLENT = Seller(Person("PER-03", "Ines Carvalhal", "AE"), 0.36, (6.0, 2.6), 0.22, (5, 10))
DISCOUNTER = Seller(Person("PER-04", "Brett Callister", "AE"), 0.25, (2.6, 4.6), 0.88, (25, 45))
ORDINARY = Seller(Person("PER-05", "Daniel Okonjo", "AE"), 0.39, (4.2, 3.2), 0.42, (5, 20))
SELLERS = (EXCELLENT, DISCOUNTER, ORDINARY)
STRATEGIC = Person("PER-06", "Priya Raghavan", "CSM")  # few large accounts
EUROPE_LARGE = Person("PER-07", "Jonas Feldkamp", "CSM")  # large accounts in Europe
EUROPE_MID = Person("PER-08", "Camille Roussin", "CSM")  # mid-market in Europe
OVERLOADED = Person("PER-09", "Marcus Adebayor", "CSM")  # far too many accounts
SCALED = Person("PER-10", "Yuki Tanimoto", "CSM")  # startups, by programmes rather than by calls
PEOPLE = (LEAD, RENEWALS, EXCELLENT.person, DISCOUNTER.person, ORDINARY.person, STRATEGIC, EUROPE_LARGE, EUROPE_MID, OVERLOADED, SCALED)


def csm_of(segment: str, region: str) -> Person:
    """Whose book an account belongs to; the books differ in size on purpose."""
    if segment == "Enterprise":
        return EUROPE_LARGE if region == "EMEA" else STRATEGIC
    if segment == "Mid-market":
        return {"EMEA": EUROPE_MID, "North America": OVERLOADED}.get(region, EUROPE_LARGE)
    if segment == "SMB":
        return SCALED if region in ("APAC", "LATAM") else OVERLOADED
    return SCALED
