"""The closed syntax of mails: what may stand in braces, what becomes of it, and that nothing of it is ever read twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle.definitions import KINDS, read, shipped
from laer.plays.mail_template import NAMES, VALUE, MailTemplate, Missing, as_html, filled
from laer.web.book.definitions import shipped_texts

TEXTS = {name: text for (kind, name), text in shipped_texts().items() if kind == "mail_template"}


def faults(body: str, more: str = "") -> list[str]:
    return [str(fault) for fault in read("mail_template", f"id: x\nname: X\nsubject: Hi\nbody: {body}\n{more}", shipped()).faults]


def test_an_unknown_name_says_what_there_is() -> None:
    (fault,) = faults('"Hello {contact.firstname}"')
    assert fault.startswith("line 4: body: no placeholder {contact.firstname}; there is: account.name, account.domain, contact.name")
    assert "renewal.date" in fault


def test_a_value_must_be_named_with_an_example_and_said() -> None:
    assert "values does not name fact" in faults('"See {value.fact}"')[0]
    assert faults('"See {value.fact}"', "values: {fact: it works}") == []
    assert "nothing in the text says {value.fact}" in faults('"See"', "values: {fact: it works}")[0]


@pytest.mark.parametrize("body", ["{account.name", "a } b", "{{account.name}}", "{account.__class__}", "{0}", "{}", "{account.name!r}", "{account.name:>10}"])
def test_nothing_else_stands_in_braces(body: str) -> None:
    assert faults(f"'{body}'")


def test_what_is_unknown_takes_its_place_or_is_missing() -> None:
    assert filled("Hello {contact.first_name|there}", {}) == "Hello there"
    assert filled("Hello {contact.first_name|there}", {"contact.first_name": "Jo"}) == "Hello Jo"
    with pytest.raises(Missing) as missing:
        filled("{account.name} {renewal.date} {owner.name|us}", {"account.name": "Willow"})
    assert missing.value.names == ("renewal.date",)


@given(st.text(max_size=40))
def test_what_is_filled_in_is_never_read_again_and_never_html(text: str) -> None:
    body = filled("{account.name|x}", {"account.name": text, "contact.name": "SECRET"})
    assert body == (text or "x")
    assert "<script" not in as_html(body).lower().replace("&lt;script", "")


def test_plain_text_becomes_paragraphs_lists_and_links() -> None:
    made = as_html("Hello <b>,\n\n- one\n- two & three\n\nSee https://laer.example/a?b=1&c=2.\nBye")
    assert made == (
        "<p>Hello &lt;b&gt;,</p>\n<ul><li>one</li><li>two &amp; three</li></ul>\n"
        '<p>See <a href="https://laer.example/a?b=1&amp;c=2">https://laer.example/a?b=1&amp;c=2</a>.<br>Bye</p>'
    )


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_each_that_ships_reads_and_is_short_and_without_hype(name: str) -> None:
    found = read("mail_template", TEXTS[name], shipped(), name)
    assert found.faults == ()
    of: MailTemplate = found.document
    text = filled(of.body, NAMES | {VALUE + key: value for key, value in of.values.items()})
    assert 30 < len(text.split()) < 130
    assert not [word for word in ("excited", "delighted", "amazing", "synergy", "touch base", "just checking", "reach out", "!") if word in text.casefold()]


def test_the_kind_is_there() -> None:
    assert KINDS["mail_template"].folder == "mail_templates"
    assert len(TEXTS) >= 10
