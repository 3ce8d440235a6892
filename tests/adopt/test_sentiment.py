"""Sentiment of a text: the worked example of docs/methods/sentiment.md, courtesies, languages, ratings."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.adopt.courtesy import without_courtesy
from laer.adopt.languages import is_english
from laer.adopt.sentiment import BAD, GOOD, LANGUAGE, NEUTRAL, NOTHING, Heard, hear, rated

EXAMPLE = """Hi team,

Thanks for your help last week.
Our export has failed three times since Monday and the monthly report is wrong. The new dashboard is good.

Best regards,
Anna
Head of the great, happy and wonderful team
"""
SENTENCES = (
    "The export has failed again.", "We are very happy with the new dashboard.", "Nobody answered our question for a week.", "The meeting is on Tuesday.",
    "It is not bad, but the support was terrible.", "This release is the best one so far!",
)  # fmt: skip
BEFORE = ("Hi Anna,\n", "Dear team,\n\nI hope you are well. ", "Good morning everyone,\n", "Hello, ", "Thanks for your mail. ", "")
AFTER = ("\n\nMany thanks!", " Thank you in advance.", "\nLooking forward to hearing from you.\n\nKind regards,\nJon", "\nHave a great weekend!", "\nCheers", "")


def test_the_example_of_the_page() -> None:
    failed_and_wrong = (-2.3 - 2.1) / sqrt(4.4**2 + 15)  # -0.7506
    good = 1.9 / sqrt(1.9**2 + 15)  # 0.4404
    heard = hear(EXAMPLE)
    assert heard.score == pytest.approx((failed_and_wrong + good) / 2, abs=1e-4)
    assert (heard.score, heard.level) == (-0.1551, BAD)


@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4), st.sampled_from(BEFORE), st.sampled_from(AFTER))
@settings(max_examples=60, deadline=None)
def test_courtesies_change_no_score(said: list[str], before: str, after: str) -> None:
    text = " ".join(said)
    assert hear(before + text + after) == hear(text)


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_has_a_score_between_its_ends_or_none_with_a_reason(text: str) -> None:
    heard = hear(text)
    assert (heard.score is None) == (heard.why in (LANGUAGE, NOTHING)) == (heard.level is None)
    assert heard.score is None or -1 <= heard.score <= 1


def test_a_longer_sentence_keeps_what_it_says_beside_its_thanks() -> None:
    assert without_courtesy("Thank you for fixing this, but the import is still broken and our team cannot work.") == [
        "for fixing this, but the import is still broken and our team cannot work."
    ]
    assert without_courtesy("Hi Anna, the export fails") == ["the export fails"]


def test_what_is_quoted_and_below_a_signature_is_left_out() -> None:
    assert without_courtesy("It works now.\n\nBest,\nJon\nI hate signatures\n") == ["It works now."]
    assert without_courtesy("It works now.\n> It is broken\n\nOn Monday, 3 May, Anna wrote:\nIt is terrible") == ["It works now."]
    assert without_courtesy("Thanks!") == []


@pytest.mark.parametrize(("text", "why"), [
    ("Die Rechnung ist falsch und niemand antwortet uns", LANGUAGE), ("Le rapport est faux et personne ne répond", LANGUAGE), ("El informe no funciona", LANGUAGE),
    ("De export werkt niet en niemand antwoordt", LANGUAGE), ("Raporty nie są dobre i to jest problem", LANGUAGE), ("ログインできません", LANGUAGE), ("Не могу войти", LANGUAGE),
    ("Rechnung falsch", LANGUAGE), ("Many thanks!", NOTHING), ("10/10", NOTHING), ("", NOTHING),
])  # fmt: skip
def test_what_is_not_english_or_says_nothing_is_not_scored(text: str, why: str) -> None:
    assert hear(text) == Heard(None, why)


def test_what_is_english_and_says_nothing_good_or_bad_is_neutral() -> None:
    assert hear("Cannot log in") == Heard(0.0)
    assert hear("The meeting is on Tuesday.").level == NEUTRAL
    assert hear("Login broken").level == BAD  # two words without a small one, of which the lexicon knows one
    assert (is_english("Login broken"), is_english("The login is broken"), is_english("Anmeldung ist kaputt")) == (None, True, False)


@pytest.mark.parametrize(("kind", "score", "said"), [
    ("csat", 5, GOOD), ("CSAT", 4, GOOD), ("csat", 3, NEUTRAL), ("csat", 1, BAD), ("nps", 10, GOOD), ("NPS", 8, NEUTRAL), ("nps", 6, BAD), ("nps", 0, BAD),
    ("csat", 87, None), ("csat", 0, None), ("ces", 7, None), ("nps", None, None),
])  # fmt: skip
def test_a_number_of_the_customers_counts_on_its_own_scale_only(kind: str, score: int | None, said: int | None) -> None:
    assert rated(kind, score) == said
