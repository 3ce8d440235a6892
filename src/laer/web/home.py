"""LAER_HOME: everything that an installation keeps on disk, private to its user, so that two installations do not meet."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PRIVATE = 0o700


def home() -> Path:
    """The installation's folder (`LAER_HOME`, default `~/.laer`), made on first use with mode 0700."""
    folder = Path(os.environ.get("LAER_HOME", "~/.laer")).expanduser().absolute()
    if not folder.exists():
        folder.mkdir(parents=True, mode=PRIVATE)
        folder.chmod(PRIVATE)
    return folder


def lake() -> Path:
    """Folder of the lake (`LAER_LAKE`, default below the home)."""
    given = os.environ.get("LAER_LAKE")
    return _private(Path(given).expanduser().absolute() if given else home() / "lake")


def uploads() -> Path:
    return _private(home() / "files")


def catalogues() -> Path:
    """Folder of translations: `LANGUAGE/LC_MESSAGES/django.po`. It need not be there."""
    return home() / "locale"


def policies() -> Path:
    """Folder of the firm's own policies (`NAME.yaml`). Neither it nor the home is made: a command without an installation looks here, too."""
    return Path(os.environ.get("LAER_HOME", "~/.laer")).expanduser().absolute() / "policies"


def watch_roots() -> list[Path]:
    """Folders below which folders may be watched (`LAER_WATCH_ROOTS`, default `inbox` below the home)."""
    given = [Path(p.strip()).expanduser() for p in os.environ.get("LAER_WATCH_ROOTS", "").split(os.pathsep) if p.strip()]
    return [p.resolve() for p in given] or [_private(home() / "inbox").resolve()]


def said_fiscal_start() -> int | None:
    """The first month of the fiscal year where the environment says it."""
    return fiscal_year_start() if os.environ.get("LAER_FISCAL_YEAR_START", "").strip() else None


def fiscal_year_start() -> int:
    """First month of the fiscal year (`LAER_FISCAL_YEAR_START`, 1 to 12, default January). Read by commands without a book, too."""
    given = os.environ.get("LAER_FISCAL_YEAR_START", "").strip() or "1"
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= 12):
        raise SystemExit(f"LAER_FISCAL_YEAR_START: found {given!r}, expected a month from 1 (January) to 12 (December)")
    return int(given)


def locale() -> str:
    """How numbers and dates are written for whoever chose nothing (`LAER_LOCALE`, for example de_CH); `en` follows the language of the texts."""
    given = os.environ.get("LAER_LOCALE", "").strip().replace("-", "_") or "en"
    if given != "en":
        from babel import Locale, UnknownLocaleError

        try:
            Locale.parse(given)
        except (UnknownLocaleError, ValueError):
            raise SystemExit(f"LAER_LOCALE: found {given!r}, expected a language and a country such as en_US or de_CH") from None
    return given


def plan_year() -> int | None:
    """The fiscal year whose plan rates the book's figures use (`LAER_PLAN_YEAR`); None: that of the run's day."""
    given = os.environ.get("LAER_PLAN_YEAR", "").strip()
    if given and not (given.isascii() and given.isdigit() and len(given) == 4):
        raise SystemExit(f"LAER_PLAN_YEAR: found {given!r}, expected a fiscal year of four digits, by the year in which it ends")
    return int(given) if given else None


def networks(name: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Networks that a variable names, with commas: 10.1.0.0/16, 127.0.0.1."""
    given = [one.strip() for one in os.environ.get(name, "").split(",") if one.strip()]
    try:
        return tuple(ipaddress.ip_network(one) for one in given)
    except ValueError as wrong:
        raise SystemExit(f"{name}: found {', '.join(given)!r}, expected networks such as 10.1.0.0/16 with commas ({wrong})") from None


def scratch() -> Path:
    """For copies that live as long as one read; what a killed process left is swept away with its pass."""
    return _private(home() / "tmp")


def last_backup() -> datetime | None:
    """When `laer backup` last wrote an archive of this installation; None where it never did."""
    mark = home() / "last-backup"
    return datetime.fromtimestamp(mark.stat().st_mtime, UTC) if mark.exists() else None


def note_backup() -> None:
    (home() / "last-backup").touch(mode=0o600)


def secret_key() -> str:
    """The installation's secret, made at the first run and never printed. `LAER_SECRET_KEY` overrides it."""
    given = os.environ.get("LAER_SECRET_KEY")
    if given:
        return given
    path = home() / "secret.key"
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key


def begin_restore(file: Path, aside: Path) -> None:
    """From here on the home is neither what it was nor what it will be; a restore that is killed leaves the mark behind."""
    draft = _restoring().with_suffix(".draft")
    draft.write_text(json.dumps({"file": str(file), "aside": str(aside)}), encoding="utf-8")
    draft.replace(_restoring())


def end_restore() -> None:
    _restoring().unlink(missing_ok=True)


def unfinished_restore() -> dict[str, str]:
    """`file` (what was being restored) and `aside` (where the former state went) of a restore that did not end; empty where there is none."""
    try:
        found: dict[str, str] = json.loads(_restoring().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def note_restore() -> None:
    """The book is that of a backup: what it calls waiting may have gone out since, so nothing leaves the house until a person decides."""
    _write_restored({"id": secrets.token_hex(8), "at": datetime.now(UTC).isoformat(timespec="seconds"), "held": True})


def restored() -> dict[str, Any]:
    """Of the last restore: `id` (made anew by each), `at` (UTC), `held` (nothing leaves the house yet). Empty where there was none."""
    try:
        found: dict[str, Any] = json.loads((home() / "restored.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def end_hold() -> None:
    """A person decided what is to go after a restore."""
    if found := restored():
        _write_restored(found | {"held": False})


def _write_restored(values: dict[str, Any]) -> None:
    draft = home() / "restored.draft"
    draft.write_text(json.dumps(values), encoding="utf-8")
    draft.replace(home() / "restored.json")


def _restoring() -> Path:
    return home() / "restore.unfinished"


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    return folder
