"""What a person says of a whole import at once, as the command line has it: the mapping step asks file by file."""

from __future__ import annotations

from laer.sources.tabular.answers import with_all
from laer.web.book.importing import set_mapping, table_of
from laer.web.book.known_amounts import known_to
from laer.web.book.mappings import from_json
from laer.web.book.models import ImportRun


def answer(run: ImportRun, said: dict[str, str]) -> None:
    """Keep answers with the mapping of each file to which they apply: date_order, end, months, interval, amount_of."""
    for file in run.files.exclude(record="").order_by("id") if said else ():
        before = from_json(file.mapping)
        mapping = with_all(table_of(file), before, said, known_to(run.source, run.file_date))
        if mapping != before:
            set_mapping(file, mapping)
