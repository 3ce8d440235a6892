"""Measures of what customers' texts sound like: of each account over 90 days, and of the firm. A text that was not scored counts in the share alone."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.company import RATIO, SHARE, Company, Items
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value, ifelse, literal, ratio

QUARTER = 90  # days
SOURCES = ("text_sentiments",)


def heard(rows: Table, day: Value) -> Value:
    """What is known of a text on a day: a person's word, else the customer's own number on the same conversation, else its words."""
    nothing = literal(None, "int64")
    corrected, rated = ifelse(rows.corrected_d <= day, rows.corrected, nothing), ifelse(rows.rated_d <= day, rows.rated, nothing)
    return corrected.fill_null(rated).fill_null(rows.level)


def texts(spine: Spine, records: Records) -> Table:
    """Texts of 90 days and how they sound, as it was known on the day. Grain: account_id x d."""
    seen = spine.within(records["texts"], "on_d", QUARTER)
    told = heard(seen, seen.d)
    return seen.group_by("account_id", "d").agg(
        texts_90d=seen.count().cast("float64"), texts_scored_90d=told.count().cast("float64"), texts_bad_90d=(told == -1).sum().cast("float64"),
        text_sentiment_90d=ratio(told.sum(), told.count()),
    )  # fmt: skip


def written(records: Records) -> Table:
    """Texts on their day. Grain: text."""
    rows = records["texts"]  # of a period: what was not known by its end is hidden already
    told = rows.corrected.fill_null(rows.rated).fill_null(rows.level)
    return rows.select("account_id", "on_d", "kind", level=told.cast("float64"), item=literal(None, "int64"))


def _known(rows: Table) -> Value:
    return ifelse(rows.level.notnull(), literal(1.0), literal(None, "float64"))


of_texts = partial(Measure, motion="adopt", kind="number", sources=SOURCES, leading=True, method="sentiment")
FAMILIES = (
    Family("texts", "texts", texts, (
        of_texts("texts_90d", "Texts, 90 days", "texts", "notes, touches, tickets and survey answers of 90 days that have a text", zero=True, leading=None),
        of_texts("texts_scored_90d", "Texts with a sentiment, 90 days", "texts", "those of them of which it is known how they sound", zero=True, leading=None),
        of_texts("texts_bad_90d", "Texts that sound bad, 90 days", "texts", "those of them that sound bad", zero=True, better="down"),
        of_texts("text_sentiment_90d", "Sentiment of texts, 90 days", "", "mean of how the texts of 90 days sound, good 1, neutral 0, bad -1: by a person's "
            "correction, else the customer's CSAT or NPS on the same conversation, else their words (VADER, English, without courtesies)", better="up"),
    )),
)  # fmt: skip
DERIVED = (
    Derived(
        of_texts("texts_scored_share", "Texts with a sentiment", "%", "texts of 90 days of which it is known how they sound over all texts of 90 days",
            leading=None, better="up"),
        ("texts_scored_90d", "texts_90d"), lambda facts: ratio(facts.texts_scored_90d, facts.texts_90d),
    ),
)  # fmt: skip
ITEMS = (Items("texts", "text", "texts", written, dimensions={"kind": "Kind"}),)
of_firm = partial(of_texts, grain="company", leading=None, better="up")
COMPANY = (
    Company(of_firm("text_sentiment", "Sentiment of texts", "", "mean of how the texts of the period sound: good 1, neutral 0, bad -1", leading=True), "texts",
        lambda rows: rows.level, _known, RATIO),
    Company(of_firm("texts_scored", "Texts with a sentiment, firm", "%", "texts of the period of which it is known how they sound over all of its texts"),
        "texts", lambda rows: rows.level.notnull().cast("float64"), lambda rows: literal(1.0, "float64"), SHARE),
)  # fmt: skip
