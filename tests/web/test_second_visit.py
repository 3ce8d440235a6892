"""What a browser has to fetch: little script, packed; on a second visit the page alone, because all that it names is kept for good.

How long that takes over a slow network is measured by `python -m benchmarks browser`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.files.storage import storages
from django.http import HttpResponse
from django.test import RequestFactory
from whitenoise.middleware import WhiteNoiseMiddleware

from laer.cli.operate.installation import collect_static
from tests.cast import Cast

DIST = Path(configured.BASE) / "static" / "dist"
SCRIPT = 60 * 1024  # bytes of script without charts, packed with gzip (brotli, which browsers get, is smaller)
BLOCKING = re.compile(r'<script(?![^>]*type="module")[^>]*src="([^"]+)"|<link[^>]*rel="stylesheet"[^>]*href="([^"]+)"')
NAMED = re.compile(r'(?:src|href)="(/static/[^"#]+)')

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(not (DIST / "app.js").exists(), reason="the front end is not built"), pytest.mark.once]


@pytest.fixture
def collected(settings: Any, tmp_path: Path) -> Iterator[WhiteNoiseMiddleware]:
    """The static files as an installation serves them."""
    settings.STATIC_ROOT = str(tmp_path / "static")
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
    assert collect_static()
    yield WhiteNoiseMiddleware(lambda request: HttpResponse(status=404))
    storages._storages.clear()  # type: ignore[attr-defined]  # what was made for these settings


def test_the_script_of_every_page_is_small() -> None:
    packed = {path.name: len(gzip.compress(path.read_bytes())) for path in sorted(DIST.glob("*.js")) if not path.name.startswith("charts-")}
    assert packed.keys() >= {"app.js", "theme.js"}
    assert sum(packed.values()) < SCRIPT, packed


def test_what_a_page_names_is_never_asked_for_again(cast: Cast, collected: WhiteNoiseMiddleware) -> None:
    pages = [cast.client("lead").get(path).content.decode() for path in ("/accounts/", f"/accounts/{cast.renewing.pk}/", "/tasks/")]
    named = {url for page in pages for url in NAMED.findall(page)}
    style = next(url for url in named if url.endswith(".css"))
    asked = named | {f"/static/dist/fonts/{name}" for name in re.findall(r"fonts/([\w.-]+\.woff2)", _text(collected, style))}
    asked |= {f"/static/dist/{path.name}" for path in DIST.glob("*-????????.js")}  # what scripts ask for, under esbuild's own names
    assert len(asked) > 5
    assert {url: _kept(collected, url) for url in asked} == dict.fromkeys(asked, "max-age=315360000, public, immutable")


def test_few_things_hold_a_page_up_before_it_is_painted(cast: Cast, collected: WhiteNoiseMiddleware) -> None:
    page = cast.client("csm").get("/accounts/").content.decode()
    assert len(BLOCKING.findall(page)) == 2, "the theme, which must not flash, and the one style sheet"
    assert len(set(NAMED.findall(page))) <= 6


def test_a_page_travels_packed(cast: Cast) -> None:
    client = cast.client("lead")
    plain = client.get("/accounts/").content
    packed = client.get("/accounts/", headers={"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < len(plain) / 3
    assert b"<h1" in gzip.decompress(packed.content)


def _kept(collected: WhiteNoiseMiddleware, url: str) -> str:
    answer = collected(RequestFactory().get(url))
    return str(answer.get("Cache-Control")) if answer.status_code == 200 else f"answered {answer.status_code}"


def _text(collected: WhiteNoiseMiddleware, url: str) -> str:
    return b"".join(collected(RequestFactory().get(url)).streaming_content).decode()  # type: ignore[arg-type]
