"""A mail server for tests: it listens on this machine, keeps what it takes in a file, and answers as it is told to.

Kept in a file, since the processes that write to it are killed: what the sink has answered 250 for is what the world has received.
"""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from types import TracebackType

import pytest


class Sink:
    """With it a server runs. `said` answers a command otherwise than yes: {"RCPT": "550 nobody here"}; "CONTENT" answers what follows DATA, "" hangs up."""

    def __init__(self, said: dict[str, str] | None = None, slow: float = 0.0) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.said = dict(said or {})
        self.slow = slow  # seconds before it answers the content
        self._server = _Server(("127.0.0.1", 0), _Talk)
        self._server.sink = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Sink:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def messages(self) -> list[Message]:
        return [message_from_bytes(content) for _to, content in self.taken]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    sink: Sink


class _Talk(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            self._talk()
        except ConnectionError:  # the other side was killed
            pass

    def _talk(self) -> None:
        sink, to = self.server.sink, ""
        self._say("220 sink")
        while line := self.rfile.readline():
            verb = line.split(b":")[0].split()[0].upper().decode() if line.strip() else ""
            if verb in sink.said and verb != "CONTENT":
                self._say(sink.said[verb])
                continue
            if verb == "RCPT":
                to = line.decode().split("<")[1].split(">")[0]
            if verb == "DATA":
                self._say("354 go on")
                content = self._content()
                if content is None:  # the line broke in the middle: nothing was taken
                    return
                time.sleep(sink.slow)
                answer = sink.said.get("CONTENT", "250 taken")
                if answer.startswith("250") or not answer:  # what is taken is taken, whoever hears the answer
                    sink.taken.append((to, content))
                if not answer:
                    return
                self._say(answer)
                continue
            self._say("221 bye" if verb == "QUIT" else "250 sink")
            if verb == "QUIT":
                return

    def _content(self) -> bytes | None:
        lines = []
        while line := self.rfile.readline():
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b"..") else line)
        return None

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made
