"""Outgoing requests: a name is resolved once, every address behind it is checked, and the connection goes to the checked address.

Private, local and reserved addresses are refused unless LAER_PRIVATE_ADDRESSES names their network. Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

SECONDS = 15
WRITTEN = "/?%:@!$&'()*+,;=~[]"  # what stands in an address as it is; everything else by its bytes (RFC 3986)


class Unreachable(Exception):
    """No answer came, or the address may not be asked; the sentence says which."""


def host_of(url: str) -> str:
    """The host that an address names; it is not resolved. Raises Unreachable where it cannot be the address of another program."""
    return _parts(url)[1]


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer, within SECONDS from the name to the last header; what it says is not read. Raises Unreachable."""
    scheme, host, port, path = _parts(url)
    began = time.monotonic()
    address = resolve(host, port)
    left = max(SECONDS - (time.monotonic() - began), 0.1)
    named = f"[{host}]" if ":" in host else host
    line = _Tls(host, address, port, left) if scheme == "https" else _Plain(host, address, port, left)
    cut = threading.Timer(left, line.cut)  # a socket's own limit begins anew with each byte: who drips a header would hold us for ever
    cut.daemon = True
    cut.start()
    try:
        line.request("POST", path, body, {**headers, "Host": named if port in (80, 443) else f"{named}:{port}", "User-Agent": "laer"})
        status = line.getresponse().status
        if line.was_cut:  # what came until then reads as an answer whose header ended
            raise TimeoutError
        return status
    except (OSError, http.client.HTTPException) as error:
        why = _("not within %(n)s seconds") % {"n": SECONDS} if line.was_cut else error or type(error).__name__
        raise Unreachable(_("%(host)s gave no answer: %(why)s") % {"host": host, "why": why}) from None
    finally:
        cut.cancel()
        line.close()


def resolve(host: str, port: int) -> str:
    """The first address of a name, where all of them may be asked."""
    try:
        found = list(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError) as error:
        raise Unreachable(_("%(host)s is not found: %(why)s") % {"host": host, "why": error}) from None
    for address in found:
        if not _may_ask(ipaddress.ip_address(address.partition("%")[0])):
            raise Unreachable(_("%(host)s is the address %(address)s of a private network; LAER_PRIVATE_ADDRESSES says which may be asked") % {
                "host": host, "address": address})  # fmt: skip
    return found[0]


def _may_ask(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is an address of the open network, or one that the installation names; what an IPv6 address carries counts as well as itself."""
    if any(address in network for network in settings.PRIVATE_ADDRESSES if network.version == address.version):
        return True
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    inner = _carried(address)
    if inner is not None and not _may_ask(inner):
        return False
    return address.ipv4_mapped is not None or (address.is_global and not address.is_multicast and not any(address in network for network in LOCAL))


LOCAL = (ipaddress.IPv6Network("fec0::/10"), ipaddress.IPv6Network("64:ff9b:1::/48"))  # of a site; a translator of the house's own
CARRIERS = ((ipaddress.IPv6Network("64:ff9b::/96"), 0), (ipaddress.IPv6Network("::/96"), 0), (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
            (ipaddress.IPv6Network("2002::/16"), 80))  # fmt: skip


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a mapped, translated, compatible, 6to4 or Teredo address leads to."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.teredo is not None:
        return address.teredo[1]
    for network, shift in CARRIERS:
        if address in network:
            return ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return None


def _parts(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise Unreachable(_("Address: found “%(found)s”, expected one such as https://hooks.firm.example/laer") % {"found": url[:80]})
    try:
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    except UnicodeError:
        raise Unreachable(_("Address: found “%(found)s”, expected one such as https://hooks.firm.example/laer") % {"found": url[:80]}) from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80), quote(path, safe=WRITTEN)


class _Cut:
    """A connection that another thread may end."""

    sock: socket.socket | None
    was_cut = False

    def cut(self) -> None:
        self.was_cut = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # the socket's own: that of TLS would also drop what the reader still holds


class _Plain(_Cut, http.client.HTTPConnection):
    """To an address that was resolved and checked, whatever the name says meanwhile."""

    def __init__(self, host: str, address: str, port: int, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _Tls(_Cut, http.client.HTTPSConnection):
    """The same; the certificate is held against the name."""

    def __init__(self, host: str, address: str, port: int, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds, context=ssl.create_default_context())
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        line = self._context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)  # type: ignore[attr-defined]
        self.sock = line
        line.do_handshake()
