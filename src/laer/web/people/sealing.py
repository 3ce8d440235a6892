"""Secrets at rest: sealed with the installation's key, so that a copy of the database alone tells none of them."""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class Unsealed(Exception):
    """A secret that this installation's key does not open: it was sealed with another key."""


def seal(purpose: str, text: str) -> str:
    """The text under the installation's key. What was sealed for one purpose opens for no other."""
    return _key(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """Raises Unsealed where the key is another than the one it was sealed with."""
    try:
        return _key(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unsealed(f"the {purpose} was sealed with another key than this installation's; enter it again") from None


def _key(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(sha256(purpose.encode() + settings.SECRET_KEY.encode()).digest()))
