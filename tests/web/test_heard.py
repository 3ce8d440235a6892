"""Of what one is told: kinds of notifications that a person does not want are not made for them."""

from __future__ import annotations

import pytest

from laer.web.work.actions import create_task
from laer.web.work.models import Notification
from laer.web.work.notes import add_note
from tests.cast import Cast


def happen(cast: Cast) -> list[str]:
    lead, csm = cast.users["lead"], cast.people["csm"]
    Notification.objects.all().delete()
    add_note(lead, cast.expanding.pk, f"@{csm.name} look")
    create_task(lead, {"title": "Call them", "assignee": str(csm.pk)}, cast.expanding.pk)
    return sorted(Notification.objects.filter(person=csm).values_list("kind", flat=True))


@pytest.mark.parametrize(("kinds", "told"), [(["mention", "assigned"], ["assigned", "mention"]), (["mention"], ["mention"]), (["assigned"], ["assigned"]), ([], [])])
def test_only_what_is_wanted_is_told(cast: Cast, kinds: list[str], told: list[str]) -> None:
    assert cast.client("csm").post("/settings/you/notifications/", {"kind": kinds}).status_code == 302
    assert happen(cast) == told
    cast.users["csm"].refresh_from_db()
    on = [one["value"] for one in cast.client("csm").get("/settings/you/").context["heard"] if one["on"]]
    assert sorted(on) == told


def test_what_is_no_kind_is_not_kept(cast: Cast) -> None:
    cast.client("csm").post("/settings/you/notifications/", {"kind": ["mention", "=1+1"]})
    cast.users["csm"].refresh_from_db()
    assert cast.users["csm"].unheard == ["assigned"]


def test_the_choice_is_each_ones_own(cast: Cast) -> None:
    cast.client("lead").post("/settings/you/notifications/", {"kind": []})
    assert happen(cast) == ["assigned", "mention"]
