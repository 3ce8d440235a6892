"""Who shares a book with whom: teams with children, cover, and the read scope that an admin sets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.web.book.models import Account
from laer.web.book.scope import editable_accounts, scope_of, visible_accounts
from laer.web.people import teams
from laer.web.people.access import set_policy
from laer.web.people.models import AuditEvent, Cover, Person, Team, TeamReach, User
from laer.web.people.roles import Refused
from tests.cast import Cast, add_account, forget

DAY = timedelta(days=1)


def names(user: User) -> set[str]:
    return set(visible_accounts(user).values_list("name", flat=True))


def edits(user: User) -> set[str]:
    return set(editable_accounts(user).values_list("name", flat=True))


@pytest.fixture
def firm(cast: Cast) -> Cast:
    """EMEA over Nordics: Maya alone above, Tom below."""
    emea = teams.save_team(cast.users["admin"], "EMEA", None, [cast.people["csm"].pk])
    teams.save_team(cast.users["admin"], "Nordics", emea.pk, [cast.people["outsider"].pk])
    return cast


def test_members_read_the_teams_below_and_not_above(firm: Cast) -> None:
    assert "Onyx Retail" in names(firm.users["csm"])
    assert names(firm.users["outsider"]) == {"Onyx Retail"}
    assert firm.client("csm").get(f"/accounts/{firm.others.pk}/").status_code == 200
    assert firm.client("outsider").get(f"/accounts/{firm.landing.pk}/").status_code == 404


def test_a_team_widens_what_one_reads_and_not_what_one_edits(firm: Cast) -> None:
    assert "Onyx Retail" not in edits(firm.users["csm"])
    assert firm.client("csm").post(f"/accounts/{firm.others.pk}/edit/segment/", {"value": "x"}).status_code == 403


def test_members_of_one_team_read_one_another(cast: Cast) -> None:
    teams.save_team(cast.users["admin"], "All", None, [cast.people["csm"].pk, cast.people["outsider"].pk])
    assert names(cast.users["csm"]) == names(cast.users["outsider"])
    assert len(names(cast.users["csm"])) == 7


def test_a_colleague_without_a_login_is_of_the_team(cast: Cast) -> None:
    olga = Person.objects.create(name="Olga", created_at=timezone.now())
    add_account("Pine Freight", olga)
    teams.save_team(cast.users["admin"], "Two", None, [cast.people["outsider"].pk, olga.pk])
    assert names(cast.users["outsider"]) == {"Onyx Retail", "Pine Freight"}


def test_grandchildren_are_below_too(firm: Cast) -> None:
    nordics = Team.objects.get(name="Nordics")
    olga = Person.objects.create(name="Olga", created_at=timezone.now())
    add_account("Pine Freight", olga)
    teams.save_team(firm.users["admin"], "Oslo", nordics.pk, [olga.pk])
    assert {"Onyx Retail", "Pine Freight"} < names(firm.users["csm"])


def test_a_team_that_is_dissolved_opens_nothing(firm: Cast) -> None:
    olga = Person.objects.create(name="Olga", created_at=timezone.now())
    add_account("Pine Freight", olga)
    teams.save_team(firm.users["admin"], "Oslo", Team.objects.get(name="Nordics").pk, [olga.pk])
    teams.archive_team(firm.users["admin"], Team.objects.get(name="Nordics"))
    assert "Onyx Retail" not in names(firm.users["csm"])
    assert "Pine Freight" in names(firm.users["csm"])  # it came under EMEA
    teams.archive_team(firm.users["admin"], Team.objects.get(name="EMEA"))
    assert names(firm.users["outsider"]) == {"Onyx Retail"}
    assert "Pine Freight" not in names(firm.users["csm"])


def test_a_team_cannot_stand_below_itself(firm: Cast) -> None:
    emea, nordics = Team.objects.get(name="EMEA"), Team.objects.get(name="Nordics")
    for parent in (emea, nordics):
        with pytest.raises(Refused):
            teams.save_team(firm.users["admin"], "EMEA", parent.pk, [], emea)
    assert TeamReach.objects.count() == 3


def test_only_admins_change_teams(cast: Cast) -> None:
    for part in ("csm", "lead", "viewer"):
        with pytest.raises(PermissionDenied):
            teams.save_team(cast.users[part], "Mine", None, [])
        assert cast.client(part).post("/settings/teams/", {"name": "Mine"}).status_code == 403


def test_teams_are_made_and_changed_on_their_page(cast: Cast) -> None:
    admin, maya = cast.client("admin"), cast.people["csm"].pk
    admin.post("/settings/teams/", {"name": "EMEA", "members": [maya]})
    team = Team.objects.get()
    admin.post(f"/settings/teams/?edit={team.pk}", {"name": "Europe", "members": [maya, cast.people["outsider"].pk]})
    team.refresh_from_db()
    assert (team.name, team.members.count()) == ("Europe", 2)
    assert admin.post("/settings/teams/", {"name": "europe"}).status_code == 422
    assert "Europe" in admin.get("/settings/teams/").content.decode()
    admin.post(f"/settings/teams/{team.pk}/dissolve/")
    assert admin.get(f"/settings/teams/?edit={team.pk}").status_code == 404


def test_a_stand_in_sees_and_edits_for_the_days_of_the_cover(cast: Cast) -> None:
    tom, maya = cast.people["outsider"], cast.people["csm"]
    made = teams.cover(cast.users["lead"], maya.pk, tom.pk, cast.today, cast.today)
    assert len(names(cast.users["outsider"])) == len(edits(cast.users["outsider"])) == 7
    assert names(cast.users["csm"]) == edits(cast.users["csm"])  # not the other way round
    assert "Onyx Retail" not in names(cast.users["csm"])
    assert cast.client("outsider").get(f"/accounts/{cast.renewing.pk}/").status_code == 200
    Cover.objects.filter(pk=made.pk).update(from_on=cast.today - 9 * DAY, last_on=cast.today - DAY)
    assert names(cast.users["outsider"]) == {"Onyx Retail"}
    Cover.objects.filter(pk=made.pk).update(from_on=cast.today + DAY, last_on=cast.today + 9 * DAY)
    assert names(cast.users["outsider"]) == {"Onyx Retail"}
    assert cast.client("outsider").get(f"/accounts/{cast.renewing.pk}/").status_code == 404


def test_a_cover_that_is_ended_ends_at_once(cast: Cast) -> None:
    made = teams.cover(cast.users["admin"], cast.people["csm"].pk, cast.people["outsider"].pk, cast.today, cast.today + 9 * DAY)
    assert teams.end_cover(cast.users["admin"], made.pk)
    assert names(cast.users["outsider"]) == {"Onyx Retail"}
    assert not teams.end_cover(cast.users["admin"], made.pk)


def test_a_viewer_who_stands_in_only_reads(cast: Cast) -> None:
    teams.cover(cast.users["admin"], cast.people["outsider"].pk, cast.people["viewer"].pk, cast.today, cast.today)
    assert "Onyx Retail" in names(cast.users["viewer"])
    assert edits(cast.users["viewer"]) == set()


def test_a_cover_is_not_handed_on(cast: Cast) -> None:
    hana = cast.people["lead"]
    add_account("Lead's own", hana)
    teams.cover(cast.users["admin"], hana.pk, cast.people["csm"].pk, cast.today, cast.today)
    teams.cover(cast.users["admin"], cast.people["csm"].pk, cast.people["outsider"].pk, cast.today, cast.today)
    assert "Lead's own" in names(cast.users["csm"])
    assert "Lead's own" not in names(cast.users["outsider"])


def test_a_cover_is_arranged_on_its_page(cast: Cast) -> None:
    form = {"person": cast.people["csm"].pk, "by": cast.people["outsider"].pk, "from": cast.today.isoformat(), "to": (cast.today + DAY).isoformat()}
    for part, status in (("csm", 403), ("viewer", 403), ("lead", 302)):
        assert cast.client(part).post("/settings/cover/", form).status_code == status
    made = Cover.objects.get()
    assert made.last_on == cast.today + DAY
    for wrong in ({"to": (cast.today - DAY).isoformat()}, {"by": form["person"]}, {"from": "soon"}, {"person": ""}):
        assert cast.client("lead").post("/settings/cover/", form | wrong).status_code == 422
    assert "Tom Becker" in cast.client("lead").get("/settings/cover/").content.decode()
    assert cast.client("csm").post(f"/settings/cover/{made.pk}/end/").status_code == 403
    assert cast.client("lead").post(f"/settings/cover/{made.pk}/end/").status_code == 302


def test_the_read_scope_is_changed_in_the_browser_and_in_force_at_once(cast: Cast, settings: Any) -> None:
    tom, path = cast.client("outsider"), f"/accounts/{cast.adopting.pk}/"
    assert tom.get(path).status_code == 404
    for part in ("csm", "lead", "viewer"):
        assert cast.client(part).post("/settings/access/", {"read_scope": "all"}).status_code == 403
    cast.client("admin").post("/settings/access/", {"read_scope": "all"})
    forget()
    assert tom.get(path).status_code == 200
    assert tom.post(f"{path}edit/segment/", {"value": "x"}).status_code == 403
    settings.READ_SCOPE = "all"
    cast.client("admin").post("/settings/access/", {"read_scope": "own"})
    assert tom.get(path).status_code == 404  # what an admin chose stands, whatever the environment says
    assert [e.details for e in AuditEvent.objects.filter(subject="read scope").order_by("pk")] == [{"old": None, "new": "all"}, {"old": "all", "new": "own"}]


def test_the_environment_decides_until_somebody_chooses(cast: Cast, settings: Any) -> None:
    settings.READ_SCOPE = "all"
    assert cast.client("outsider").get(f"/accounts/{cast.adopting.pk}/").status_code == 200
    page = cast.client("admin").get("/settings/access/")
    assert page.context["by_default"]
    assert next(s["value"] for s in page.context["scopes"] if s["chosen"]) == "all"


def test_a_scope_costs_no_query_of_its_own(firm: Cast) -> None:
    set_policy(firm.users["admin"], "own", False)
    user = User.objects.get(pk=firm.users["csm"].pk)
    with CaptureQueriesContext(connection) as asked:
        visible_accounts(user)
        editable_accounts(user)
    assert len(asked) == 0
    with CaptureQueriesContext(connection) as asked:
        assert len(scope_of(user).account_ids) == 7
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as asked:
        assert not User.objects.get(pk=user.pk).must_add_factor
    assert len(asked) == 1


def test_an_archived_account_stays_hidden_from_the_team(firm: Cast) -> None:
    Account.objects.filter(pk=firm.others.pk).update(archived_at=timezone.now())
    assert "Onyx Retail" not in names(firm.users["csm"])
