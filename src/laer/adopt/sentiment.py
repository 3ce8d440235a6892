"""Sentiment of a text: how the words of a customer's note, mail, ticket or answer sound, without the courtesies around them.

Method  docs/methods/sentiment.md
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from laer.adopt.courtesy import without_courtesy
from laer.adopt.languages import is_english

MAKING = 1  # of this formula: texts that another one scored are scored anew
GOOD_ABOVE, BAD_BELOW = 0.35, -0.05  # learned on labelled sentences: docs/methods/sentiment.md
LONGEST = 20_000  # characters that are read: of a longer text the beginning
LANGUAGE, NOTHING = "language", "nothing"
GOOD, NEUTRAL, BAD = 1, 0, -1


@dataclass(frozen=True)
class Heard:
    """score: -1 (bad) to 1 (good), None where it is not scored;  why: LANGUAGE (not English) or NOTHING (only courtesies), else empty"""

    score: float | None
    why: str = ""

    @property
    def level(self) -> int | None:
        """GOOD, NEUTRAL or BAD; None where it is not scored."""
        return None if self.score is None else level_of(self.score)


def level_of(score: float) -> int:
    return GOOD if score > GOOD_ABOVE else BAD if score < BAD_BELOW else NEUTRAL


def hear(text: str) -> Heard:
    """Score a text: the mean of its sentences' scores by VADER, of those that say something; 0 where none does.

    Grain   one text
    Out     score from -1 to 1, to four places; None where it is not English or has nothing but courtesies
    Holds   a courtesy that is put before or after a text does not change its score
    Method  docs/methods/sentiment.md
    """
    sentences = without_courtesy(text[:LONGEST])
    if not sentences:
        return Heard(None, NOTHING)
    english = is_english(" ".join(sentences))
    if english is False:
        return Heard(None, LANGUAGE)
    said = [score for score in map(_scorer(), sentences) if score]
    if not said:
        return Heard(0.0) if english else Heard(None, LANGUAGE)
    return Heard(round(sum(said) / len(said), 4))


def rated(kind: str, score: Decimal | float | None) -> int | None:
    """What a customer's own number says: CSAT of 1 to 5 (4 and more is good, 3 neutral), NPS of 0 to 10 (9 and more good, 7 and more neutral).

    None where there is no number, for another kind, or where the number is not of that scale.
    """
    scale = {"csat": (1, 5, 4, 3), "nps": (0, 10, 9, 7)}.get(kind.strip().casefold())
    if score is None or scale is None or not scale[0] <= score <= scale[1]:
        return None
    return GOOD if score >= scale[2] else NEUTRAL if score >= scale[3] else BAD


@cache
def _scorer() -> Callable[[str], float]:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # reads its lexicon: not before the first text

    analyzer = SentimentIntensityAnalyzer()
    return lambda sentence: float(analyzer.polarity_scores(sentence)["compound"])
