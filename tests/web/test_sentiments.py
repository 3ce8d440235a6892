"""How texts sound: scored once, again where they change, outranked by the customer's number and by a person, and known from their day on."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from laer.web.book.actions import Refused, archive_row, restore_row
from laer.web.book.models import DirtyAccount, FieldChange, Note, SurveyResponse, Ticket
from laer.web.runs import passes, sentiments
from laer.web.runs.jobs import work_once
from laer.web.runs.models import AccountCard, Job
from laer.web.runs.passes import run_waiting_pass
from laer.web.work.models import TextSentiment
from laer.web.work.notes import add_note, edit_note
from laer.web.work.sentiments import correct_sentiment
from laer.web.work.touches import log_touch
from laer.web.work.writing import undo_work
from tests.cast import Cast

BAD, GOOD = "The export is broken again and they are angry.", "They love the new dashboard."


def scored() -> dict[tuple[str, int], TextSentiment]:
    sentiments.score_texts()
    return {(one.kind, one.row): one for one in TextSentiment.objects.filter(archived_at=None)}


def of(cast: Cast, text: str, part: str = "renewing") -> TextSentiment:
    note = add_note(cast.users["csm"], getattr(cast, part).pk, text)
    return scored()["notes", note.pk]


@pytest.mark.django_db
def test_texts_of_all_kinds_are_scored_and_those_without_are_left_alone(cast: Cast) -> None:
    note = add_note(cast.users["csm"], cast.renewing.pk, BAD)
    touch, _ = log_touch(cast.users["csm"], cast.renewing.pk, {"kind": "call", "summary": GOOD})
    silent, _ = log_touch(cast.users["csm"], cast.renewing.pk, {"kind": "call"})
    ticket = Ticket.objects.exclude(subject=None).first()
    answer = SurveyResponse.objects.exclude(comment=None).exclude(comment="").first()
    found = scored()
    assert ticket is not None
    assert (found["notes", note.pk].level, found["touches", touch.pk].level) == (-1, 1)
    assert ("tickets", ticket.pk) in found
    assert ("touches", silent.pk) not in found
    assert answer is None or ("survey_responses", answer.pk) in found


@pytest.mark.django_db
def test_a_text_is_scored_once_and_again_when_it_changes(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    note = add_note(cast.users["csm"], cast.renewing.pk, BAD)
    first = scored()["notes", note.pk]
    heard: list[str] = []
    real = sentiments.hear
    monkeypatch.setattr(sentiments, "hear", lambda text: heard.append(text) or real(text))
    assert sentiments.score_texts() == (set(), False)
    assert heard == []
    edit_note(cast.users["csm"], note.pk, GOOD)
    assert sentiments.score_texts([cast.renewing.pk])[0] == {cast.renewing.pk}
    assert heard == [GOOD]
    again = TextSentiment.objects.get(kind="notes", row=note.pk)
    assert (first.level, again.level, again.pk) == (-1, 1, first.pk)


@pytest.mark.django_db
def test_a_note_that_is_taken_out_counts_no_more_and_does_when_it_is_back(cast: Cast) -> None:
    note = add_note(cast.users["csm"], cast.renewing.pk, BAD)
    scored()
    archive_row(cast.users["csm"], "notes", note.pk)
    assert ("notes", note.pk) not in scored()
    restore_row(cast.users["csm"], "notes", note.pk)
    assert scored()["notes", note.pk].level == -1


@pytest.mark.django_db
def test_a_closed_tickets_satisfaction_is_known_from_its_closing(cast: Cast) -> None:
    opened = timezone.now() - timedelta(days=9)
    ticket = Ticket.objects.create(account=cast.renewing, subject="The report is wrong", opened_at=opened, satisfaction="5", created_at=opened)
    open_ = scored()["tickets", ticket.pk]
    assert (open_.level, open_.rated, open_.rated_on) == (-1, None, None)
    ticket.closed_at = opened + timedelta(days=3)
    ticket.save()
    closed = scored()["tickets", ticket.pk]
    assert (closed.level, closed.rated, closed.rated_on) == (-1, 1, timezone.localtime(ticket.closed_at).date())


@pytest.mark.django_db
def test_a_correction_stays_through_another_text_and_is_taken_back(cast: Cast) -> None:
    row = of(cast, BAD)
    _, change = correct_sentiment(cast.users["csm"], row.pk, "good")
    edit_note(cast.users["csm"], row.row, BAD + " Again.")
    kept = scored()["notes", row.row]
    assert (kept.level, kept.corrected, kept.corrected_by) == (-1, 1, cast.users["csm"])
    assert FieldChange.objects.filter(record="text_sentiments", object_id=row.pk, field="corrected", new=1).exists()
    assert change
    undo_work(cast.users["csm"], change.pk)
    row.refresh_from_db()
    assert (row.corrected, row.corrected_at, row.corrected_by) == (None, None, None)


@pytest.mark.django_db
def test_only_who_may_edit_the_account_corrects_and_only_in_words_that_are_there(cast: Cast) -> None:
    row = of(cast, BAD)
    for who in ("outsider", "viewer"):
        with pytest.raises(PermissionDenied):
            correct_sentiment(cast.users[who], row.pk, "good")
        assert cast.client(who).post(f"/sentiments/{row.pk}/", {"sentiment": "good"}).status_code == 404
    with pytest.raises(Refused, match="expected one of"):
        correct_sentiment(cast.users["csm"], row.pk, "splendid")
    row.refresh_from_db()
    assert row.corrected is None


@pytest.mark.django_db
def test_the_story_shows_it_beside_the_persons_own_word(cast: Cast) -> None:
    touch, _ = log_touch(cast.users["csm"], cast.renewing.pk, {"kind": "call", "summary": BAD, "sentiment": "good"})
    add_note(cast.users["csm"], cast.renewing.pk, "Die Rechnung ist falsch und niemand antwortet")
    row = scored()["touches", touch.pk]
    address = f"/accounts/{cast.renewing.pk}/?tab=feed"
    page = cast.client("csm").get(address).content.decode()
    assert "went well" in page
    assert "sounds bad" in page
    assert "not scored" in page
    assert "not English" in page
    said = cast.client("csm").post(f"/sentiments/{row.pk}/", {"sentiment": "neutral"}, follow=True).content.decode()
    assert "sounds neutral" in said
    assert "said by Maya" in said
    undo = re.search(r"/work/undo/\d+/", said)
    assert undo
    cast.client("csm").post(undo[0])
    assert "sounds neutral" not in cast.client("csm").get(address).content.decode()
    assert f"/sentiments/{row.pk}/" not in cast.client("viewer").get(address).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_pass_knows_how_texts_sound_and_how_many_it_could_not_say(computed: Cast) -> None:
    account = computed.adopting
    for text in (BAD, GOOD, "They are happy.", "Die Rechnung ist falsch und niemand antwortet"):
        add_note(computed.users["csm"], account.pk, text)
    run_waiting_pass()
    facts = facts_of(account.pk)
    assert (facts["texts_90d"], facts["texts_scored_90d"], facts["texts_bad_90d"], facts["texts_scored_share"]) == (4, 3, 1, 0.75)
    assert facts["text_sentiment_90d"] == pytest.approx(1 / 3)
    row = TextSentiment.objects.get(row=Note.objects.get(text=BAD).pk, kind="notes")
    correct_sentiment(computed.users["csm"], row.pk, "good")
    run_waiting_pass()
    assert facts_of(account.pk)["text_sentiment_90d"] == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_too_much_for_a_pass_is_scored_beside_it(computed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentiments, "IN_PASS", 2)
    for text in (BAD, GOOD, "They are happy.", "It is fine."):
        add_note(computed.users["csm"], computed.adopting.pk, text)
    run_waiting_pass()
    assert TextSentiment.objects.filter(account=computed.adopting).count() == 2
    assert Job.objects.filter(kind="sentiment").exists()
    from laer.web.runs.jobs import Worker

    assert work_once(Worker(beside=True))
    assert TextSentiment.objects.filter(account=computed.adopting).count() == 4
    assert DirtyAccount.objects.filter(account_id=computed.adopting.pk).exists()


def facts_of(account_id: int) -> dict[str, Any]:
    facts: dict[str, Any] = AccountCard.objects.get(account_id=account_id).facts
    return facts


@pytest.mark.django_db(transaction=True)
def test_a_pass_over_the_book_reads_the_texts_of_whom_the_log_names_and_of_kinds_that_do_not_add_up(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first = add_note(cast.users["csm"], cast.renewing.pk, GOOD)
    passes.start_pass()
    asked: list[tuple[Any, Any]] = []
    scored = sentiments.score_texts

    def counted(accounts: Any = None, most: Any = None, beat: Any = lambda: None, kinds: Any = None) -> Any:
        asked.append((accounts, kinds))
        return scored(accounts, most, beat, kinds)

    monkeypatch.setattr(sentiments, "score_texts", counted)
    passes.start_pass()
    assert asked == [], "nothing has changed: no text is read"
    Note.objects.create(account=cast.adopting, text=BAD, created_at=timezone.now())
    passes.start_pass()
    assert asked == [(None, ["notes"])], "there is one more than there are scores"
    asked.clear()
    edit_note(cast.users["csm"], first.pk, BAD)
    passes.start_pass()
    assert [accounts for accounts, _ in asked] == [[cast.renewing.pk]]
    assert dict(TextSentiment.objects.filter(archived_at=None).values_list("row", "level"))[first.pk] == -1
