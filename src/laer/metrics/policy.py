"""The ledger's policy as data: which words count, how movements are named, which windows are shown.

The rules are numbered as in docs/methods/policy.md; the shipped policies stand in content/policies/ as YAML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from laer.metrics.rate_rules import RateRules

CONTENT = Path(__file__).parent.parent / "content" / "policies"
OWN: list[Path] = []  # folders of a firm's own policies, named by who knows the installation before the first policy is read
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
PAUSED = frozenset({"paused"})
PAST_DUE = frozenset({"past due"})
TRIALS = frozenset({"trial", "trialing", "trialling"})


class StatusWords(BaseModel):
    """Rule 5: what a status word does to a line. A word that stands nowhere is asked for, never guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    counts: frozenset[str] = Field(description="the line's MRR counts")
    zero: frozenset[str] = Field(description="the line counts 0 whatever its amount")
    needs_end: frozenset[str] = Field(description="the line counts until its end and is rejected without one")

    @property
    def known(self) -> frozenset[str]:
        return self.counts | self.zero | self.needs_end


class Policy(BaseModel):
    """One named, versioned set of the ledger's rules. A figure always says which policy made it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    version: int
    title: str
    description: str
    movements: Literal["event", "net"]
    gap_days: int = Field(ge=0)
    grace_days: int = Field(30, ge=0, description="the book's renewal grace: a contract so many days past its end is pending (rules 9 and 10)")
    churn_basis: Literal["lines", "events"] = "lines"  # rule 20, of the book
    end: Literal["exclusive", "inclusive"]
    open_after_year: int = Field(ge=1970, le=9998, description="an end after this year is no end (rule 19)")
    windows: tuple[int, ...] = Field(min_length=1, description="months over which NRR and GRR are taken (rule 12)")
    discounts: Literal["net", "forever"] = Field(description="every discount lowers MRR, or only one that never ends (rule 15)")
    pause: Literal["keep", "churn"] = Field(description="a paused line keeps its MRR, or counts 0 (rule 5)")
    past_due_days: int | None = Field(ge=0, description="a past due line counts for so many days; None: as long as it says so (rule 5)")
    logo_churn: Literal["opening", "opening and new"] = Field(description="accounts lost are divided by these (rule 11)")
    net_churn: Literal["with reactivation", "without reactivation"] = Field(description="whether reactivation offsets net MRR churn (rule 11)")
    status: StatusWords
    rules: dict[int, dict[str, str]] = Field(description="rule number -> name and text, as shown beside a figure")

    @property
    def open_from(self) -> date:
        """The first day that is read as an open end."""
        return date(self.open_after_year + 1, 1, 1)

    @property
    def zero_words(self) -> frozenset[str]:
        """Status words of lines that count 0: those of rule 5, and pauses where the policy drops them."""
        return self.status.zero | PAUSED if self.pause == "churn" else self.status.zero

    @property
    def rates(self) -> RateRules:
        return RateRules(self.logo_churn, self.net_churn)

    @property
    def mark(self) -> str:
        """Changes with any of its rules and settings: a firm may change a number of its own policy and leave its version."""
        said = self.model_dump(mode="json") | {"status": {name: sorted(words) for name, words in self.status.model_dump().items()}}
        return blake2b(repr(said).encode(), digest_size=16).hexdigest()

    def changed(self, **changes: Any) -> Policy:
        """The same policy with single rules changed by name (what a command-line option does)."""
        return Policy.model_validate(self.model_dump() | {k: v for k, v in changes.items() if v is not None})


SETTINGS = {
    "end": 1, "movements": 4, "status": 5, "pause": 5, "past_due_days": 5, "gap_days": 9, "logo_churn": 11, "net_churn": 11, "windows": 12, "discounts": 15,
    "open_after_year": 19,
}  # fmt: skip
"""What a preset may change -> the rule that it changes."""


def policy_names() -> list[str]:
    """The policies that there are, default first: those that ship, and the firm's own."""
    return sorted(_files(), key=lambda name: (name != "default", name))


@cache
def load_policy(name: str = "default") -> Policy:
    """A policy by name, read once (a page asks for it several times); the error lists what exists, or says what is wrong with a firm's own.

    A preset names the policy that it is `based_on` and what it changes of it: settings, status words and texts of rules by name.
    """
    files = _files()
    if name not in files:
        raise ValueError(f"no policy {name!r}; there are: {', '.join(policy_names())}")
    try:
        policy = Policy.model_validate(_read(files[name], files))
    except (ValueError, TypeError, yaml.YAMLError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else " ".join(str(error).split())
        raise ValueError(f"{files[name]} is no policy: {said}") from error
    if policy.id != name:
        raise ValueError(f"{files[name]} is no policy: found the id {policy.id!r}, expected that of its file, {name!r}")
    return policy


def _files() -> dict[str, Path]:
    """Name -> its file."""
    own = {path.stem: path for folder in OWN for path in sorted(folder.glob("*.yaml")) if NAME.fullmatch(path.stem)}
    shipped = {path.stem: path for path in CONTENT.glob("*.yaml")}
    if taken := sorted(own.keys() & shipped.keys()):
        raise ValueError(f"{own[taken[0]]}: laer has a policy {taken[0]!r}; give yours a name of its own, and `based_on: {taken[0]}`")
    return shipped | own


def _read(file: Path, files: Mapping[str, Path]) -> dict[str, Any]:
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(said, dict):
        raise TypeError("found no settings, expected lines such as `grace_days: 45`")
    if "based_on" not in said:
        return said
    name = said.pop("based_on")
    if name not in files or files[name].parent != CONTENT:
        raise TypeError(f"based_on: found {name!r}, expected one of {', '.join(sorted(n for n, path in files.items() if path.parent == CONTENT))}")
    base = _read(files[name], files)
    return base | said | {part: base[part] | (said.get(part) or {}) for part in ("status", "rules")}
