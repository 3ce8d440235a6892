"""Every page in a language that nobody speaks: what stands outside its brackets never went through gettext.

`bare_texts.json` says how many such texts each page still has. A page may only lose them: `LAER_TEST_WRITE_BARE=1` writes the file anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from django.test import Client
from django.utils.translation import trans_real

from laer.web.people.models import User
from tests.cast import Cast
from tests.web import test_every_route as walk
from tests.web.pseudo import CODE, bare_texts, data_of_the_book, outside, write_catalogue

firm = walk.firm
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
ALLOWED = Path(__file__).parent / "bare_texts.json"
LOOSE = 5  # a figure that is so much too high no longer guards anything
DOOR = {"account_login": "/login/"}
TABS = ("account", "tasks", "revenue", "renewals")  # pages whose tabs and views differ


@pytest.fixture
def spoken(tmp_path: Path, settings: object) -> None:
    write_catalogue(tmp_path / "locale")
    settings.LOCALE_PATHS = [tmp_path / "locale"]  # type: ignore[attr-defined]
    settings.LANGUAGES = [("en", "en"), (CODE, CODE)]  # type: ignore[attr-defined]
    trans_real.get_languages.cache_clear()


@pytest.mark.usefixtures("spoken")
def test_every_page_says_its_texts_through_gettext(firm: Cast) -> None:
    User.objects.filter(pk=firm.users["admin"].pk).update(language=CODE)
    client, data = firm.client("admin"), data_of_the_book()
    found: dict[str, set[str]] = {}
    for name, pattern in walk.routes():
        who = walk.WHO[name]
        if who in ("door", walk.POST) or ("admin" not in who.split() and who != "per check"):
            continue
        seen = {}
        for address in walk.addresses(firm, name, pattern):
            key = address if name in TABS else address.partition("?")[0] if name != "doctor_check" else address
            if "format=" not in address and "download" not in address:
                seen.setdefault(re.sub(r"/\d+/", "/N/", key), address)
        for address in seen.values():
            answer = client.get(address)
            if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
                found[name] = found.get(name, set()) | bare_texts(answer.content.decode(), data)
    for name, address in DOOR.items():
        page = Client().get(address, headers={"Accept-Language": CODE}).content.decode()
        assert f'lang="{CODE}"' in page
        found[name] = bare_texts(page, data)
    assert found["accounts"] is not None
    if os.environ.get("LAER_TEST_WRITE_BARE"):
        ALLOWED.write_text(json.dumps({name: len(texts) for name, texts in sorted(found.items()) if texts}, indent=2) + "\n")
    allowed = json.loads(ALLOWED.read_text())
    more = {name: sorted(texts) for name, texts in found.items() if len(texts) > allowed.get(name, 0)}
    assert not more, "\n".join(f"{name}: {len(texts)} bare texts, {allowed.get(name, 0)} allowed\n   " + "\n   ".join(texts) for name, texts in more.items())
    loose = {name: (count, len(found.get(name, ()))) for name, count in allowed.items() if count > len(found.get(name, ())) + LOOSE}
    assert not loose, f"lower these in {ALLOWED.name}: {loose}"


def test_what_stands_in_no_bracket_is_found() -> None:
    data = re.compile("Bluefin Energy")
    html = '<p>⟦You have <b>3</b> tasks⟧ of Bluefin Energy, 12 Apr 2027</p><button aria-label="Close ⟦it⟧">×</button><input placeholder="⟦Name⟧"><code>laer user</code><td data-label="Now">$3,000</td><span class="face hue-1">BE</span>'
    assert bare_texts(html, data) == {"of Bluefin Energy, 12 Apr 2027", "Close", "Now"}
    assert outside("a ⟦b ⟦c⟧ d", 0) == ("a ", 1)
