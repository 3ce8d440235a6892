"""`laer serve` as a user starts it, and what it says of each request in its own log."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import _firm

PATIENCE = 120.0  # seconds until it must be ready


class Server:
    """A running installation of the firm. `answers` gives the lines of its log by request id."""

    def __init__(self, environment: dict[str, str], port: int, log: Path) -> None:
        self.environment, self.port, self.log = environment, port, log

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> dict[str, dict[str, Any]]:
        found = {}
        for line in self.log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if said.get("logger") == "laer.requests":
                    found[said["request_id"]] = said
        return found


@contextlib.contextmanager
def serving(kind: str) -> Iterator[Server]:
    """The firm served on SQLite or PostgreSQL, in a folder of its own; all of it is gone afterwards."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended, too
    with tempfile.TemporaryDirectory(prefix="laer-bench-") as folder:
        environment = _firm.home(kind, Path(folder) / "home")
        environment |= {"LAER_LOG_FORMAT": "json", "LAER_LOG_LEVEL": "INFO", "PYTHONPATH": str(_firm.ROOT / "src")}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = Path(folder) / "serve.log"
        with log.open("wb") as out:
            command = [sys.executable, "-W", "ignore", "-m", "laer.cli", "serve", "--port", str(port)]
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
            try:
                _wait(process, port, log)
                yield Server(environment, port, log)
            finally:
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                if process.poll() is None:
                    process.kill()
                _firm.drop(environment)
                if kept := os.environ.get("LAER_BENCH_LOG"):
                    Path(kept).write_bytes(log.read_bytes())


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            if answer.status == 200:
                return
        time.sleep(0.3)
    raise RuntimeError(f"the server was not ready in {PATIENCE:.0f} s:\n{log.read_text(errors='replace')[-2_000:]}")
