"""The ledger's policy as data: which words count, how movements are named, which windows are shown.

The rules are numbered as in docs/methods/policy.md; the shipped policies stand in content/policies/ as YAML.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

CONTENT = Path(__file__).parent.parent / "content" / "policies"


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
    open_after_year: int
    windows: tuple[int, ...]
    rounding: Literal["half-even"]
    status: StatusWords
    rules: dict[int, dict[str, str]] = Field(description="rule number -> name and text, as shown beside a figure")

    def changed(self, **changes: Any) -> Policy:
        """The same policy with single rules changed by name (what a command-line option does)."""
        return Policy.model_validate(self.model_dump() | {k: v for k, v in changes.items() if v is not None})


def load_policy(name: str = "default") -> Policy:
    """A shipped policy by name; the error lists what exists."""
    path = CONTENT / f"{name}.yaml"
    if not path.exists():
        there = ", ".join(sorted(p.stem for p in CONTENT.glob("*.yaml")))
        raise ValueError(f"no policy {name!r}; there are: {there}")
    return Policy.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
