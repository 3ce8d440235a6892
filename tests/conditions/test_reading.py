"""Lines and YAML are read as one tree, or everything that is wrong with them is named with its place."""

from __future__ import annotations

from datetime import date

import pytest

from laer.conditions import tree
from laer.conditions.faults import FAULTS, ConditionFault, Fault
from laer.conditions.reading import parse, parse_yaml, read
from laer.conditions.tree import All, Any, Derived, Not, derived, derived_test, references
from tests.conditions.made import WORDS

T = tree.Test


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("users <= 3", T("users", "<=", 3)),
        ("users ≥ 3", T("users", ">=", 3)),
        ("trend <= -0.3", T("trend", "<=", -0.3)),
        ("trend <= -30 %", T("trend", "<=", -0.3)),
        ("trend < 29%", T("trend", "<", 0.29)),
        ("mrr between 500 and 2000", T("mrr", "between", (500, 2000))),
        ("mrr >= 12,500.50", T("mrr", ">=", 12500.5)),
        ("mrr >= 1_000_000", T("mrr", ">=", 1_000_000)),
        ("users in (1, 2, 2)", T("users", "in", (1, 2))),
        ("silence > 2 weeks", T("silence", ">", 14)),
        ("silence > 30", T("silence", ">", 30)),
        ("segment = SMB", T("segment", "=", "SMB")),
        ("segment is smb", T("segment", "=", "SMB")),
        ("segment is not SMB", T("segment", "!=", "SMB")),
        ("segment in (SMB, mid-market)", T("segment", "in", ("SMB", "Mid-market"))),
        ("segment not in (SMB)", Not(T("segment", "in", ("SMB",)))),
        ('industry = "Health care"', T("industry", "=", "Health care")),
        ("industry = 'say ''no'''", T("industry", "=", "say 'no'")),
        ("industry = 2024", T("industry", "=", "2024")),
        ("industry = yes", T("industry", "=", "yes")),
        ("industry contains care", T("industry", "contains", "care")),
        ("industry is known", T("industry", "known")),
        ("industry is not known", T("industry", "unknown")),
        ("industry is unknown", T("industry", "unknown")),
        ("escalated", T("escalated", "=", True)),
        ("not escalated", Not(T("escalated", "=", True))),
        ("escalated = no", T("escalated", "=", False)),
        ("renewal_on within 90 d", T("renewal_on", "within", 90)),
        ("renewal_on within last 2 weeks", T("renewal_on", "within last", 14)),
        ("renewal_on older than 1 month", T("renewal_on", "older", 30)),
        ("renewal_on not within 1 year", Not(T("renewal_on", "within", 365))),
        ("renewal_on before 2027-01-01", T("renewal_on", "<", date(2027, 1, 1))),
        ("renewal_on after 2027-01-01", T("renewal_on", ">", date(2027, 1, 1))),
        ("renewal_on >= 2027-01-01", T("renewal_on", ">=", date(2027, 1, 1))),
        ("users fell by 20 % in 14 d", derived_test(Derived("change", "users", 14), "<=", -0.2)),
        ("mrr rose by 500 in 1 month", derived_test(Derived("difference", "mrr", 30), ">=", 500)),
        ("users < 40 for 2 weeks", derived_test(Derived("duration", "users", 14, test=T("users", "<", 40)))),
        ("escalated for 3 d", derived_test(Derived("duration", "escalated", 3, test=T("escalated", "=", True)))),
        ("no touch in 45 d", derived_test(Derived("absence", "touch", 45))),
        ("login at least 3 times in 7 d", derived_test(Derived("count", "login", 7), ">=", 3)),
        ("login exactly 1 time in 7 d", derived_test(Derived("count", "login", 7), "=", 1)),
        ("any champion", derived_test(Derived("related", "champion"))),
        ("no champion", Not(derived_test(Derived("related", "champion")))),
        ("any champion without login in 30 d", derived_test(Derived("related", "champion", 30, "login", False))),
        ("no champion with login in 30 d", Not(derived_test(Derived("related", "champion", 30, "login", True)))),
    ],
)  # fmt: skip
def test_a_line_is_read(line: str, expected: tree.Condition) -> None:
    assert parse(line, WORDS) == expected


def test_and_binds_more_than_or_and_not_more_than_and() -> None:
    a, b, c = T("users", "=", 1), T("users", "=", 2), T("users", "=", 3)
    assert parse("users = 1 or users = 2 and users = 3", WORDS) == Any((a, All((b, c))))
    assert parse("(users = 1 or users = 2) and users = 3", WORDS) == All((Any((a, b)), c))
    assert parse("not users = 1 and users = 2", WORDS) == All((Not(a), b))
    assert parse("not (users = 1 or users = 2)", WORDS) == Not(Any((a, b)))
    assert parse("mrr between 1 and 2 and users = 3", WORDS) == All((T("mrr", "between", (1, 2)), c))


def test_a_list_is_all_and_mappings_say_which() -> None:
    a, b, c = T("users", "=", 1), T("users", "=", 2), T("escalated", "=", True)
    assert parse(["users = 1", "users = 2"], WORDS) == All((a, b))
    assert parse_yaml("all:\n- users = 1\n- any: [users = 2, escalated]\n- not: [escalated, users = 2]\n", WORDS) == All((a, Any((b, c)), Not(All((c, b)))))
    assert parse_yaml("any: [users = 1, users = 2]\nnot: escalated", WORDS) == All((Any((a, b)), Not(c)))
    assert parse([["users = 1"], ["users = 2", ["users = 1"]]], WORDS) == All((a, b, a))


def faults(data: object) -> list[str]:
    return [str(fault) for fault in read(data, WORDS)[1]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("user > 3", "column 1: no field user; there is: users"),
        ("xyz > 3", "column 1: no field xyz; there is: escalated, industry, mrr, renewal_on, segment, silence, trend, users"),
        ("segment < 3", "column 9: < does not go with segment (text); what does: =, !=, in, contains, known, unknown"),
        ("users contains 3", "column 7: contains does not go with users (number); what does: =, !=, <, <=, >, >=, between, in, known, unknown"),
        ("users before 3", "column 7: before does not go with users (number); what does: =, !=, <, <=, >, >=, between, in, known, unknown"),
        ("users > many", "column 9: many is no value for users (number); write it like 12, 0.5 or -30 %"),
        ("renewal_on > 3", "column 14: 3 is no value for renewal_on (date); write it like 2027-01-31"),
        ("renewal_on before 2027-02-30", "column 19: no such day: 2027-02-30"),
        ("escalated = maybe", "column 13: maybe is no value for escalated (flag); write it like yes or no"),
        ("segment = Midmarket", "column 11: Midmarket is no value of segment; there is: Mid-market"),
        ("segment in (SMB, Small)", "column 18: Small is no value of segment; there is: Enterprise, Mid-market, SMB"),
        ("industry = Health care", "column 19: found care behind a value; a value of several words stands in quotes"),
        ('industry = "Health', "column 12: a quote that does not end"),
        ("users = 1.000,50", "column 14: found ,; expected and, or, or the end"),
        ("users in (1,200)", "column 11: 1,200 could be one number or two; write a list without thousands separators"),
        ("mrr > 5 %", "column 7: mrr is counted in money; % goes with a plain number or a rate"),
        ("users > 5 d", "column 11: found d; expected and, or, or the end"),
        ("mrr between 5 and 2", "column 19: the first value of between is above the second: 5, 2"),
        ("renewal_on within 90", "column 21: found the end; expected d, weeks, months or years"),
        ("renewal_on within 1.5 weeks", "column 19: found 1.5; expected a whole number"),
        ("renewal_on within 200 years", "column 19: 73000 is no number of days from 0 to 36500"),
        ("segment fell by 3 in 7 d", "column 9: only a number or an amount of money can fall or rise; segment is of kind text"),
        ("users fell by 3 in 9 years", "column 15: 3285 is no number of days from 1 to 1100"),
        ("users fell by -3 in 7 d", "column 7: the column users__difference_7d cannot be asked like this"),
        ("no tuch in 45 d", "column 4: no record tuch; there is: touch"),
        ("any champ without login in 3 d", "column 5: no related kind champ; there is: champion"),
        ("any champion without logins in 3 d", "column 22: no record logins; there is: login"),
        ("login 3 times in 7 d", "column 7: found 3; expected at least, at most, more than, fewer than or exactly"),
        ("renewal_on within 90 d for 2 weeks", "column 24: for a while goes with a test of a field itself, not with within"),
        ("no touch in 3 d for 2 weeks", "column 17: found for; expected and, or, or the end"),
        ("segment not in (SMB) for 2 weeks", "column 22: for a while goes with a test of a field itself, not with not"),
        ("users", "column 6: found the end; expected is, in, not in, between, contains, before, after, within, older than, fell by, rose by, or one of = != < <= > >="),
        ("users > 3)", "column 10: found ); expected and, or, or the end"),
        ("(users > 3", "column 11: found the end; expected )"),
        ("users > ", "column 9: found the end; expected a value"),
        ("users > 3 and", "column 14: found the end; expected a field, a record, not, no, any or ("),
        ("users > 3; drop", "column 10: ';' has no meaning here"),
        ("", "nothing to ask: an empty condition is neither true nor false"),
        ("users = " + "9" * 30, "column 9: 999999999999999999999999999999 is no value for users (number); write it like 12, 0.5 or -30 %"),
        ("users = " + "9" * 3_000, "3008 characters; at most 2000 are read"),
        ("(" * 500, "column 14: more than 12 of all, any and not within one another"),
        ("not " * 400 + "escalated", "column 53: more than 12 of all, any and not within one another"),
    ],
)  # fmt: skip
def test_a_fault_names_its_place_and_what_there_is(line: str, expected: str) -> None:
    assert faults(line)[0] == expected


def test_all_faults_come_at_once() -> None:
    found = faults({"any": ["user > 3 and (segmnt = SMB or users > many) and mrr > 1", {"all": ["no tuch in 3 d"]}], "not": 3})
    assert found == [
        "any[0], column 1: no field user; there is: users",
        "any[0], column 15: no field segmnt; there is: segment",
        "any[0], column 39: many is no value for users (number); write it like 12, 0.5 or -30 %",
        "any[1].all[0], column 4: no record tuch; there is: touch",
        "not: found 3; a condition is a line of text, a list, or a mapping with all, any or not",
    ]


def test_structure_that_means_nothing_is_named() -> None:
    assert faults({"users": 3}) == ["found users; a condition is a line of text, a list, or a mapping with all, any or not"]
    assert faults([]) == faults({}) == faults(None) == ["nothing to ask: an empty condition is neither true nor false"]
    assert faults({"any": []}) == ["any: nothing to ask: an empty condition is neither true nor false"]
    assert faults(["users = 1", True]) == ["[1]: found True; a condition is a line of text, a list, or a mapping with all, any or not"]


def test_input_is_bounded() -> None:
    assert faults(["escalated"] * 101) == ["more than 100 tests in one condition"]
    assert not faults(["escalated"] * 100)
    assert len(faults(["nothing"] * 100_000)) <= 502
    deep: object = "escalated"
    for _ in range(13):
        deep = {"any": ["escalated", {"all": ["escalated", deep]}]}
    assert "more than 12 of all, any and not within one another" in faults(deep)[-1]
    laughs = "a: &a [escalated, escalated]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\n"
    with pytest.raises(ConditionFault, match="found a, b, c, d"):
        parse_yaml(laughs, WORDS)
    many: object = ["escalated"] * 9
    for _ in range(8):
        many = [many] * 9
    assert faults(many)[-1].endswith("more than 100 tests in one condition")
    for text, words in (("&a [*a]", "more than 12"), ("[" * 15_000, "not readable"), ("a: [", "not readable"), ("- 2027-02-30", "not readable"), ("x" * 30_000, "30000 characters")):
        with pytest.raises(ConditionFault, match=words):
            parse_yaml(text, WORDS)


def test_what_the_pass_must_make_is_listed_once() -> None:
    line = "users fell by 20 % in 14 d and (no touch in 45 d or no touch in 45 d) and users < 40 for 2 weeks and segment = SMB"
    condition = parse(line, WORDS)
    assert [one.id for one in derived(condition)] == ["users__change_14d", "touch__none_45d", "users__lt_40__for_14d"]
    assert references(condition) == {"users__change_14d", "touch__none_45d", "users__lt_40__for_14d", "segment"}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("mrr rose by 500 in 30 d", "mrr__difference_30d"),
        ("login at least 3 times in 7 d", "login__count_7d"),
        ("any champion", "champion__any"),
        ("any champion without login in 30 d", "champion__any_without_login_30d"),
        ("trend <= -0.3 for 7 d", "trend__le_m0p3__for_7d"),
        ("renewal_on before 2027-01-01 for 7 d", "renewal_on__lt_20270101__for_7d"),
        ("escalated for 7 d", "escalated__eq_yes__for_7d"),
        ("users is unknown for 7 d", "users__unknown__for_7d"),
        ("segment = SMB for 7 d", "segment__eq_smb_6159fec9__for_7d"),
    ],
)
def test_a_derived_column_has_a_stable_name(line: str, name: str) -> None:
    assert [one.id for one in derived(parse(line, WORDS))] == [name]


def test_two_tests_share_no_name() -> None:
    lines = ["industry = smb", "industry = SMB", 'industry = "s m"', "industry = s_m", "industry in (s, m)", "industry = " + "x" * 60, "industry = " + "x" * 61]
    names = {derived(parse(f"{line} for 7 d", WORDS))[0].id for line in lines}
    assert len(names) == len(lines)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for name in names)


def test_a_fault_is_a_code_with_its_words() -> None:
    (fault,) = read("user > 3", WORDS)[1]
    assert fault == Fault("no_field", {"found": "user", "exist": "users"}, "", 1)
    assert fault.text == FAULTS["no_field"] % fault.params
