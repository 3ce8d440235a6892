"""A small identity provider of OpenID Connect over real HTTP: discovery, authorization code with PKCE, RS256 tokens, userinfo, keys."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "laer", "a-client-secret"


class Provider:
    """`person` is who is signed in at the provider; the rest is what it has handed out."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "u-1", "email": "csm@laer.example", "email_verified": True, "name": "Maya Okafor"}
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.issuer = ""

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo", "jwks_uri": f"{self.issuer}/keys", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"], "code_challenge_methods_supported": ["S256"],
        }  # fmt: skip

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "k1", "use": "sig", "alg": "RS256"}]}

    def authorize(self, query: dict[str, str]) -> str | None:
        """The address to go back to, with a code; None for a request that is wrong."""
        if query.get("client_id") != CLIENT or query.get("response_type") != "code" or "openid" not in query.get("scope", "") or not query.get("code_challenge"):
            return None
        code = secrets.token_urlsafe(16)
        self.codes[code] = {"redirect_uri": query["redirect_uri"], "challenge": query["code_challenge"]}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        given = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if given is None or (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return None
        if (given["redirect_uri"], given["challenge"]) != (form.get("redirect_uri"), challenge):
            return None
        access, now = secrets.token_urlsafe(16), int(time.time())
        self.tokens[access] = self.person
        claims = self.person | {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300}
        return {"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": jwt.encode(claims, self.key, "RS256", {"kid": "k1"})}


@contextmanager
def served() -> Iterator[Provider]:
    """The provider, listening on a port of its own until the end of the block."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def answer(self, body: dict[str, Any] | None) -> None:
            self.send_response(200 if body is not None else 400)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body if body is not None else {"error": "invalid_request"}).encode())

        def do_GET(self) -> None:
            path = urlsplit(self.path)
            if path.path == "/authorize":
                back = provider.authorize({k: v[0] for k, v in parse_qs(path.query).items()})
                if back is None:
                    return self.answer(None)
                self.send_response(302)
                self.send_header("Location", back)
                self.end_headers()
            elif path.path == "/userinfo":
                self.answer(provider.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer ")))
            else:
                pages = {"/.well-known/openid-configuration": provider.configuration, "/keys": provider.keys}
                self.answer(pages[path.path]() if path.path in pages else None)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer(provider.token({k: v[0] for k, v in form.items()}))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
