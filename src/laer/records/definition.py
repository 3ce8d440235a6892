"""What every definition says of itself, and the text that it is written in: YAML whose lines are kept, so that a fault names one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

LONGEST = 20_000  # characters of one text
NODES = 2_000  # values of one text
STATUSES = ("draft", "trial", "stable", "retired")
IN_USE = ("trial", "stable")  # what a pass computes
Path = tuple[str | int, ...]


class Definition(BaseModel):
    """A thing that a firm defines in a text of its own. Drafts and retired ones are kept and computed by no pass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern="^[a-z][a-z0-9_]*$", max_length=60, description="by which everything else calls it: small letters, digits and _; never changed")
    name: str = Field(min_length=1, max_length=80, description="as people read it")
    status: Literal["draft", "trial", "stable", "retired"] = Field("stable", description="a pass computes those of status trial and stable")
    description: str = Field("", max_length=2_000, description="what it is for")

    @property
    def in_use(self) -> bool:
        return self.status in IN_USE


@dataclass(frozen=True)
class Written:
    """The data of a YAML text and the line, from 1, on which each value of it stands, by its path."""

    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Of the value, else of the nearest one that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class Unreadable(ValueError):
    """A text that is no YAML of ours. `line` says where, from 1."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.line = line


def clean(text: str) -> str:
    """The text as it is kept: lines end in one line feed, the last one too."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@lru_cache(maxsize=512)
def compose(text: str) -> Written:
    """A YAML text as data with its lines. Anchors are refused: they can repeat a value a million times in a few letters.

    Remembered by its text: a pass reads every definition in use, and reading nineteen of them took it a tenth of its time on a small book. Nobody changes
    what this gives.

    Faults  Unreadable
    """
    if len(text) > LONGEST:
        raise Unreadable(f"{len(text):,} characters; at most {LONGEST:,} are read")
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
                raise Unreadable("an anchor (& or *) is not read here: write the value out", token.start_mark.line + 1)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except Unreadable:
        raise
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        raise Unreadable(f"not readable as YAML: {fault.problem or fault.context}", mark.line + 1 if mark else 1) from fault
    except (yaml.YAMLError, RecursionError, ValueError) as fault:  # ValueError: a date without such a day
        raise Unreadable(f"not readable as YAML: {' '.join(str(fault).split())[:200]}") from fault
    lines: dict[Path, int] = {}
    if node is not None:
        _walk(node, (), lines)
    return Written(data, lines)


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    lines[path] = node.start_mark.line + 1
    if len(lines) > NODES:
        raise Unreadable(f"more than {NODES:,} values", lines[path])
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = (*path, str(key.value))
            if name in lines:
                raise Unreadable(f"{key.value} stands there twice", key.start_mark.line + 1)
            _walk(value, name, lines)
            lines[name] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            _walk(value, (*path, at), lines)
