"""The operation of an installation: made, peopled, served, saved, brought back, brought up to date."""

from __future__ import annotations

import http.cookiejar
import io
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest
from typer.testing import CliRunner, Result

from laer.cli import app
from laer.cli.operate import archive

LAER = [sys.executable, "-m", "laer.cli"]
ROLES = ["admin", "lead", "finance", "member", "viewer"]


def laer(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LAER, *arguments], env=os.environ | {"LAER_HOME": str(home)} | environment, input="", capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation as `laer init` leaves it, made once. Take `home`, a copy."""
    folder = tmp_path_factory.mktemp("made") / "home"
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"LAER_HOME": str(folder)}
    done = subprocess.run([*LAER, "init"], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "laer user create" in done.stdout
    return folder


@pytest.fixture
def home(made: Path, installation: Path) -> Path:
    shutil.copytree(made, installation)
    return installation


@pytest.fixture
def other(made: Path, installation: Path, tmp_path: Path) -> Path:
    """A second home without a book, and none elsewhere (but with the static files, whose compression takes seconds)."""
    folder = tmp_path / "other"
    if (made / "static").exists():
        shutil.copytree(made / "static", folder / "static")
    return folder


def named(home: Path) -> list[str]:
    """Names of the people in the book."""
    return [str(name) for (name,) in rows(home, "SELECT name FROM people_person ORDER BY name")]


def name_one(home: Path, name: str) -> None:
    rows(home, f"INSERT INTO people_person (name, custom, created_at) VALUES ('{name}', '{{}}', '2026-01-01')")


def rows(home: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "book.sqlite3")) as book:
        found = book.execute(sql).fetchall()
        book.commit()
        return found


# --- init -------------------------------------------------------------------------------------------------------------


def test_init_makes_a_private_home_and_again_changes_nothing(home: Path) -> None:
    home.chmod(0o755)
    key = (home / "secret.key").read_text()
    assert len(key) >= 50
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
    done = laer(home, "init")
    assert done.returncode == 0, done.stderr
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "secret.key").read_text() == key
    assert rows(home, "SELECT count(*) FROM runs_cache") == [(0,)]
    assert key not in done.stdout + done.stderr


def test_two_homes_do_not_meet(home: Path, other: Path) -> None:
    assert laer(other, "init").returncode == 0
    assert laer(home, "user", "create", "ann@example.com", "--role", "admin", "--name", "Ann").returncode == 0
    assert (named(home), named(other)) == (["Ann"], [])
    assert (other / "secret.key").read_text() != (home / "secret.key").read_text()


def test_a_command_without_a_book_says_to_make_one_and_makes_nothing(installation: Path) -> None:
    done = laer(installation, "user", "list")
    assert done.returncode == 2
    assert "run `laer init`" in done.stderr
    assert not (installation / "book.sqlite3").exists()


# --- users ------------------------------------------------------------------------------------------------------------


def run(*arguments: str, given: str = "") -> Result:
    with mock.patch("django.setup"):  # it is set up; again, and its logging would write to the runner's standard error for good
        return CliRunner().invoke(app, list(arguments), input=given)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_a_login_of_every_role_takes_its_password_from_standard_input(role: str) -> None:
    from laer.web.people.models import User

    done = run("user", "create", f"{role}@Example.com", "--role", role, given="tulip-harbour-42\n")
    assert done.exit_code == 0, done.output
    user = User.objects.get(email=f"{role}@example.com")
    assert user.role == role
    assert user.check_password("tulip-harbour-42")
    assert user.person.name == role.title()
    assert "tulip" not in done.output


@pytest.mark.django_db
@pytest.mark.parametrize("extra", [[], ["--print-password"]])
def test_with_no_password_given_a_strong_one_is_printed_once(extra: list[str]) -> None:
    from laer.web.people.models import User

    done = run("user", "create", "ann@example.com", "--role", "lead", *extra)
    found = re.findall(r"^password: (\S{20,})$", done.output, re.MULTILINE)
    assert len(found) == 1
    assert User.objects.get().check_password(found[0])


@pytest.mark.django_db
def test_an_unknown_role_is_refused_with_the_list_of_roles() -> None:
    done = run("user", "create", "ann@example.com", "--role", "boss", given="tulip-harbour-42\n")
    assert done.exit_code == 2
    assert "no role 'boss'; the roles are admin, lead, finance, member, viewer" in done.output


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("not an address", "tulip-harbour-42", "is not an e-mail address"),
        ("ann@example.com", "short", "too short"),
        ("ann@example.com", "password1234", "too common"),
        ("tulip.harbour@example.com", "tulip.harbour", "too similar"),
    ],
)
def test_a_bad_address_or_password_is_refused(email: str, password: str, said: str) -> None:
    from laer.web.people.models import Person, User

    done = run("user", "create", email, "--role", "lead", given=password + "\n")
    assert done.exit_code == 2
    assert said in done.output
    assert not User.objects.exists()
    assert not Person.objects.exists()


@pytest.mark.django_db
def test_a_login_is_linked_to_the_person_that_a_file_named() -> None:
    from django.utils import timezone

    from laer.web.people.models import Person

    person = Person.objects.create(name="Ann Arbour", email="Ann@Example.com", created_at=timezone.now())
    assert run("user", "create", "ann@example.com", "--role", "member").exit_code == 0
    person.refresh_from_db()
    assert person.user is not None
    assert person.name == "Ann Arbour"
    again = run("user", "create", "ANN@example.com", "--role", "member")
    assert again.exit_code == 2
    assert "already" in again.output
    assert Person.objects.count() == 1


@pytest.mark.django_db
def test_a_password_is_changed_and_the_list_shows_no_secret() -> None:
    from laer.web.people.models import User

    run("user", "create", "ann@example.com", "--role", "member", "--name", "Ann")
    assert run("user", "password", "ann@example.com", given="meadow-lantern-7\n").exit_code == 0
    assert User.objects.get().check_password("meadow-lantern-7")
    listed = run("user", "list").output.splitlines()
    assert listed[1].split() == ["ann@example.com", "member", "Ann", "active"]
    missing = run("user", "password", "bob@example.com", given="meadow-lantern-7\n")
    assert missing.exit_code == 2
    assert "ann@example.com" in missing.output


# --- the schema -------------------------------------------------------------------------------------------------------


EARLIER = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", "runs", "0001", verbosity=0)
"""


def test_an_older_book_is_refused_until_it_is_upgraded_after_a_backup(installation: Path, other: Path) -> None:
    subprocess.run([sys.executable, "-c", EARLIER], env=os.environ | {"LAER_HOME": str(other)}, check=True, timeout=120)
    for command in ("serve", "init"):
        done = laer(other, command)
        assert done.returncode == 2
        assert "made by an earlier version: run `laer upgrade`" in done.stderr
    done = laer(other, "upgrade")
    assert done.returncode == 0, done.stderr
    assert "runs.0002_cache_table" in done.stdout
    (saved,) = (other / "backups").iterdir()
    assert str(saved) in done.stdout
    assert rows(other, "SELECT count(*) FROM record_accounts") == [(0,)]
    assert laer(other, "user", "list").returncode == 0


def test_a_newer_book_is_refused_and_not_upgraded(home: Path) -> None:
    rows(home, "INSERT INTO django_migrations (app, name, applied) VALUES ('runs', '9999_from_the_future', '2030-01-01')")
    for command in ("serve", "upgrade"):
        done = laer(home, command)
        assert done.returncode == 2
        assert "made by a newer version" in done.stderr
        assert "runs.9999_from_the_future" in done.stderr


def test_an_upgrade_that_fails_says_how_to_go_back(home: Path) -> None:
    rows(home, "DELETE FROM django_migrations WHERE app = 'runs' AND name = '0001_initial'")  # its tables are there already
    done = laer(home, "upgrade")
    assert done.returncode == 1
    assert re.search(r"go back with: laer restore \S+/backups/before-\S+\.tar\.gz --force", done.stderr)


# --- backup and restore -----------------------------------------------------------------------------------------------


def test_what_is_backed_up_comes_back(home: Path, tmp_path: Path) -> None:
    name_one(home, "Ann")
    (home / "lake" / "usage" / "_delta_log").mkdir(parents=True)
    (home / "lake" / "usage" / "_delta_log" / "0.json").write_text("{}")
    (home / "files" / "accounts.csv").write_text("account_id\n1\n")
    (home / "files" / "link").symlink_to("/etc/passwd")
    file = tmp_path / "saved.tar.gz"
    done = laer(home, "backup", str(file))
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        assert set(tar.getnames()) == {"book.sqlite3", "lake/usage/_delta_log/0.json", "files/accounts.csv", "manifest.json"}

    refused = laer(home, "restore", str(file))
    assert refused.returncode == 2
    assert "is not empty (it has a book, a lake, files); --force" in refused.stderr

    name_one(home, "Eve")
    (home / "files" / "later.csv").write_text("x")
    key = (home / "secret.key").read_text()
    done = laer(home, "restore", str(file), "--force")
    assert done.returncode == 0, done.stderr
    assert named(home) == ["Ann"]
    assert [p.name for p in (home / "files").iterdir()] == ["accounts.csv"]
    assert (home / "lake" / "usage" / "_delta_log" / "0.json").exists()
    assert (home / "secret.key").read_text() == key
    (aside,) = home.glob("replaced-*")
    assert (aside / "files" / "later.csv").exists()
    assert (aside / "book.sqlite3").exists()
    assert not list(home.glob(".restoring-*"))


def test_a_backup_with_its_key_makes_another_home_the_same_installation(home: Path, other: Path, tmp_path: Path) -> None:
    name_one(home, "Ann")
    file = tmp_path / "saved.tar.gz"
    assert laer(home, "backup", str(file), "--with-key").returncode == 0
    done = laer(other, "restore", str(file))
    assert done.returncode == 0, done.stderr
    assert named(other) == ["Ann"]
    assert (other / "secret.key").read_text() == (home / "secret.key").read_text()
    assert (other / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_backup_is_one_state_while_others_write(home: Path, tmp_path: Path) -> None:
    rows(home, "CREATE TABLE pairs (n integer)")
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sqlite3, sys\nbook = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\nwhile True:\n    book.execute('BEGIN IMMEDIATE')\n    "
         "book.execute('INSERT INTO pairs VALUES (1)')\n    book.execute('INSERT INTO pairs VALUES (2)')\n    book.execute('COMMIT')", str(home / "book.sqlite3")]
    )  # fmt: skip
    try:
        time.sleep(0.5)
        assert laer(home, "backup", str(tmp_path / "saved.tar.gz")).returncode == 0
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    with tarfile.open(tmp_path / "saved.tar.gz") as tar:
        tar.extract("book.sqlite3", tmp_path, filter="data")
    with closing(sqlite3.connect(tmp_path / "book.sqlite3")) as copy:
        ones, twos = copy.execute("SELECT sum(n = 1), sum(n = 2) FROM pairs").fetchone()
        assert ones == twos > 0
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def packed(path: Path, *members: tarfile.TarInfo | tuple[str, bytes], manifest: object = None) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            info, content = (member, b"") if isinstance(member, tarfile.TarInfo) else (tarfile.TarInfo(member[0]), member[1])
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        if manifest is not None:
            text = json.dumps(manifest).encode()
            info = tarfile.TarInfo("manifest.json")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return path


def link(name: str, to: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (("/etc/laer-was-here", b"x"), "not a path below"),
        (("../laer-was-here", b"x"), "not a path below"),
        (("files/../../laer-was-here", b"x"), "not a path below"),
        (("files//laer", b"x"), "not a path below"),
        (("./book.sqlite3", b"x"), "not a path below"),
        (("files\\..\\laer", b"x"), "not a path below"),
        (("files", b"x"), "not part of an installation"),
        ((".bashrc", b"x"), "not part of an installation"),
        (("serve.lock", b"x"), "not part of an installation"),
        (link("files/link", "/etc/passwd", tarfile.SYMTYPE), "not a plain file"),
        (link("files/link", "../../secret.key", tarfile.SYMTYPE), "not a plain file"),
        (link("book.sqlite3", "/etc/passwd", tarfile.LNKTYPE), "not a plain file"),
        (link("lake/pipe", "", tarfile.FIFOTYPE), "not a plain file"),
        (link("lake/device", "", tarfile.CHRTYPE), "not a plain file"),
        (link("files/folder", "", tarfile.DIRTYPE), "not a plain file"),
    ],
)
def test_an_evil_member_is_refused_and_nothing_is_written(tmp_path: Path, member: object, said: str) -> None:
    into = tmp_path / "a" / "b"
    into.mkdir(parents=True)
    with pytest.raises(archive.BadArchive, match=said):
        archive.unpack(packed(tmp_path / "evil.tar.gz", member), into)  # type: ignore[arg-type]
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "evil.tar.gz"]
    assert not Path("/etc/laer-was-here").exists()


GOOD = {"format": 1, "laer": "0.1.0", "made_at": "2026-01-01", "database": "sqlite", "migrations": ["runs.0001_initial"], "key": False}
X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # sha256 of b"x"
SAID: list[tuple[list[tuple[str, bytes]], object, str]] = [
    ([("book.sqlite3", b"x")], None, "no manifest.json"),
    ([("book.sqlite3", b"x")], [1], "is not one of laer's"),
    ([("book.sqlite3", b"x")], {**GOOD, "format": 9, "members": {}}, "found format 9, expected 1"),
    ([("book.sqlite3", b"x")], {**GOOD, "members": {"book.sqlite3": {"sha256": "0" * 64}}}, "book.sqlite3 does not match its checksum"),
    ([("book.sqlite3", b"x"), ("files/a", b"x")], {**GOOD, "members": {"book.sqlite3": {"sha256": X}}}, "files/a is not in its manifest"),
    ([("book.sqlite3", b"x")], {**GOOD, "members": {"book.sqlite3": {"sha256": X}, "files/a": {"sha256": X}}}, "files/a is missing"),
    ([("files/a", b"x")], {**GOOD, "members": {"files/a": {"sha256": X}}}, "no book.sqlite3"),
    ([("files/a", b"x"), ("files/a", b"x")], {**GOOD, "members": {}}, "twice"),
    (
        [("book.sqlite3", b"x")],
        {**GOOD, "members": {"book.sqlite3": {"sha256": X}}, "migrations": ["book.9000_future"]},
        "newer version.*book.9000_future",
    ),
]


@pytest.mark.parametrize(("members", "manifest", "said"), SAID)
def test_a_manifest_that_does_not_fit_is_refused(tmp_path: Path, members: list[tuple[str, bytes]], manifest: object, said: str) -> None:
    from django.db import connection

    into = tmp_path / "into"
    into.mkdir()
    if isinstance(manifest, dict) and "9000" in str(manifest) and connection.vendor != "sqlite":
        pytest.skip("the archive is of an SQLite book, which is refused first")
    if connection.vendor != "sqlite" and said.startswith("no book"):
        said = "it holds a sqlite book"
    with pytest.raises(archive.BadArchive, match=said):
        archive.unpack(packed(tmp_path / "bad.tar.gz", *members, manifest=manifest), into)


def test_a_file_that_is_cut_short_or_no_archive_is_refused(tmp_path: Path) -> None:
    whole = packed(tmp_path / "whole.tar.gz", ("book.sqlite3", os.urandom(20_000)), manifest={**GOOD, "members": {"book.sqlite3": {"sha256": X}}}).read_bytes()
    for number, content in enumerate((whole[:10_000], b"not a tar at all", b"", whole[:500] + b"\0" * 500 + whole[1000:])):
        file = tmp_path / f"{number}.tar.gz"
        file.write_bytes(content)
        into = tmp_path / str(number)
        into.mkdir()
        with pytest.raises(archive.BadArchive, match=r"cannot be read as a backup|has no manifest|does not match its checksum"):
            archive.unpack(file, into)


def test_a_restore_that_is_refused_leaves_the_installation_as_it_was(home: Path, tmp_path: Path) -> None:
    before = sorted(p.name for p in home.iterdir())
    book = (home / "book.sqlite3").read_bytes()
    damaged = packed(tmp_path / "damaged.tar.gz", ("book.sqlite3", b"x"), manifest={**GOOD, "members": {"book.sqlite3": {"sha256": X, "size": 1}}})
    done = laer(home, "restore", str(damaged), "--force")
    assert done.returncode == 1
    assert done.stderr == f"laer: {damaged}: its book is damaged: no such table: django_migrations\n"
    assert (home / "book.sqlite3").read_bytes() == book
    assert sorted(p.name for p in home.iterdir() if p.name != "serve.lock") == before


@pytest.mark.postgres
def test_a_book_on_postgresql_comes_back_too(tmp_path: Path) -> None:
    from urllib.parse import urlsplit, urlunsplit

    import psycopg

    url = urlsplit(os.environ.get("DATABASE_URL") or "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"laer_operate_{os.getpid()}"
    own = urlunsplit(url._replace(path=f"/{name}"))
    with psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            home, file = tmp_path / "home", tmp_path / "saved.tar.gz"
            done = laer(home, "init", DATABASE_URL=own)
            assert done.returncode == 0, done.stderr
            laer(home, "user", "create", "ann@example.com", "--role", "admin", DATABASE_URL=own)
            done = laer(home, "backup", str(file), DATABASE_URL=own)
            assert done.returncode == 0, done.stderr
            laer(home, "user", "create", "eve@example.com", "--role", "admin", DATABASE_URL=own)
            assert laer(home, "restore", str(file), DATABASE_URL=own).returncode == 2
            done = laer(home, "restore", str(file), "--force", DATABASE_URL=own)
            assert done.returncode == 0, done.stderr
            listed = laer(home, "user", "list", DATABASE_URL=own).stdout
            assert "ann@example.com" in listed
            assert "eve@example.com" not in listed
            assert laer(home, "upgrade", DATABASE_URL=own).returncode == 0
            refused = laer(tmp_path / "sqlite", "restore", str(file), DATABASE_URL="")
            assert "it holds a postgresql book" in refused.stderr
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


# --- serve ------------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(port: int, path: str = "/healthz") -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


@contextmanager
def served(home: Path, port: int, *extra: str) -> Iterator[psutil.Popen]:
    log = (home.parent / "serve.log").open("w+")
    process = psutil.Popen([*LAER, "serve", "--port", str(port), *extra], env=os.environ | {"LAER_HOME": str(home)}, stdout=log, stderr=log)
    try:
        wait_for(lambda: answer(port)[0] or process.poll() is not None)
        yield process
    finally:
        family = [process, *process.children(recursive=True)] if process.poll() is None else []
        for member in family:
            member.kill()
        process.wait()


def test_serve_answers_and_ends_with_both_processes(home: Path) -> None:
    port = free_port()
    with served(home, port) as process:
        status, body = answer(port)
        assert (status, json.loads(body)["status"]) == (200, "ok")
        assert answer(port, "/readyz")[0] == 200
        wait_for(lambda: len(process.children()) == 2)
        family = process.children(recursive=True)
        listening = {c.laddr.ip for member in family for c in member.net_connections("tcp") if c.status == "LISTEN"}
        assert listening == {"127.0.0.1"}
        process.terminate()
        assert process.wait(20) == 0
        assert not psutil.wait_procs(family, timeout=1)[1]
    said = (home.parent / "serve.log").read_text()
    assert f"laer is at http://127.0.0.1:{port}/" in said


@pytest.mark.faults
def test_serve_starts_again_what_dies_and_leaves_nothing_when_it_is_killed(home: Path) -> None:
    port = free_port()
    with served(home, port) as process:
        wait_for(lambda: len(process.children()) == 2)
        before = {c.pid for c in process.children()}
        for child in process.children():
            child.kill()
        wait_for(lambda: len(process.children()) == 2 and not before & {c.pid for c in process.children()})
        wait_for(lambda: answer(port)[0] == 200)
        family = process.children(recursive=True)
        process.kill()
        assert not psutil.wait_procs(family, timeout=20)[1]


def test_serve_without_worker_is_one_process_and_holds_its_home(home: Path, tmp_path: Path) -> None:
    port = free_port()
    with served(home, port, "--no-worker") as process:
        (child,) = process.children()
        second = laer(home, "serve", "--port", str(free_port()))
        assert second.returncode == 2
        assert f"is in use by another `laer` (serve, process {process.pid})" in second.stderr
        assert laer(home, "backup", str(tmp_path / "saved.tar.gz")).returncode == 0
        restored = laer(home, "restore", str(tmp_path / "saved.tar.gz"), "--force")
        assert restored.returncode == 2
        assert "stop it first" in restored.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not child.is_running()


@pytest.mark.django_db
def test_a_port_in_use_is_one_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.exit_code == 1
    assert done.output == f"laer: cannot listen on 127.0.0.1:{port} (address already in use); choose another with --port\n"


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_serve_refuses_debug_on_another_address(settings: Any, host: str) -> None:
    settings.DEBUG = True
    done = run("serve", "--host", host, "--port", str(free_port()))
    assert done.exit_code == 2
    assert f"LAER_DEBUG shows settings and code to whoever causes an error: it is refused on {host}" in done.output


@pytest.mark.django_db
def test_several_web_processes_need_postgresql() -> None:
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("this is PostgreSQL")
    done = run("serve", "--web-processes", "2", "--port", str(free_port()))
    assert done.exit_code == 2
    assert "needs PostgreSQL" in done.output


def test_serve_makes_an_installation_where_there_is_none_yet(other: Path) -> None:
    port = free_port()
    with served(other, port, "--no-worker"):
        assert answer(port, "/readyz")[0] == 200
    assert "first login is made with: laer user create" in (other.parent / "serve.log").read_text()
    assert rows(other, "SELECT count(*) FROM record_accounts") == [(0,)]


def test_serve_makes_no_second_book_in_a_home_that_lost_its_own(home: Path) -> None:
    (home / "book.sqlite3").unlink()
    done = laer(home, "serve", "--port", str(free_port()))
    assert done.returncode == 2
    assert "there is no book" in done.stderr
    assert not (home / "book.sqlite3").exists()


@pytest.mark.django_db
def test_the_front_end_is_collected_again_when_its_content_changed_not_when_it_is_newer(settings: Any, tmp_path: Path) -> None:
    from laer.cli.operate.installation import collect_static

    source = tmp_path / "source"
    (source / "dist").mkdir(parents=True)
    style = source / "dist" / "app.css"
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [source], tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    assert not collect_static()

    def collected(text: str) -> str:
        style.write_text(text)
        os.utime(style, (0, 0))  # as a wheel built long ago brings it
        assert collect_static()
        return (tmp_path / "static" / "dist" / "app.css").read_text()

    assert collected("a{}") == "a{}"
    assert collected("b{}") == "b{}"
    kept = (tmp_path / "static" / "staticfiles.json").stat().st_mtime_ns
    style.touch()
    assert collect_static()
    assert (tmp_path / "static" / "staticfiles.json").stat().st_mtime_ns == kept


def test_a_request_under_way_is_answered_before_the_server_ends(home: Path) -> None:
    """A sign-in writes; it waits for the book's lock, which we hold until the server was told to end."""
    port = free_port()
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with served(home, port, "--no-worker") as process, closing(sqlite3.connect(home / "book.sqlite3", isolation_level=None)) as book:
        page = browser.open(f"http://127.0.0.1:{port}/login/", timeout=20).read().decode()
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page))
        form = f"csrfmiddlewaretoken={token}&login=eve%40example.com&password=tulip-harbour-42".encode()
        book.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(lambda: browser.open(f"http://127.0.0.1:{port}/login/", form, timeout=20).read().decode())
            time.sleep(1.0)
            assert not answered.done()
            process.terminate()
            time.sleep(1.0)
            book.execute("ROLLBACK")
            assert "not correct" in answered.result(15)
        assert process.wait(15) == 0
