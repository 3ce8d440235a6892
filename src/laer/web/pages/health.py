"""`/healthz`: the process answers. `/readyz`: it can do its work: database, schema, front end and worker are as they should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

import laer
from laer.web.runs import beat
from laer.web.runs.schema import schema_problem


class Probes:
    """Answers the probes before anything else: without a login, without a session, and under any host name, for a probe asks by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = {"/healthz": health, "/readyz": ready}.get(request.path_info.rstrip("/"))
        if probe is None:
            return self.get_response(request)
        return probe() if request.method in ("GET", "HEAD") else HttpResponse(status=405)


def health() -> JsonResponse:
    return JsonResponse({"status": "ok", "version": laer.__version__})


def ready() -> JsonResponse:
    """503 and what is wrong while it is not, in no more words than anybody may read. Costs about seven queries."""
    checks = _book() | {"front_end": _front_end(), "worker": _worker()}
    fine = all(found in ("ok", "none") for found in checks.values())
    return JsonResponse({"status": "ready" if fine else "not ready", "version": laer.__version__, "checks": checks}, status=200 if fine else 503)


def _book() -> dict[str, str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        problem = schema_problem()
    except DatabaseError:
        return {"database": "it does not answer", "schema": "unknown"}
    return {"database": "ok", "schema": problem.split(" (", 1)[0].split(": ", 1)[-1] if problem else "ok"}


def _front_end() -> str:
    bundle = Path(settings.STATICFILES_DIRS[0]) / "dist" / "app.css" if settings.DEBUG else Path(settings.STATIC_ROOT) / "staticfiles.json"
    return "ok" if bundle.exists() else "it is not built"


def _worker() -> str:
    """`none`: this installation is served without one."""
    age = beat.age()
    if age is None:
        return "none"
    return "ok" if age <= beat.RECENT else f"last seen {age:.0f} s ago"
