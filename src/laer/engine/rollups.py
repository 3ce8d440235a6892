"""Usage as measures read it: who and what was active on which days, and how much was done on each.

Blocks of 28 days hold a bit per day, so that the users of any 28 days are counted without looking at events again, at any
date and without state. An actor is a user, or a feature, of one account.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa

from laer.engine.lake import Lake
from laer.engine.session import DuckDBSession

USAGE = "usage_days"
BLOCK = 28
NAMES = ("user_blocks", "feature_blocks", "account_days")


def make_usage(session: DuckDBSession, lake: Lake, merged: Mapping[int, int] | None = None, accounts: Collection[int] | None = None) -> None:
    """Make the tables of NAMES in a session, of what the lake holds now.

    In   merged    number of an account that was merged -> the number that it means: the lake keeps the old one
         accounts  only these (their files are read no further than that); None: all
    Out  user_blocks, feature_blocks: account_id, actor, block (int32), mask (int64); account_days: account_id, day_d, n, errors
    """
    con = session.connection
    into = dict(merged or {})
    con.register("merged_accounts", pa.table({"number": pa.array(list(into), pa.int64()), "into_id": pa.array(list(into.values()), pa.int64())}))
    wanted = None if accounts is None else sorted({*accounts, *(number for number, kept in into.items() if kept in accounts)})
    only = "" if wanted is None else f"and u.account_id in ({', '.join(map(str, wanted)) or 'null'})"
    with lake.lease(USAGE) as lease:
        con.execute(f"""create or replace temp table usage_once as
            select coalesce(m.into_id, u.account_id) as account_id, (u.day - date '1970-01-01')::int as day_d, u.user_id, u.feature,
                   coalesce(u.count, 1) as n, u.errors
            from ({lake.scan_sql(USAGE, lease=lease)}) u left join merged_accounts m on m.number = u.account_id
            where u.day >= date '1970-01-01' {only}""")  # a day before is a slip of a file (the doctor names it), and has no bit in a block
    for name, column in (("user_blocks", "user_id"), ("feature_blocks", "feature")):
        con.execute(f"""create or replace temp table {name} as
            select account_id, {_number(column)} as actor, (day_d // {BLOCK})::int as block, bit_or((1::bigint << (day_d % {BLOCK}))) as mask
            from usage_once where {column} is not null group by account_id, actor, block""")
    con.execute("""create or replace temp table account_days as
        select account_id, day_d, sum(n)::bigint as n, sum(errors)::bigint as errors from usage_once group by account_id, day_d""")
    con.execute("drop table usage_once")


def _number(column: str) -> str:
    """A number for a name, the same in every version of the engine."""
    return f"('0x' || substr(md5({column}), 1, 15))::bigint"
