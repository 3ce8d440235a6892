"""Usage goes to the lake: rows of `usage_days` with our ids, one append per file, exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from laer.engine.lake import Lake
from laer.engine.sifting import Sifted
from laer.records.batch import Batch, Reject
from laer.records.types import UsageDay
from laer.web import home
from laer.web.book.identity import content_hash
from laer.web.book.models import ImportRun
from laer.web.book.staging import Stage

SCHEMA = pa.schema([*UsageDay.schema_of(), ("source", pa.string()), ("run", pa.string()), ("content", pa.int64())])
OWN = ("source", "run", "content")


def lake() -> Lake:
    return Lake(home.lake())


class UsageFile:
    """One file of usage on its way to the lake. Counts what it set aside while the rows stream through."""

    def __init__(self, run: ImportRun, stage: Stage, parts: Iterable[tuple[Batch, list[Reject]]]) -> None:
        self.run, self.stage, self.parts = run, stage, parts
        self.rejects: list[Reject] = []
        self.rows = 0

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(SCHEMA, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for batch, rejects in self.parts:
            self.rejects.extend(rejects)
            accounts = self.stage.resolve("accounts", {str(r["account_id"]) for r in batch.rows if r.get("account_id")})
            subscriptions = self.stage.resolve("subscriptions", {str(r["subscription_id"]) for r in batch.rows if r.get("subscription_id")})
            columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
            stated = sorted({name for row in batch.rows[:1] for name in row})
            for i, row in enumerate(batch.rows):
                self.rows += 1
                subscription = subscriptions.get(str(row.get("subscription_id")))
                account = accounts.get(str(row["account_id"])) if row.get("account_id") else self.stage.account_of_subscription(subscription)
                origins = self.stage.origins  # of a merged account: whoever reads the lake knows what its number means
                account = (origins.number(row["account_id"]) if row.get("account_id") else origins.number_of_subscription(subscription)) or account
                if account is None or row.get("day") is None:
                    named = f"account '{row['account_id']}'" if row.get("account_id") else f"subscription '{row.get('subscription_id')}'"
                    named = f"references nothing: {named} is not in the book" if row.get("account_id") or row.get("subscription_id") else "empty account id"
                    reason = named if account is None else "empty day"
                    self.rejects.append(Reject(batch.file, batch.lines[i], reason, batch.raw[i] if batch.raw else {}, batch.record))
                    continue
                for name in SCHEMA.names[: -len(OWN)]:
                    columns[name].append(row.get(name))
                columns["row_id"][-1] = batch.keys[i]
                columns["account_id"][-1], columns["subscription_id"][-1] = account, subscription
                columns["source"].append(self.stage.source)
                columns["run"].append(str(self.run.pk or 0))
                columns["content"].append(content_hash(map(row.get, stated)))  # of the row as stated: our ids may be learnt later
            yield pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def append(run: ImportRun, file_id: int, usage: UsageFile) -> Sifted:
    """Write a file's usage once; called again after a crash it completes what was begun."""
    return lake().append("usage_days", usage.reader(), app_id=f"import-{run.pk}-file-{file_id}", version=1)


def preview(usage: UsageFile) -> Sifted:
    return lake().sift("usage_days", usage.reader())
