"""The chip with which a leader looks at one team: in the address as `team`, kept by every link of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest
from django.utils.translation import gettext as _

from laer.cycle.scope import Scope
from laer.web.book.scope import scope_of
from laer.web.book.team_scope import narrowed, teams_for
from laer.web.pages.accounts import user_of
from laer.web.people.models import Team

TEAM = "team"


class Addressed(Protocol):
    """What knows the address of its page."""

    def url(self, *, team: str) -> str: ...


@dataclass(frozen=True)
class Looked:
    """What a page looks at: the person's scope, or one team's part of it; `teams` are those to choose from."""

    scope: Scope
    team: Team | None
    teams: tuple[Team, ...]

    @property
    def query(self) -> dict[str, str]:
        """What keeps the links of a page with the team."""
        return {TEAM: str(self.team.pk)} if self.team is not None else {}

    @property
    def whose(self) -> str:
        """As the state line has it."""
        if self.team is not None:
            return _("team %(team)s") % {"team": self.team.name}
        return _("the whole book") if self.scope.everything else _("your book")

    def chip(self, asked: Addressed) -> dict[str, Any] | None:
        """Context of `parts/team_chip.html`; None where there is nothing to choose."""
        if not self.teams:
            return None
        whole = {"label": _("All teams"), "url": asked.url(team=""), "active": self.team is None}
        own = [{"label": one.name, "url": asked.url(team=str(one.pk)), "active": one == self.team} for one in self.teams]
        return {"label": self.team.name if self.team else _("All teams"), "choices": [whole, *own], "set": self.team is not None}


def looked_at(request: HttpRequest) -> Looked:
    """Who looks, at what. A team that is not theirs to see narrows nothing. Three queries at most."""
    user = user_of(request)
    scope, teams, asked = scope_of(user), tuple(teams_for(user)), request.GET.get(TEAM, "")
    team = next((one for one in teams if str(one.pk) == asked), None)
    return Looked(narrowed(scope, team), team, teams)
