"""A `laer` that ends by SIGKILL at a stated point: what a power cut leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

# sys.argv: when to end ("rename:2" the second rename of a file in the home, "migration:book.0005_x" within that step, "migrated" after the last and
# before anything else), then the command.
SCRIPT = """
import os, signal, sys

what, _, which = sys.argv.pop(1).partition(":")

def end():
    os.kill(os.getpid(), signal.SIGKILL)

if what == "rename":
    left = [int(which)]
    def heard(event, arguments):
        if event == "os.rename" and os.environ["LAER_HOME"] in f"{arguments[0]} {arguments[1]}":
            left[0] -= 1
            if left[0] == 0:
                end()
    sys.addaudithook(heard)
elif what == "migrated":
    from django.db.models.signals import post_migrate
    post_migrate.connect(lambda **_: end(), weak=False)
else:
    from django.db.migrations.recorder import MigrationRecorder
    noted = MigrationRecorder.record_applied
    def note(self, app, name):
        if f"{app}.{name}" == which:
            end()
        noted(self, app, name)
    MigrationRecorder.record_applied = note

from laer.cli import main
main()
"""


def killed(home: Path, when: str, *words: str, **more: str) -> None:
    """Run the command on the home; it must have ended by our SIGKILL, at that point."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LAER_") and k != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, when, *words], env=kept | {"LAER_HOME": str(home), **more}, input="", capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == -signal.SIGKILL, f"it was not killed at {when}: {done.stdout} {done.stderr}"
