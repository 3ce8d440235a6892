"""Import, step 2: what a file leaves open, asked where a person maps its columns.

A doubt is one question about one file: what the whole column says (the verdict and its evidence), the possible answers,
and how an answer changes the mapping. A doubt that the evidence decides is shown with its verdict and can be answered
otherwise; one that it leaves open must be answered before anything is imported.

To ask something new, write a function `About -> Iterator[Doubt]` in a module of its own and add it to `ASKED` in data_asking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import QueryDict

from laer.sources.tabular.mapping import Mapping
from laer.web.book.mappings import from_json
from laer.web.book.models import ImportFile, ImportRun

Settle = Callable[[Mapping, str], Mapping]


@dataclass(frozen=True)
class About:
    """The file that is asked about, as it is mapped now. first: the first file of the import, which also asks what holds for all."""

    run: ImportRun
    file: ImportFile
    mapping: Mapping
    first: bool = False

    @cached_property
    def parts(self) -> list[tuple[ImportFile, Mapping]]:
        """The parts of a sheet with a row per customer, as they were when the page was asked for; else nothing."""
        if not self.mapping.sheet:
            return []
        files = self.run.files.filter(path=self.file.path, sheet=self.file.sheet).exclude(record="").order_by("id")
        return [(file, from_json(file.mapping)) for file in files]

    def key(self, name: str) -> str:
        """Name of an input of this file's part of the form."""
        return f"f{self.file.pk}-{name}"


@dataclass(frozen=True)
class Option:
    """One possible answer. detail: what it would do to this file's rows."""

    value: str
    label: str
    detail: str = ""


@dataclass(frozen=True)
class Doubt:
    """key       name of the input
    label     the question
    options   the possible answers; without any, a day is asked for
    value     the answer that stands, '' where none does
    title     what it is about, in a few words; a doubt with a title is a panel with its evidence
    verdict   what the evidence says, in words
    evidence  sentences with counts over the whole column
    example   a row of the file
    help      what a person should know to answer
    elsewhere it is asked at another part of the same sheet, and its answer holds here too
    usual     the answer that stands is only what is usual: nothing in the file says it, so the others are shown with it
    wanted    what is missing as long as it is not answered, as the end of an error ("say …")
    settle    the mapping with an answer
    """

    key: str
    label: str
    options: tuple[Option, ...] = ()
    value: str = ""
    title: str = ""
    verdict: str = ""
    evidence: tuple[str, ...] = ()
    example: str = ""
    help: str = ""
    wanted: str = ""
    elsewhere: bool = False
    usual: bool = False
    settle: Settle = field(default=lambda mapping, _: mapping)

    @property
    def open(self) -> bool:
        """Whether nobody and no evidence has answered it."""
        return not self.value

    def shown(self, said: QueryDict | None = None) -> dict[str, Any]:
        """For the template; what a refused form said stands again."""
        value = said[self.key] if said is not None and self.key in said else self.value
        names = ("key", "label", "title", "verdict", "evidence", "example", "help", "open", "usual")
        return {name: getattr(self, name) for name in names} | {"value": value, "options": [vars(option) for option in self.options]}
