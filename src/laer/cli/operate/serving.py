"""`laer serve`: one web and one worker process, supervised; both end with it."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Annotated

import typer

from laer.cli import app
from laer.cli.book import fail, open_book
from laer.web import home

PATIENCE = 12.0  # seconds a process has to end by itself
LONGEST_WAIT = 30.0  # between two starts of a process that keeps dying
NICE = 5  # of the worker beside the web: on a machine with few cores whoever waits for a page goes first
SETTLED = 60.0  # a process that ran for so long starts again at once


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 8000,
    host: Annotated[str, typer.Option(help="address to listen on; 0.0.0.0 for every one")] = "127.0.0.1",
    threads: Annotated[int, typer.Option(min=1, max=512, help="requests served at once by each web process")] = 32,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="run the background worker too")] = True,
    web_processes: Annotated[int, typer.Option(min=1, max=64, help="more than one on PostgreSQL only")] = 1,
) -> None:
    """Serve the pages and do the background work until it is stopped. A home in which nothing was yet becomes an installation."""
    from laer.cli.operate.installation import make_if_new

    make_if_new()
    open_book()
    from laer.web.book import definitions

    definitions.seed()
    supervise(host, port, threads=threads, worker=worker, web_processes=web_processes)


@app.command(hidden=True)
def worker(supervised: bool = False) -> None:
    """Do background jobs. `laer serve` starts it."""
    open_book()
    from laer.web.runs.jobs import Worker

    stop = threading.Event()
    _on_end(stop)
    if supervised:
        _end_with_parent()
        os.nice(NICE)
    Worker().run_forever(stop)


@app.command(hidden=True)
def web(address: str, port: int, threads: int, processes: int) -> None:
    """Serve the pages without worker. `laer serve` starts it."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    _end_with_parent()
    Server(
        "laer.web.wsgi:application",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=threads,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        respawn_interval=1.0,
        workers_kill_timeout=5,
        process_name=None,
    ).serve()


def supervise(host: str = "127.0.0.1", port: int = 8000, *, threads: int = 32, worker: bool = True, web_processes: int = 1) -> None:
    """Run the processes of an installation until SIGTERM or SIGINT. Django is set up."""
    from django.conf import settings
    from django.db import connection

    from laer.cli.operate.installation import collect_static
    from laer.web.people import setup
    from laer.web.runs import beat

    address = _address(host)
    if settings.DEBUG and not ipaddress.ip_address(address).is_loopback:
        fail(f"LAER_DEBUG shows settings and code to whoever causes an error: it is refused on {host}; unset it or listen on 127.0.0.1")
    if web_processes > 1 and connection.vendor == "sqlite":
        fail("--web-processes: more than one needs PostgreSQL (on SQLite they wait for each other's locks); use --threads")
    _port_is_free(address, port)
    with alone("serve"):
        collect_static()
        beat.expect(worker)
        code = setup.make_code() if setup.is_needed() else ""
        connection.close()
        laer = [sys.executable, "-m", "laer.cli"]
        children = [Child("web", [*laer, "web", address, str(port), str(threads), str(web_processes)])]
        if worker:
            children.append(Child("worker", [*laer, "worker", "--supervised"]))
        stop = threading.Event()
        _on_end(stop)
        try:
            for child in children:
                child.start()
            threading.Thread(target=_announce, args=(address, port, stop, code), daemon=True).start()
            while not stop.wait(0.25):
                for child in children:
                    child.look()
        finally:
            for child in children:
                child.ask_to_end()
            deadline = time.monotonic() + PATIENCE
            for child in children:
                child.end(deadline)


@dataclass
class Child:
    """A process that is started again when it ends, ever more slowly. It ends when the pipe on its standard input closes, so with us."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float | None = field(default=None)

    def start(self) -> None:
        self.due, self.started = None, time.monotonic()
        # A session of its own: Ctrl-C reaches only us, and what is left of it can be ended as a group.
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, start_new_session=True)

    def look(self) -> None:
        if self.due is not None:
            if time.monotonic() >= self.due:
                self.start()
        elif self.process is not None and self.process.poll() is not None:
            self._end_group()
            self.failures = 0 if time.monotonic() - self.started > SETTLED else self.failures + 1
            wait = min(0.5 * 2**self.failures, LONGEST_WAIT) if self.failures else 0.0
            typer.echo(f"laer: the {self.name} process ended ({self.process.returncode}); it starts again in {wait:g} s", err=True)
            self.due = time.monotonic() + wait

    def ask_to_end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        self._end_group()
        self.process.wait()

    def _end_group(self) -> None:
        """Whatever of the process's own children outlived it must not keep the port."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.stdin:
            self.process.stdin.close()


@contextlib.contextmanager
def alone(what: str) -> Iterator[None]:
    """Hold the installation: two servers of one home, or a restore under a running one, would write over each other."""
    with (home.home() / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            fail(f"{what}: {home.home()} is in use by another `laer` ({lock.read().strip() or 'unknown'}); stop it first")
        lock.truncate(0)
        lock.write(f"{what}, process {os.getpid()}")
        lock.flush()
        yield


def _address(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError:
        fail(f"--host: there is no address {host!r}")
        raise


def _port_is_free(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            fail(f"cannot listen on {address}:{port} ({os.strerror(error.errno or 0).lower()}); choose another with --port", 1)


def _announce(address: str, port: int, stop: threading.Event, code: str) -> None:
    """Say where the pages are as soon as somebody answers there; before there is a login, also how its owner proves to be the owner."""
    ip = ipaddress.ip_address(address)
    at = ("::1" if ip.version == 6 else "127.0.0.1") if ip.is_unspecified else address
    while not stop.wait(0.1):
        with contextlib.suppress(OSError), socket.create_connection((at, port), timeout=1):
            break
    else:
        return
    shown = f"[{address}]" if ":" in address else address
    typer.echo(f"laer is at http://{shown}:{port}/ (Ctrl-C ends it)")
    if code:
        typer.echo("\n  Set it up in the browser. This link works until the first login is made:\n")
        typer.echo(f"  http://{'127.0.0.1' if ip.is_unspecified else shown}:{port}/start/?code={code}\n")
        if not ip.is_loopback:
            typer.echo(f"  From another machine open /start/ there and type the code: {code}\n")
    if not ip.is_loopback and not os.environ.get("LAER_HOSTS"):
        typer.echo("laer: other machines need the name they use for this one in LAER_HOSTS, e.g. LAER_HOSTS=laer.example.com", err=True)


def _on_end(stop: threading.Event) -> None:
    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # under nohup we go on
            signal.signal(number, end)


def _end_with_parent() -> None:
    """Our standard input is a pipe from the supervisor: when it closes, however the supervisor ended, we end too."""

    def watch() -> None:
        while os.read(0, 1):  # no buffered reader: its lock would be inherited by a fork
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
