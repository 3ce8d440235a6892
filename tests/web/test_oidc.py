"""Signing in through an identity provider that really answers: over HTTP, with codes, PKCE and signed tokens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client
from django.utils import timezone

from laer.web.people.models import Act, AuditEvent, Person, User
from laer.web.settings import oidc_providers
from tests.cast import Cast, add_account
from tests.web.oidc_provider import CLIENT, SECRET, Provider, served


@pytest.fixture(scope="module")
def _running() -> Iterator[Provider]:
    with served() as provider:
        yield provider


@pytest.fixture
def provider(_running: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setenv("LAER_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("LAER_OIDC_CLIENT_SECRET", SECRET)
    settings.OIDC_ISSUER, settings.OIDC_NAME = _running.issuer, "Example ID"
    settings.SOCIALACCOUNT_PROVIDERS = oidc_providers(_running.issuer)
    _running.person = {"sub": "u-1", "email": "csm@laer.example", "email_verified": True, "name": "Maya Okafor"}
    return _running


def sign_in(browser: Client, go_on: str = "") -> Any:
    """From the button of the sign-in page through the provider and back: the answer to what the provider sends."""
    there = browser.get("/oidc/firm/login/", {"next": go_on} if go_on else {})
    assert there.status_code == 302, there.content
    back = requests.get(there.headers["Location"], allow_redirects=False, timeout=5)
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["Location"])
    assert parts.path == "/oidc/firm/login/callback/"
    return browser.get(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()})


def test_somebody_with_a_login_is_signed_in(cast: Cast, provider: Provider) -> None:
    browser = Client()
    assert "Sign in with Example ID" in browser.get("/login/").content.decode()
    answer = sign_in(browser, "/revenue/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/revenue/")
    page = browser.get("/accounts/").content.decode()
    assert "Kestrel Labs" in page
    assert "Onyx Retail" not in page
    assert AuditEvent.objects.filter(act=Act.SIGNED_IN, user=cast.users["csm"], ip="127.0.0.1").count() == 1
    assert User.objects.count() == 5


def test_the_second_time_the_provider_knows_them_by_their_number(cast: Cast, provider: Provider) -> None:
    sign_in(Client())
    provider.person = {"sub": "u-1", "email": "renamed@elsewhere.example", "email_verified": True, "name": "Maya"}
    browser = Client()
    sign_in(browser)
    assert "Kestrel Labs" in browser.get("/accounts/").content.decode()
    assert User.objects.count() == 5


def test_a_stranger_is_turned_away_and_the_audit_says_why(cast: Cast, provider: Provider) -> None:
    provider.person = {"sub": "u-2", "email": "mallory@elsewhere.example", "email_verified": True, "name": "M"}
    browser = Client()
    assert sign_in(browser).status_code == 403
    assert browser.get("/accounts/").status_code == 302
    assert not User.objects.filter(email__contains="mallory").exists()
    event = AuditEvent.objects.get(act=Act.SIGN_IN_FAILED)
    assert (event.subject, event.details["why"]) == ("mallory@elsewhere.example", "Example ID: no login has this address")


@pytest.mark.parametrize("claim", [{"email_verified": False}, {"email_verified": None}, {"email": ""}])
def test_an_address_that_is_not_vouched_for_opens_nothing(cast: Cast, provider: Provider, claim: dict[str, Any], settings: Any) -> None:
    settings.OIDC_DOMAINS = {"laer.example"}
    provider.person = {"sub": "u-3", "email": "admin@laer.example", "email_verified": True} | claim
    browser = Client()
    assert sign_in(browser).status_code == 403
    assert browser.get("/accounts/").status_code == 302


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_an_allowed_domain_makes_a_login(cast: Cast, provider: Provider, settings: Any, role: str) -> None:
    settings.OIDC_DOMAINS, settings.OIDC_ROLE = {"laer.example"}, role
    olga = Person.objects.create(name="Olga Reyes", email="Olga@laer.example", created_at=timezone.now())
    add_account("Pine Freight", olga)
    provider.person = {"sub": f"u-{role}", "email": "olga@laer.example", "email_verified": True, "name": "O. Reyes"}
    browser = Client()
    assert sign_in(browser).status_code == 302
    user = User.objects.get(email="olga@laer.example")
    assert (user.role, user.person.name, user.has_usable_password()) == (role, "Olga Reyes", False)
    assert "Pine Freight" in browser.get("/accounts/").content.decode()
    assert "no password of its own" in browser.get("/settings/you/").content.decode()
    assert AuditEvent.objects.get(act=Act.JOINED).details["by"] == "Example ID"


def test_a_domain_that_only_ends_alike_is_another(cast: Cast, provider: Provider, settings: Any) -> None:
    settings.OIDC_DOMAINS = {"laer.example"}
    for n, email in enumerate(("x@notlaer.example", "x@laer.example.evil.example", "x@sub.laer.example")):
        provider.person = {"sub": f"d-{n}", "email": email, "email_verified": True}
        assert sign_in(Client()).status_code == 403
    assert User.objects.count() == 5


def test_a_login_that_was_switched_off_stays_off(cast: Cast, provider: Provider) -> None:
    sign_in(Client())
    User.objects.filter(pk=cast.users["csm"].pk).update(is_active=False)
    browser = Client()
    sign_in(browser)
    assert browser.get("/accounts/").status_code == 302


def test_an_answer_that_nobody_asked_for_is_refused(cast: Cast, provider: Provider) -> None:
    there = Client().get("/oidc/firm/login/")
    back = urlsplit(requests.get(there.headers["Location"], allow_redirects=False, timeout=5).headers["Location"])
    victim = Client()  # another browser, with the code of the first: cross-site sign-in
    victim.get(back.path, {k: v[0] for k, v in parse_qs(back.query).items()})
    assert victim.get("/accounts/").status_code == 302


def test_a_code_works_once(cast: Cast, provider: Provider) -> None:
    browser = Client()
    there = browser.get("/oidc/firm/login/")
    back = urlsplit(requests.get(there.headers["Location"], allow_redirects=False, timeout=5).headers["Location"])
    query = {k: v[0] for k, v in parse_qs(back.query).items()}
    assert browser.get(back.path, query).status_code == 302
    browser.post("/logout/")
    browser.get(back.path, query)
    assert browser.get("/accounts/").status_code == 302


def test_nobody_signs_up_by_a_form(cast: Cast, provider: Provider) -> None:
    assert Client().get("/login/sso/signup/").status_code == 403
    assert Client().post("/login/sso/signup/", {"email": "x@laer.example"}).status_code == 403
    assert User.objects.count() == 5


def test_without_an_issuer_there_is_no_such_way(cast: Cast) -> None:
    assert "/oidc/" not in Client().get("/login/").content.decode()
    assert Client().get("/oidc/firm/login/").status_code == 404


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"LAER_OIDC_ISSUER": "https://id.example"}, "LAER_OIDC_CLIENT_ID"),
        ({"LAER_OIDC_ISSUER": "http://id.example", "LAER_OIDC_CLIENT_ID": "a", "LAER_OIDC_CLIENT_SECRET": "b"}, "https://"),
        ({"LAER_OIDC_ROLE": "admin"}, "expected viewer or member"),
    ],
)
def test_a_wrong_setting_stops_the_start(given: dict[str, str], said: str, tmp_path: Any) -> None:
    start = subprocess.run([sys.executable, "-c", "import laer.web.settings"], env=os.environ | given | {"LAER_HOME": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert start.returncode != 0
    assert said in start.stderr
