"""Every test process has an installation of its own: LAER_HOME is set before Django reads its settings."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.homes import initialised, made_once, migrated

pytest_plugins = ["tests.standing", "tests.cast", "tests.smtp_sink"]

# One per process, so that pytest-xdist's workers (which inherit the controller's environment) do not meet either.
HOME = Path(tempfile.mkdtemp(prefix=f"laer-test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-"))
os.environ["LAER_HOME"] = str(HOME)
for name in [n for n in os.environ if n.startswith("LAER_") and n != "LAER_HOME" and not n.startswith("LAER_TEST_")]:
    del os.environ[name]  # a developer's own settings do not decide what a test finds
os.environ["DJANGO_SETTINGS_MODULE"] = "laer.web.settings"
# Where nothing compiled is kept (some machines say so), each worker and each of the hundreds of commands that tests run compiles all that it imports
# anew: `laer user list` then takes 3.2 s of a processor instead of 1.4.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
atexit.register(shutil.rmtree, HOME, ignore_errors=True)


def pytest_configure() -> None:
    import django

    django.setup()
    from django.conf import settings

    # Pages name their files as they are built; hashed names need a collected folder, which the served installation has.
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

    from django.contrib.auth.hashers import PBKDF2PasswordHasher
    from django.test import TransactionTestCase

    from tests.emptied import after_a_committing_test

    PBKDF2PasswordHasher.iterations = 1_000  # of a million, half a second for each password; commands of their own keep the million
    TransactionTestCase._fixture_teardown = after_a_committing_test


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL a test that asks for no database shows what it shows in `make test`: it is not run twice."""
    if not os.environ.get("DATABASE_URL"):
        return
    kept, left = [], []
    for item in items:
        (kept if _asks_for_the_database(item) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def _asks_for_the_database(item: pytest.Item) -> bool:
    asked = set(getattr(item, "fixturenames", ()))
    given = getattr(item, "callspec", None)
    return (
        bool(asked & {"db", "transactional_db", "django_db_setup", "server"})
        or (given is not None and "postgres" in given.params.values())
        or any(item.iter_markers("django_db"))
        or any(item.iter_markers("postgres"))
    )


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """On SQLite the book that lies there already is taken: a copy of what migrations made once."""
    return not os.environ.get("DATABASE_URL")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """On SQLite the tests' book is a file, as in an installation: the seam copies it, and other processes open it."""
    from django.conf import settings

    book = settings.DATABASES["default"]
    if book["ENGINE"].endswith("sqlite3"):
        book["TEST"]["NAME"] = str(shutil.copy(migrated(), HOME / "test.sqlite3"))
        # A power cut would lose this book, and nobody would miss it. Installations that tests start, kill and restore keep their FULL.
        book["OPTIONS"]["init_command"] = book["OPTIONS"]["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    else:
        request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The book as migrations leave it, whose definitions each test finds."""
    from laer.web.runs import desk
    from tests.emptied import note_seeded

    desk._desk._seconds = 120  # an answer of two seconds of a processor takes half a minute where other work shares the machine
    with django_db_blocker.unblock():
        note_seeded()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation as `laer init` leaves it, made once for all workers. Take `home`, a copy."""
    return made_once(tmp_path_factory, "made", initialised)


@pytest.fixture
def home(made: Path, installation: Path) -> Path:
    """An installation of its own as `laer init` leaves it, for commands run as processes of their own."""
    shutil.copytree(made, installation)
    return installation


@pytest.fixture(autouse=True)
def nothing_known_before() -> Iterator[None]:
    """What a process holds of its firm, of its figures, and whether anybody can sign in, belongs to the book of the test before."""
    yield
    if company := sys.modules.get("laer.web.people.company"):
        company._take({})  # puts the time zone back
        company.forget()
    if setup := sys.modules.get("laer.web.people.setup"):
        setup.forget()
    if desk := sys.modules.get("laer.web.runs.desk"):  # run ids repeat when a test rolls back
        desk.forget()
    if memory := sys.modules.get("laer.web.runs.memory"):
        memory.forget_all()
    if digests := sys.modules.get("laer.web.runs.digests"):
        digests.forget()
    if plan_rates := sys.modules.get("laer.web.book.plan_rates"):
        plan_rates.forget()


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty LAER_HOME for commands run as processes of their own. It takes no database but its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LAER_HOME", str(folder))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return folder
