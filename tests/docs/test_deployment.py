"""The Dockerfile, compose.yaml and .dockerignore hold together, also where no docker is: `make image` builds them where it is."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from laer.cli import app

ROOT = Path(__file__).parents[2]
SETTINGS = set(re.findall(r"^\| `([A-Z_0-9]+)` \|", (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8"), re.MULTILINE))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")


def instructions() -> list[tuple[str, str]]:
    """(instruction, the rest) of the Dockerfile, continued lines joined, comments left out."""
    text = "\n".join(line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [tuple(line.split(maxsplit=1)) for line in text.replace("\\\n", " ").splitlines() if line.strip()]  # type: ignore[misc]


def stages() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(name, image, instructions) of each stage, in order."""
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    for word, rest in instructions():
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append((name, image, []))
        else:
            found[-1][2].append((word, rest))
    return found


def last(word: str) -> str:
    return [rest for instruction, rest in stages()[-1][2] if instruction == word][-1]


def sent(path: Path) -> bool:
    """Does .dockerignore let the builder have it? The last pattern that matches decides."""
    name, answer = path.relative_to(ROOT).as_posix(), True
    above = [name, *(p.as_posix() for p in Path(name).parents if p != Path("."))]
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").strip()
        if not pattern or pattern.startswith("#"):
            continue
        if any(fnmatch(part, pattern) or (pattern.startswith("**/") and fnmatch(part.rpartition("/")[2], pattern[3:])) for part in above):
            answer = line.startswith("!")
    return answer


def options(words: list[str]) -> Iterator[str]:
    return (word for word in words if word.startswith("--"))


def test_it_knows_every_instruction_and_pins_every_image() -> None:
    assert {word for word, _ in instructions()} <= set(
        "FROM ARG ENV WORKDIR COPY RUN USER VOLUME EXPOSE HEALTHCHECK STOPSIGNAL ENTRYPOINT CMD LABEL SHELL".split()
    )
    assert [image for _, image, _ in stages() if not re.fullmatch(r"[a-z]+:\d[\w.-]*", image)] == []


def test_every_copy_is_of_something_that_is_there_and_is_sent() -> None:
    names: list[str] = []
    for name, _, lines in stages():
        for word, rest in lines:
            if word != "COPY":
                continue
            words = shlex.split(rest)
            (stage,) = [option.removeprefix("--from=") for option in options(words)] or [""]
            sources = [w for w in words if not w.startswith("--")][:-1]
            if stage:
                assert stage in names, f"COPY --from={stage}: the stages before are {names}"
                continue
            for source in sources:
                assert (ROOT / source).exists(), source
                files = [f for f in (ROOT / source).rglob("*") if f.is_file()] if (ROOT / source).is_dir() else [ROOT / source]
                assert any(sent(f) for f in files), f".dockerignore holds {source} back"
        names.append(name)


@pytest.mark.parametrize(
    "name",
    [".env", ".git/config", ".venv/bin/python", ".laer/demo/secret.key", "compose.yaml", "tests/cast.py", "frontend/node_modules/x.js", "src/laer/__pycache__/x.pyc", "src/laer/web/static/dist/app.css"],
)
def test_neither_secrets_nor_local_builds_are_sent(name: str) -> None:
    assert not sent(ROOT / name)


def test_what_the_package_is_built_of_is_copied_into_the_stage_that_builds_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    copied = {w for word, rest in {n: i for n, _, i in stages()}["build"] if word == "COPY" and "--from" not in rest for w in rest.split()[:-1]}
    assert {project["readme"], *project["license-files"], "pyproject.toml", "uv.lock", "src"} <= copied


def test_both_pythons_are_the_same_and_one_that_laer_runs_on() -> None:
    images = {image for _, image, _ in stages() if image.startswith("python:")}
    assert len(images) == 1, f"an environment made by one Python does not run on another: {images}"
    minor = int(re.match(r"python:3\.(\d+)", images.pop())[1])  # type: ignore[index]
    least = int(re.fullmatch(r">=3\.(\d+)", tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"])[1])  # type: ignore[index]
    assert minor >= least


def test_the_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    assert last("USER") not in ("root", "0")
    words = [word for word, _ in stages()[-1][2]]
    assert words.index("USER") < words.index("CMD")
    assert not [rest for word, rest in stages()[-1][2][words.index("USER") :] if word in ("RUN", "COPY")], "what is done after USER belongs to the user"
    assert "/readyz" in last("HEALTHCHECK")
    compile(json.loads(last("HEALTHCHECK").split("CMD", 1)[1])[2], "HEALTHCHECK", "exec")


def test_no_secret_is_in_the_image() -> None:
    given = {name for word, rest in instructions() if word in ("ENV", "ARG") for name in re.findall(r"([A-Z_0-9]+)=", rest)}
    assert {name for name in given if SECRET.search(name)} == set()
    assert {name for name in given if name.startswith("LAER_")} <= SETTINGS


def test_it_starts_a_command_that_exists_on_the_port_that_is_exposed_probed_and_published() -> None:
    command = [*json.loads(last("ENTRYPOINT")), *json.loads(last("CMD"))]
    serve = typer.main.get_command(app).commands[command[1]]  # type: ignore[attr-defined]
    assert command[0] == "laer"
    assert set(options(command)) <= {option for p in serve.params for option in p.opts}
    port = command[command.index("--port") + 1]
    assert last("EXPOSE") == port
    assert f"127.0.0.1:{port}/" in last("HEALTHCHECK")
    (published,) = COMPOSE["services"]["laer"]["ports"]
    assert published.startswith("127.0.0.1:"), "a proxy with TLS stands in front; nobody reaches it past that"
    assert published.endswith(f":{port}")


def test_what_is_written_goes_into_a_volume() -> None:
    home = last("VOLUME")
    assert f"LAER_HOME={home}" in last("ENV")
    assert f"home:{home}" in COMPOSE["services"]["laer"]["volumes"]
    named = {volume.split(":")[0] for service in COMPOSE["services"].values() for volume in service["volumes"]}
    assert named == set(COMPOSE["volumes"])


def test_compose_gives_settings_that_exist_and_no_password_of_its_own() -> None:
    given = COMPOSE["services"]["laer"]["environment"]
    assert set(given) <= SETTINGS
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    asked = dict(re.findall(r"\$\{(\w+)(:?[-?][^}]*)?\}", text))
    assert {name for name in asked if SECRET.search(name)} == {"POSTGRES_PASSWORD"}
    assert asked["POSTGRES_PASSWORD"].startswith(":?"), "without it nothing starts; there is no default password"
    assert {name for name in asked if name.startswith("LAER_")} <= SETTINGS


def test_the_book_is_that_of_the_postgres_service() -> None:
    laer, postgres = COMPOSE["services"]["laer"], COMPOSE["services"]["postgres"]
    url = re.fullmatch(r"postgresql://(\w+):(\$\{POSTGRES_PASSWORD[^}]*\})@(\w+):5432/(\w+)", laer["environment"]["DATABASE_URL"])
    assert url
    user, password, host, name = url.groups()
    assert COMPOSE["services"][host] is postgres
    assert postgres["environment"] == {"POSTGRES_USER": user, "POSTGRES_DB": name, "POSTGRES_PASSWORD": password}
    assert laer["depends_on"] == {host: {"condition": "service_healthy"}}
    assert {user, name} <= set(postgres["healthcheck"]["test"])
    assert "ports" not in postgres


def test_the_image_can_save_a_book_of_the_server_that_compose_starts() -> None:
    (server,) = re.findall(r"postgres:(\d+)", COMPOSE["services"]["postgres"]["image"])
    (client,) = re.findall(r"postgresql-client-(\d+)", next(rest for word, rest in stages()[-1][2] if word == "RUN"))
    assert int(client) >= int(server), "pg_dump refuses a server that is newer than itself"


def test_a_stop_has_the_time_that_serve_takes() -> None:
    from laer.cli.operate.serving import PATIENCE

    assert int(COMPOSE["services"]["laer"]["stop_grace_period"].removesuffix("s")) > PATIENCE
