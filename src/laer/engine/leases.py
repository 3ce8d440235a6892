"""Leases of readers: a file that says which version of a table somebody reads, and until when.

A vacuum removes the files of superseded versions, so it must know who still reads them. A lease counts as live while
its expiry (if any) lies ahead and, on the same host, its process exists: a reader killed without warning holds nothing back.
The files are swapped in whole, so one that cannot be parsed survived a power cut, and so did nobody who wrote it.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path


@dataclass
class Lease:
    """One reader's hold on one version of one table.

    version  None while the reader is about to look up the version: such a lease holds every version
    ttl      how far ahead of the last heartbeat the lease expires
    """

    path: Path
    table: str
    version: int | None
    ttl: timedelta

    def renew(self, now: datetime | None) -> None:
        """The heartbeat: call it more often than `ttl`, or a vacuum takes the files away. Without `now` there is no expiry."""
        expires = (now + self.ttl).isoformat() if now else None
        said = {"table": self.table, "version": self.version, "pid": os.getpid(), "host": socket.gethostname(), "expires_at": expires}
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(said))
        draft.replace(self.path)

    def release(self) -> None:
        self.path.unlink(missing_ok=True)


def take(folder: Path, table: str, now: datetime | None, ttl: timedelta) -> Lease:
    """A lease that holds every version of the table, until its holder sets `version` and renews it."""
    folder.mkdir(parents=True, exist_ok=True)
    lease = Lease(folder / f"{table}-{uuid.uuid4().hex}.json", table, None, ttl)
    lease.renew(now)
    return lease


def held(folder: Path, table: str, now: datetime) -> list[int | None]:
    """The versions of the table that live readers hold; leases of the dead are swept away."""
    versions: list[int | None] = []
    for path in folder.glob(f"{table}-*.json"):
        try:
            said = json.loads(path.read_text())
            expired = said["expires_at"] is not None and datetime.fromisoformat(said["expires_at"]) <= now
            live = not expired and (said["host"] != socket.gethostname() or process_exists(said["pid"]))
        except FileNotFoundError:
            continue
        except (ValueError, KeyError):
            live = False
        if live:
            versions.append(said["version"])
        else:
            path.unlink(missing_ok=True)
    return versions


def process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
