"""`/health/`: the process answers. `/ready/`: it can do its work, because the database answers and its schema is ours. No login."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

import laer
from laer.web.runs.schema import schema_problem


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok", "version": laer.__version__})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """503 and the reason while it is not. Costs about six queries."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        problem = schema_problem()
    except DatabaseError:
        problem = "the database does not answer"  # no more than that: anybody may ask
    if problem:
        return JsonResponse({"status": "not ready", "problem": problem.split(" (", 1)[0]}, status=503)
    return JsonResponse({"status": "ready", "version": laer.__version__})


urlpatterns: list[URLPattern] = [path("health/", health, name="health"), path("ready/", ready, name="ready")]
