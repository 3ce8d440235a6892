"""A translation is a file that somebody drops into the home, and nothing else: tried with the server that people start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

LAER = [sys.executable, "-m", "laer.cli"]


def door(port: int, language: str) -> str:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/login/", headers={"Accept-Language": language})
    with urllib.request.urlopen(asked, timeout=20) as said:
        assert said.headers["Content-Language"] == language[:2]
        return str(said.read().decode())


def test_a_catalogue_dropped_into_the_home_is_a_language_after_a_start(installation: Path) -> None:
    """German as a file: no tool but `laer serve`, which compiles it. Whose browser speaks another language reads English."""
    environment = os.environ | {"LAER_HOME": str(installation)}
    subprocess.run([*LAER, "init"], env=environment, check=True, capture_output=True, timeout=300)
    created = [*LAER, "user", "create", "ann@example.com", "--role", "admin", "--print-password"]
    subprocess.run(created, env=environment, check=True, capture_output=True, timeout=300)  # without a login every page is the first setup
    path = installation / "locale" / "de" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text((Path(__file__).parent / "door.de.po").read_text(encoding="utf-8"), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([*LAER, "serve", "--port", str(port), "--no-worker"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 300
            while True:
                try:
                    german = door(port, "de-DE,de;q=0.9")
                    break
                except urllib.error.URLError:
                    assert server.poll() is None
                    assert time.monotonic() < until, "the server did not answer"
                    time.sleep(0.2)  # between two looks at another process
            english = door(port, "en-GB,en")
        finally:
            server.send_signal(signal.SIGTERM)
    assert '<html lang="de" dir="ltr"' in german
    assert "<h1>Anmelden</h1>" in german
    assert "Passwort" in german
    assert "<h1>Sign in</h1>" in english
    assert path.with_suffix(".mo").exists()
