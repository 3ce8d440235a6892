"""Uploads: streamed to disk, never larger than the limit, whatever the request says of its own size."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

MOST_FILES = 100
View = Callable[..., HttpResponse]


class TooLarge(StopUpload):
    """The files together are larger than the limit."""


class Bounded(TemporaryFileUploadHandler):
    """Files go to disk as they arrive; past the limit the connection is reset."""

    arrived = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.arrived += len(raw_data)
        if self.arrived > settings.UPLOAD_LIMIT:
            self.request.too_large = True  # type: ignore[union-attr]
            raise TooLarge(connection_reset=True)
        super().receive_data_chunk(raw_data, start)


def takes_files(view: View) -> View:
    """A view that takes files. A request that says it is too large is told so before a byte of it is read.

    The token is checked all the same, but after the handler is set: checking it reads the body.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.too_large = False  # type: ignore[attr-defined]
        if request.method == "POST":
            length = request.META.get("CONTENT_LENGTH") or "0"
            if length.isdigit() and int(length) > settings.UPLOAD_LIMIT + 2**20:
                request.too_large = True  # type: ignore[attr-defined]
                return view(request, *args, **kwargs)  # it writes nothing, and must not look at POST or FILES
            request.upload_handlers = [Bounded(request)]
            request.FILES  # noqa: B018 - arrives now, so that the view knows whether it was cut off
        return protected(request, *args, **kwargs)

    return checked


def too_large(request: HttpRequest) -> bool:
    return bool(getattr(request, "too_large", False))


def limit_text() -> str:
    return _("at most %(size)s MB at once") % {"size": f"{settings.UPLOAD_LIMIT // 2**20:,}"}
