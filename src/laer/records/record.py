"""The shape of a record type: a pydantic model whose annotations also say how a column is recognised, stored and read.

One declaration feeds four readers: the import (header names, parsing), the book's seam (one SQL view per type),
the engine (an Arrow schema) and the docs. Nothing about a record is said twice.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = {int: "integer", str: "text", bool: "boolean", date: "date", datetime: "instant", Decimal: "decimal", dict: "json"}
@dataclass(frozen=True)
class Col:
    """What the import and the seam know of a column.

    aka       header names by which files call it, in plain words (matched without case, spaces, `_` and `-`)
    refers    the record type it points at; in files an external id, in the book our id
    virtual   named in files only: the book turns it into rows of another type (an owner into a person and an assignment)
    stored    False for what only the book's view adds
    words     closed vocabulary, where there is one
    """

    aka: tuple[str, ...] = ()
    refers: str | None = None
    virtual: bool = False
    label: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One column of a record type, derived from its annotation."""

    name: str
    kind: str
    required: bool
    col: Col

    @property
    def label(self) -> str:
        return self.col.label or self.name.removesuffix("_id").removesuffix("_on").removesuffix("_at").replace("_", " ").capitalize()

    @property
    def arrow(self) -> pa.DataType:
        return _arrow()["ref" if self.col.refers else self.kind]


@dataclass(frozen=True)
class Info:
    """name     plural name: the table, the view `record_<name>`, the mapping key
    noun     singular, as people say it
    grain    one row per what
    key      the column that holds the source's own id of a row
    home     book (SQL) or lake (Delta)
    natural  columns that identify a row of a file that has no id of its own
    """

    name: str
    noun: str
    grain: str
    key: str
    home: str = "book"
    natural: tuple[str, ...] = ()
    key_aka: tuple[str, ...] = field(default_factory=tuple)


REGISTRY: dict[str, type[Record]] = {}


class Record(BaseModel):
    """Base of all record types. Subclasses set `info` and are registered by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(Info,))
    info: ClassVar[Info]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        REGISTRY[cls.info.name] = cls

    @classmethod
    def columns(cls) -> tuple[Column, ...]:
        return tuple(_columns(cls))

    @classmethod
    def column(cls, name: str) -> Column:
        for column in cls.columns():
            if column.name == name:
                return column
        raise KeyError(f"{cls.info.name} has no column {name!r}; it has {', '.join(c.name for c in cls.columns())}")

    @classmethod
    def schema_of(cls) -> pa.Schema:
        """Arrow schema of the type as the engine reads it: our id first, virtual columns left out, custom fields as one JSON."""
        import pyarrow as pa

        fields = [(c.name, c.arrow) for c in cls.columns() if not c.col.virtual]
        return pa.schema([*fields, ("custom", pa.string())] if cls.info.home == "book" else fields)


@cache
def _arrow() -> dict[str, pa.DataType]:
    """Arrow type of each kind. Arrow takes half a second to import, and most commands ask for no schema."""
    import pyarrow as pa

    return {
        "integer": pa.int64(),
        "text": pa.string(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "instant": pa.timestamp("us", tz="UTC"),
        "decimal": pa.string(),  # exact decimal text: SQLite would turn a decimal column into floats
        "json": pa.string(),
        "ref": pa.int64(),
    }


def record_type(name: str) -> type[Record]:
    """The record type of that name; the error lists what exists."""
    try:
        return REGISTRY[name]
    except KeyError:
        raise KeyError(f"no record type {name!r}; there are {', '.join(sorted(REGISTRY))}") from None


def _columns(cls: type[Record]) -> Iterator[Column]:
    for name, info in cls.model_fields.items():
        col = next((m for m in info.metadata if isinstance(m, Col)), Col())
        yield Column(name, KINDS[_bare(info.annotation)], info.is_required(), col)


def _bare(annotation: Any) -> type:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
    bare: type = typing.get_origin(annotation) or annotation
    return bare
