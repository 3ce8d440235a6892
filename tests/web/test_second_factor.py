"""The second factor: a code of an authenticator app, recovery codes, and the firm that asks admins and finance for one."""

from __future__ import annotations

import base64
import hmac
import struct
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client, TestCase

from laer.web.people.access import set_policy
from laer.web.people.models import Act, AuditEvent, User
from tests.cast import Cast

PASSWORD = "a-long-walk-by-the-river"


def code_of(secret: str, later: int = 0) -> str:
    """RFC 6238, as a telephone computes it: six digits of an HMAC over the half minute."""
    digest = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), struct.pack(">Q", int(time.time()) // 30 + later), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture(autouse=True)
def _nobody_is_limited(db: None) -> None:
    cache.clear()


def sign_in(cast: Cast, part: str) -> tuple[Client, Any]:
    user = cast.users[part]
    user.set_password(PASSWORD)
    user.save()
    browser = Client()
    return browser, browser.post("/login/", {"login": user.email, "password": PASSWORD})


def set_up(browser: Client) -> str:
    assert browser.get("/2fa/totp/activate/").headers["Location"].startswith("/reauthenticate/")  # a session left open is not enough
    browser.post("/reauthenticate/", {"password": PASSWORD})
    secret: str = browser.get("/2fa/totp/activate/").context["form"].secret
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = browser.post("/2fa/totp/activate/", {"code": code_of(secret)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/2fa/recovery-codes/"), answer.content.decode()
    return secret


def test_signing_in_asks_for_the_code(cast: Cast) -> None:
    browser, _ = sign_in(cast, "csm")
    secret = set_up(browser)
    browser, answer = sign_in(cast, "csm")
    assert answer.headers["Location"].startswith("/2fa/authenticate/")
    assert browser.get("/accounts/").status_code == 302  # the password alone opens nothing
    assert browser.post("/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert browser.get("/accounts/").status_code == 302
    assert browser.post("/2fa/authenticate/", {"code": code_of(secret, 1)}).status_code == 302
    assert browser.get("/accounts/").status_code == 200
    acts = list(AuditEvent.objects.order_by("pk").values_list("act", flat=True))
    assert acts == [Act.SIGNED_IN, Act.FACTOR_ADDED, Act.SIGN_IN_FAILED, Act.SIGNED_IN]


def test_a_recovery_code_works_once(cast: Cast) -> None:
    browser, _ = sign_in(cast, "csm")
    set_up(browser)
    code = browser.get("/2fa/recovery-codes/").context["unused_codes"][0]
    for status in (302, 200):
        browser, _ = sign_in(cast, "csm")
        assert browser.post("/2fa/authenticate/", {"code": code}).status_code == status
    assert browser.get("/accounts/").status_code == 302


def test_the_database_alone_makes_no_code(cast: Cast) -> None:
    browser, _ = sign_in(cast, "csm")
    secret = set_up(browser)
    stored = Authenticator.objects.filter(user=cast.users["csm"])
    assert stored.count() == 2
    assert all(secret not in str(a.data) for a in stored)
    assert all(str(code) not in str(a.data) for a in stored for code in browser.get("/2fa/recovery-codes/").context["unused_codes"])


@pytest.mark.parametrize("part", ["admin", "finance"])
def test_a_firm_that_asks_for_it_lets_nobody_further_without(cast: Cast, part: str) -> None:
    cast.users["finance"] = User.objects.create_user("finance@laer.example", None, role="finance")
    set_policy(cast.users["admin"], "own", True)
    browser, _ = sign_in(cast, part)
    for page in ("/accounts/", "/settings/you/", "/settings/access/", "/revenue/", f"/accounts/{cast.landing.pk}/", "/data/quarantine/download.csv"):
        answer = browser.get(page)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/2fa/totp/activate/"), page
    assert browser.get("/accounts/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/2fa/totp/activate/"
    assert browser.post(f"/accounts/{cast.landing.pk}/edit/segment/", {"value": "x"}).status_code == 302
    set_up(browser)
    assert browser.get("/accounts/").status_code == 200


@pytest.mark.parametrize("part", ["csm", "lead", "viewer"])
def test_others_are_not_asked(cast: Cast, part: str) -> None:
    set_policy(cast.users["admin"], "own", True)
    assert cast.client(part).get("/accounts/").status_code == 200


def test_it_is_switched_on_in_settings(cast: Cast) -> None:
    page = cast.client("admin").get("/settings/access/")
    assert [w["email"] for w in page.context["without"]] == ["admin@laer.example"]
    cast.client("admin").post("/settings/access/", {"read_scope": "own", "second_factor": "on"})
    assert cast.client("admin").get("/settings/access/").status_code == 302
    event = AuditEvent.objects.get(subject="second factor")
    assert event.details == {"old": False, "new": True}


def test_it_is_switched_off_again(cast: Cast) -> None:
    browser, _ = sign_in(cast, "csm")
    set_up(browser)
    assert browser.get("/settings/you/").context["has_factor"]
    assert browser.post("/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.filter(act=Act.FACTOR_REMOVED, user=cast.users["csm"]).count() == 1


@pytest.mark.parametrize("path", ["/2fa/", "/2fa/totp/activate/", "/2fa/recovery-codes/generate/", "/reauthenticate/", "/settings/you/"])
def test_its_pages_are_ours(cast: Cast, path: str) -> None:
    """No inline script or style of allauth's own templates: the policy forbids them."""
    browser, _ = sign_in(cast, "csm")
    if "codes" in path:
        set_up(browser)
    elif "totp" in path:
        browser.post("/reauthenticate/", {"password": PASSWORD})
    page = browser.get(path)
    assert page.status_code == 200
    text = page.content.decode()
    assert "laer" in text
    assert "style=" not in text
    assert text.count("<script") == text.count("<script src=") + text.count('<script type="module" src=') + text.count('<script id="words" type="application/json">')
