"""Sign-up is closed: people are invited or made by `laer user create`, never by a stranger with a form."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from laer.web.people.company import firm
from laer.web.people.sealing import seal, unseal

FACTOR = "second factor"


class ClosedAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SealedSecrets(DefaultMFAAdapter):
    """Second factors are sealed with the installation's secret: a copy of the database alone signs nobody in."""

    def get_totp_issuer(self) -> str:
        """What an authenticator app calls this login's place."""
        return f"laer {firm().name}".strip()

    def encrypt(self, text: str) -> str:
        return seal(FACTOR, text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(FACTOR, encrypted_text)

