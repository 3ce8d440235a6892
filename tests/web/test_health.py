"""The probes: alive says that the process answers, ready that it can do its work, and what is wrong while it cannot."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from laer.web.runs import beat
from laer.web.runs.jobs import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_home(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with the front end collected and no worker expected."""
    monkeypatch.setenv("LAER_HOME", str(tmp_path))
    monkeypatch.setattr(beat, "_next", 0.0)
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    (settings.STATIC_ROOT / "staticfiles.json").write_text("{}")
    return tmp_path


def ready() -> tuple[int, dict[str, str]]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()["checks"]


def test_both_answer_anybody_under_any_host_name_and_keep_nothing(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["laer.example.com"]
    for path in ("/healthz", "/readyz", "/healthz/", "/readyz/"):
        answer = Client().get(path, headers={"host": "10.1.2.3:8000"})
        assert answer.status_code == 200, path
        assert not answer.cookies
        assert answer["Cache-Control"] == "private, no-store"
        assert Client().post(path).status_code == 405
    assert Client().get("/login/", headers={"host": "10.1.2.3:8000"}).status_code == 400


def test_it_is_ready_without_a_worker_where_none_is_expected() -> None:
    assert ready() == (200, {"database": "ok", "schema": "ok", "front_end": "ok", "worker": "none"})


def test_it_is_ready_while_the_worker_shows_itself_and_not_when_it_is_silent(at_home: Path) -> None:
    beat.expect(True)
    assert ready()[1]["worker"] == "ok"
    long_ago = time.time() - beat.RECENT - 30
    os.utime(at_home / "worker.beat", (long_ago, long_ago))
    status, checks = ready()
    assert status == 503
    assert checks["worker"] in ("last seen 90 s ago", "last seen 91 s ago")
    assert Client().get("/healthz").status_code == 200
    beat.give()
    assert ready()[0] == 200
    beat.expect(False)
    assert ready()[1]["worker"] == "none"


def test_a_worker_that_looks_for_work_shows_itself(at_home: Path) -> None:
    class OneLook:
        looks = 0

        def is_set(self) -> bool:
            if threading.current_thread() is not threading.main_thread():  # what works beside looks too
                return True
            self.looks += 1
            return self.looks > 1

        def wait(self, seconds: float) -> bool:
            return False

    Worker().run_forever(OneLook())  # type: ignore[arg-type]
    age = beat.age()
    assert age is not None
    assert age < 5


def test_it_is_not_ready_without_a_front_end(settings: Any) -> None:
    (Path(settings.STATIC_ROOT) / "staticfiles.json").unlink()
    status, checks = ready()
    assert (status, checks["front_end"]) == (503, "it is not built")


def test_it_is_not_ready_with_a_schema_of_another_version() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('runs', '9999_from_the_future', '2030-01-01')")
    status, checks = ready()
    assert status == 503
    assert checks["database"] == "ok"
    assert checks["schema"].startswith("the book was made by a newer version")


def test_it_says_no_more_than_that_the_database_does_not_answer() -> None:
    def gone(*_: Any) -> Any:
        raise OperationalError("connection to server at db.internal, user laer: refused")

    with connection.execute_wrapper(gone):
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "it does not answer")
    assert "internal" not in answer.content.decode()
