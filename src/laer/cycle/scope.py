"""What a question may read. There is no question without one."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b


@dataclass(frozen=True)
class Scope:
    """Everything, or a set of accounts. `key` tells cached answers apart."""

    everything: bool
    account_ids: frozenset[int] = frozenset()

    @cached_property
    def key(self) -> str:
        if self.everything:
            return "all"
        return blake2b(array("q", sorted(self.account_ids)).tobytes(), digest_size=16).hexdigest()

    def narrowed(self, accounts: Iterable[int]) -> Scope:
        """These accounts, as far as they are in it."""
        wanted = frozenset(accounts)
        return Scope(False, wanted if self.everything else wanted & self.account_ids)
