"""Fields to ask about, and conditions and rows made at random over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from laer.conditions import tree
from laer.conditions.checking import OPERATORS, Vocabulary
from laer.conditions.tree import COMPARISONS, DAY_COUNTS, PRESENCE, Condition, Derived, derived_test

TODAY = date(2026, 11, 22)


@dataclass(frozen=True)
class Fact:
    id: str
    kind: str
    label: str
    unit: str = ""
    words: tuple[str, ...] = ()


FIELDS = {
    one.id: one
    for one in (
        Fact("users", "number", "Active users"),
        Fact("trend", "number", "Usage trend", "%"),
        Fact("silence", "number", "Silence", "days"),
        Fact("mrr", "money", "MRR"),
        Fact("segment", "text", "Segment", words=("SMB", "Mid-market", "Enterprise")),
        Fact("industry", "text", "Industry"),
        Fact("escalated", "flag", "Escalated"),
        Fact("renewal_on", "date", "Renewal"),
    )
}
WORDS = Vocabulary(FIELDS, {"touch": "touch", "login": "login", "ticket": "support ticket"}, {"champion": "champion", "contract": "contract"})

NUMBERS: list[int | float] = [-2.5, -1, -0.3, 0, 0.1, 0.25, 1, 1.5, 3, 499, 500, 500.5, 1_000_000, 10**15]
TEXTS = ["SMB", "smb", "Health care", "Größe", "GRÖSSE", "İzmir", "a%b", "a_b", 'say "no"', "o'clock", "yes", "2024", "and", "\\", "日本"]
DAYS = [TODAY + timedelta(days=n) for n in (-400, -91, -90, -46, -45, -44, -1, 0, 1, 89, 90, 91, 400)]
VALUES: dict[str, list[Any]] = {
    "users": [0, 1, 3, 500, 10**15, -1],
    "trend": [*map(float, NUMBERS)],
    "silence": [0, 30, 45],
    "mrr": [0, 500, 499, 1_000_000],
    "segment": ["SMB", "Mid-market", "Enterprise"],
    "industry": ["", *TEXTS],
    "escalated": [True, False],
    "renewal_on": DAYS,
}


def rows(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Rows of facts; a quarter of the values is unknown."""
    random = Random(seed)
    return [{name: None if random.random() < 0.25 else random.choice(values) for name, values in VALUES.items()} for _ in range(count)]


@st.composite
def field_tests(draw: st.DrawFn, *, lasting: bool = False) -> tree.Test:
    """A test of a field, with any operator that its kind knows."""
    fact = draw(st.sampled_from(list(FIELDS.values())))
    operators = [operator for operator in OPERATORS[fact.kind] if not (lasting and operator in DAY_COUNTS)]
    operator = draw(st.sampled_from(operators))
    one = st.sampled_from({"text": list(fact.words) or TEXTS, "flag": [True, False], "date": DAYS}.get(fact.kind, NUMBERS))
    value: Any = None
    if operator in DAY_COUNTS:
        value = draw(st.sampled_from([0, 1, 45, 90]))
    elif operator == "between":
        value = tuple(sorted(draw(st.tuples(one, one))))
    elif operator == "in":
        value = tuple(draw(st.lists(one, min_size=1, max_size=3, unique=True)))
    elif operator == "contains":
        value = draw(st.sampled_from(["M", "ö", "Ö", "a%", "_", "i", "I", "\\", '"']))
    elif operator in COMPARISONS:
        value = draw(one)
    assert (value is None) == (operator in PRESENCE)
    return tree.Test(fact.id, operator, value)


@st.composite
def derived_tests(draw: st.DrawFn) -> tree.Test:
    """A test of a column that the pass makes."""
    days = draw(st.sampled_from([1, 7, 14, 45]))
    record, number = draw(st.sampled_from(["touch", "login"])), draw(st.sampled_from([0.2, 0.29, 5, 1e-7, 1 / 3]))
    fell = draw(st.booleans())
    match draw(st.sampled_from(["change", "difference", "count", "absence", "related", "any", "duration"])):
        case "change" | "difference" as kind:
            return derived_test(Derived(kind, draw(st.sampled_from(["users", "mrr"])), days), "<=" if fell else ">=", -number if fell else number)
        case "count":
            return derived_test(Derived("count", record, days), draw(st.sampled_from(["=", "<", "<=", ">", ">="])), draw(st.integers(0, 9)))
        case "absence":
            return derived_test(Derived("absence", record, days))
        case "related":
            return derived_test(Derived("related", "champion", days, record, draw(st.booleans())))
        case "any":
            return derived_test(Derived("related", "contract"))
    test = draw(field_tests(lasting=True))
    return derived_test(Derived("duration", test.field, days, test=test))


def conditions(leaves: st.SearchStrategy[tree.Test]) -> st.SearchStrategy[Condition]:
    """Trees over such tests."""

    def grown(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(parts, min_size=1, max_size=3).map(tuple)
        return st.one_of(several.map(tree.All), several.map(tree.Any), parts.map(tree.Not))

    return st.recursive(leaves, grown, max_leaves=8)
