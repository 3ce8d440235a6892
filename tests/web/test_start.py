"""The first run: nobody but who reads the terminal becomes the admin, and there is one form between nothing and a signed-in admin."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from laer.web import home
from laer.web.book.models import Account
from laer.web.people import company, setup
from laer.web.people.models import Act, AuditEvent, Company, User
from laer.web.people.roles import Refused
from laer.web.runs.models import Job
from tests.cast import Cast

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-walk-by-the-river"
ANSWERS = {
    "your_name": "Ada Novak", "email": "ada@firm.example", "password": PASSWORD, "company_name": "Northmoor", "currency": "EUR",
    "time_zone": "Europe/Berlin", "locale": "de_DE", "fiscal_year_start": "4",
}  # fmt: skip


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new installation's code, as `laer serve` prints it."""
    monkeypatch.setenv("LAER_HOME", str(tmp_path / "new"))
    setup.forget()
    company.forget()
    cache.clear()
    return setup.make_code()


def at_the_form(code: str) -> Client:
    browser = Client()
    assert browser.get("/start/", {"code": code}).headers["Location"] == "/start/"
    return browser


@pytest.mark.parametrize("address", ["/", "/accounts/", "/login/", "/data/import/", "/start/next/", "/password/reset/", "/invitation/x/"])
def test_without_a_login_every_address_leads_to_the_setup(code: str, address: str) -> None:
    answer = Client().get(address, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/start/")
    assert b"Setup code" in answer.content


def test_the_probes_answer_before_the_setup(code: str) -> None:
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/readyz").status_code in (200, 503)


def test_htmx_is_sent_to_the_setup_too(code: str) -> None:
    assert Client().get("/accounts/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/start/"


def test_without_the_code_there_is_no_form_and_no_admin(code: str) -> None:
    stranger = Client()
    assert b"Welcome to laer" not in stranger.get("/start/").content
    answer = stranger.post("/start/", ANSWERS)
    assert answer.status_code == 422
    assert stranger.get("/start/", {"code": code[:-1] + "!"}).status_code == 422
    assert not User.objects.exists()


def test_a_session_of_an_older_code_is_worth_nothing(code: str) -> None:
    browser = at_the_form(code)
    (home.home() / "setup.code").unlink()
    assert setup.make_code() != code
    assert browser.post("/start/", ANSWERS).status_code == 422
    assert not User.objects.exists()


def test_codes_cannot_be_guessed_at_will(code: str) -> None:
    stranger = Client()
    answers = [stranger.get("/start/", {"code": f"guess-{i}"}).status_code for i in range(7)]
    assert answers == [422] * 5 + [429] * 2
    assert stranger.get("/start/", {"code": code}).status_code == 429, "the right one is not told either"


def test_the_code_is_private_and_stays_until_it_is_used(code: str) -> None:
    file = home.home() / "setup.code"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert setup.make_code() == code
    assert len(code) == 27


def test_the_form_makes_an_admin_and_a_company(code: str, django_capture_on_commit_callbacks) -> None:
    browser = at_the_form(code)
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post("/start/", ANSWERS)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/start/next/")
    user = User.objects.get()
    assert (user.email, user.role, user.person.name, user.check_password(PASSWORD)) == ("ada@firm.example", "admin", "Ada Novak", True)
    firm = company.firm()
    assert (firm.name, firm.currency, firm.time_zone, firm.locale, firm.fiscal_year_start, firm.confirmed) == ("Northmoor", "EUR", "Europe/Berlin", "de_DE", 4, True)
    assert timezone.get_default_timezone_name() == "Europe/Berlin"
    acts = list(AuditEvent.objects.values_list("act", flat=True))
    assert acts.count(Act.COMPANY_CHANGED) == 5
    assert Act.SET_UP in acts
    assert Act.SIGNED_IN in acts
    page = browser.get("/start/next/")
    assert b"Start with my file" in page.content
    assert b"Try the demo firm" in page.content
    assert b"Successfully signed in" not in page.content


def test_the_code_is_gone_afterwards_and_so_is_the_page(code: str, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        at_the_form(code).post("/start/", ANSWERS)
    assert not (home.home() / "setup.code").exists()
    assert Client().get("/start/", {"code": code}, follow=True).redirect_chain[-1][0] == "/login/?next=/"
    assert Client().post("/start/", ANSWERS | {"email": "eve@firm.example"}).status_code == 302
    assert User.objects.count() == 1


def test_of_two_who_set_up_at_once_one_is_refused(code: str) -> None:
    setup.set_up(ANSWERS)
    with pytest.raises(Refused, match="set up already"):
        setup.set_up(ANSWERS | {"email": "eve@firm.example"})
    assert User.objects.count() == 1


@pytest.mark.parametrize(("field", "value", "said"), [
    ("password", "short", "This password is too short"), ("password", "ada@firm.example", "too similar"), ("password", "password1234", "too common"),
    ("email", "ada", "found “ada”, expected an address"), ("your_name", " ", "Say what you are called"), ("company_name", "", "Say what your company is called"),
    ("currency", "Euros", "found “Euros”, expected a code of three letters"), ("time_zone", "Berlin", "found “Berlin”, expected a name such as"),
    ("locale", "xx-zz-?", "expected a language and a country"), ("fiscal_year_start", "13", "expected a month from 1"),
])  # fmt: skip
def test_a_wrong_answer_is_said_at_its_field_and_nothing_is_made(code: str, field: str, value: str, said: str) -> None:
    answer = at_the_form(code).post("/start/", ANSWERS | {field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "Northmoor" in answer.content.decode() or field == "company_name", "what was typed stays"
    assert not User.objects.exists()
    assert not Company.objects.exists()


def test_the_browser_s_language_is_a_first_guess(code: str) -> None:
    browser = at_the_form(code)
    values = browser.get("/start/", headers={"Accept-Language": "fr-CH,fr;q=0.9,en;q=0.8"}).context["values"]
    assert (values["locale"], values["currency"]) == ("fr_CH", "CHF")
    values = browser.get("/start/", headers={"Accept-Language": "tlh, *;q=0.1"}).context["values"]
    assert (values["locale"], values["currency"]) == ("en", "USD")


def test_start_with_my_file_leads_to_the_upload(cast: Cast) -> None:
    Account.objects.all().delete()
    page = cast.client("admin").get("/start/next/")
    assert b'href="/data/import/"' in page.content


def test_a_book_with_rows_is_asked_nothing(cast: Cast) -> None:
    assert cast.client("admin").get("/start/next/").headers["Location"] == "/"
    assert cast.client("admin").post("/start/next/").headers["Location"] == "/"
    assert not Job.objects.exists()
    assert company.refresh().demo == ""


def test_others_than_admins_are_not_asked(cast: Cast) -> None:
    for part in ("lead", "csm", "viewer"):
        for address in ("/start/next/", "/start/demo/leave/"):
            assert cast.client(part).get(address).status_code == 403
            assert cast.client(part).post(address).status_code == 403


def test_a_code_that_was_never_written_whole_is_made_anew(code: str) -> None:
    """Killed between making the file and writing it, an installation had no code and could make none."""
    (home.home() / "setup.code").write_text("")
    again = setup.make_code()
    assert len(again) == len(code)
    assert at_the_form(again).get("/start/").status_code == 200
