"""Outgoing requests: a name is resolved once, every address behind it is checked, and the connection goes to the checked address.

Private, local and reserved addresses are refused unless LAER_PRIVATE_ADDRESSES names their network. Redirects are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

SECONDS = 15


class Unreachable(Exception):
    """No answer came, or the address may not be asked; the sentence says which."""


def check_url(url: str) -> None:
    """Raises Unreachable where an address cannot be one of another program. It is not resolved."""
    _parts(url)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer; what it says is not read. Raises Unreachable."""
    scheme, host, port, path = _parts(url)
    address = resolve(host, port)
    named = f"[{host}]" if ":" in host else host
    line = _Tls(host, address, port) if scheme == "https" else _Plain(host, address, port)
    try:
        line.request("POST", path, body, {**headers, "Host": named if port in (80, 443) else f"{named}:{port}", "User-Agent": "laer"})
        return line.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(_("%(host)s gave no answer: %(why)s") % {"host": host, "why": error or type(error).__name__}) from None
    finally:
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
    mapped = getattr(address, "ipv4_mapped", None) or address
    ours = (network for network in settings.PRIVATE_ADDRESSES if network.version == mapped.version)
    return (mapped.is_global and not mapped.is_multicast) or any(mapped in network for network in ours)


def _parts(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise Unreachable(_("Address: found “%(found)s”, expected one such as https://hooks.firm.example/laer") % {"found": url[:80]})
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path


class _Plain(http.client.HTTPConnection):
    """To an address that was resolved and checked, whatever the name says meanwhile."""

    def __init__(self, host: str, address: str, port: int) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _Tls(http.client.HTTPSConnection):
    """The same; the certificate is held against the name."""

    def __init__(self, host: str, address: str, port: int) -> None:
        super().__init__(host, port, timeout=SECONDS, context=ssl.create_default_context())
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)  # type: ignore[attr-defined]
