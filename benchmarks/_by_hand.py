"""The families of facts as one would write them by hand for DuckDB: what ours is held against, by time and row by row.

Each is a query over the session's inputs, `spine` (account_id, d) and `spine_dates` (d), with the bounds of the dates in the text.
"""

from __future__ import annotations

from collections.abc import Sequence

from laer.metrics.measures import DIMENSIONS, MOVES
from laer.records.periods import FAR

MASK = (1 << 28) - 1
KEY = "t.account_id, s.d"
USED = ("users", "features", "days", "last_used")  # families over the lake's rollups


def queries(dates: Sequence[int]) -> dict[str, str]:
    """Family -> SQL. Columns stand in the order of the family's measures, after account_id and d."""
    lo, hi = min(dates), max(dates)

    def alive(name: str, start: str, end: str) -> str:
        return f"""from {name} t join spine s on s.account_id = t.account_id and t.{start} <= s.d and s.d < t.{end}
            where t.{start} <= {hi} and t.{end} > {lo}"""

    def within(name: str, day: str, days: int, spine: str = "spine s on s.account_id = t.account_id and") -> str:
        return f"from {name} t join {spine} t.{day} <= s.d and s.d < t.{day} + {days} where t.{day} <= {hi} and t.{day} > {lo - days}"

    def divided(a: str, b: str) -> str:
        return f"round(({a})::double / nullif(({b})::double, 0), 12)"

    lake = "spine_dates s on"
    last_28 = f"""(select account_id, actor, d, (m >> (o + 1)) & {MASK} as mask from (
        select t.account_id, t.actor, s.d, s.o,
            sum(case when s.b = s.k then t.mask << 28 else t.mask end)::bigint as m
        from {{}} t join (select d, d // 28 as k, d % 28 as o, d // 28 as b from spine_dates
            union all select d, d // 28, d % 28, d // 28 - 1 from spine_dates) s
            on t.block = s.b where t.block between {lo // 28 - 1} and {hi // 28} group by all) where (m >> (o + 1)) & {MASK} <> 0)"""
    moves = ", ".join(f"sum(t.{column}) filter (s.d - t.on_d < {days})" for column in MOVES.values() for days in (90, 365))
    kinds = ", ".join(f"max(t.value) filter (t.dimension = '{name}')" for name in DIMENSIONS)
    packed = "t.answered_d::bigint * 1000 + round(t.score * 10)::bigint"
    days = ", ".join(f"(max({packed}) filter (t.kind = '{kind}') // 1000)::int" for kind in ("nps", "csat", "ces"))
    answers = ", ".join(f"round((max({packed}) filter (t.kind = '{kind}') % 1000) / 10.0::double, 12)" for kind in ("nps", "csat", "ces"))
    return {
        "paying": f"select {KEY}, sum(t.mrr) {alive('states', 'from_d', 'until_d')} group by all",
        "first_paid": f"select {KEY}, min(t.on_d), max(t.on_d) {within('changes', 'on_d', 200_000)} group by all",
        "moved": f"select {KEY}, {moves} {within('changes', 'on_d', 365)} group by all",
        "before": f"""select {KEY}, sum(t.mrr) from states t join spine s on s.account_id = t.account_id and t.from_d + 90 <= s.d and s.d < t.until_d + 90
            where t.from_d <= {hi - 90} and t.until_d > {lo - 90} group by all""",
        "bought": f"""select {KEY}, sum(t.seats)::double, count(distinct t.product_id)::double, case when count(distinct t.plan) = 1 then max(t.plan) end,
            1 - {divided("sum(t.mrr) filter (t.list_mrr is not null)", "sum(t.list_mrr) filter (t.list_mrr is not null)")}
            {alive("lines", "start_d", "end_d")} group by all""",
        "kind": f"select {KEY}, {kinds} {alive('spans', 'from_d', 'until_d')} and t.value <> '' group by all",
        "users": f"""select u.account_id, u.d, count(*) filter (not coalesce(k.ours, false))::double,
            count(*) filter (not coalesce(k.ours, false) and u.mask >= {1 << 21})::double,
            coalesce(sum(bit_count(u.mask)) filter (not coalesce(k.ours, false)), 0)::double, count(*) filter (coalesce(k.ours, false))::double,
            count(distinct k.team) filter (not coalesce(k.ours, false))::double, count(k.team) filter (not coalesce(k.ours, false))::double
            from {last_28.format("user_blocks")} u left join (select {KEY}, t.actor, bool_or(t.internal) as ours, max(t.team) as team
                {alive("product_users", "from_d", "until_d")} group by all) k on k.account_id = u.account_id and k.d = u.d and k.actor = u.actor
            group by all""",
        "features": f"""select account_id, d, count(*)::double, count(*) filter (mask >= {1 << 21})::double
            from {last_28.format("feature_blocks")} group by all""",
        "days": f"""select {KEY}, coalesce(sum(t.n) filter (s.d - t.day_d < 28), 0)::double, coalesce(sum(t.n) filter (s.d - t.day_d >= 28), 0)::double,
            count(*) filter (s.d - t.day_d < 28)::double, sum(t.errors) filter (s.d - t.day_d < 28)::double
            {within("account_days", "day_d", 56, lake)} group by all""",
        "last_used": f"""select {KEY}, max(t.day_d), case when count(t.gap) filter (s.d - t.day_d < 180) >= 5
            then median(t.gap) filter (s.d - t.day_d < 180)::double end {within("account_days", "day_d", 365, lake)} group by all""",
        "open_tickets": f"""select {KEY}, count(*)::double, count(*) filter (t.urgent)::double, count(*) filter (t.escalated)::double, min(t.opened_d)
            {alive("tickets", "opened_d", "closed_d")} group by all""",
        "new_tickets": f"select {KEY}, count(*)::double, count(*) filter (t.escalated)::double {within('tickets', 'opened_d', 90)} group by all",
        "closed_tickets": f"""select {KEY}, {divided("sum(t.satisfaction)", "count(t.satisfaction)")}, {divided("sum(t.closed_d - t.opened_d)", "count(*)")}
            {within("tickets", "closed_d", 90)} group by all""",
        "answers": f"select {KEY}, {answers}, {days}, max(t.answered_d) {within('answers', 'answered_d', 365)} group by all",
        "pulse": f"""select account_id, d, case p % 10 when 0 then 'red' when 1 then 'yellow' when 2 then 'green' end, p // 10, d - p // 10 > 30 from (
            select {KEY}, max(t.stated_d::bigint * 10 + t.level) as p {within("pulses", "stated_d", 3650)} group by all)""",
        "touches": f"""select {KEY}, count(*) filter (s.d - t.on_d < 45)::double, coalesce(sum(t.minutes) filter (s.d - t.on_d < 90), 0)::double,
            count(*) filter (t.kind = 'mail' and not t.inward and s.d - t.on_d < 90)::double, count(*) filter (t.kind = 'mail' and t.inward and
            s.d - t.on_d < 90)::double, {divided("sum(t.sentiment) filter (s.d - t.on_d < 90)", "count(t.sentiment) filter (s.d - t.on_d < 90)")}, max(t.on_d),
            max(t.on_d) filter (t.inward), max(t.on_d) filter (t.kind in ('call', 'meeting')) {within("touches", "on_d", 365)} group by all""",
        "open_deals": f"""select {KEY}, count(*)::double, sum(t.arr), count(*) filter (t.motion = 'expand')::double
            {alive("deals", "created_d", "closed_d")} group by all""",
        "ended_deals": f"""select {KEY}, count(*) filter (t.outcome = 'won')::double, count(*) filter (t.outcome = 'lost')::double,
            coalesce(sum(t.arr) filter (t.outcome = 'won'), 0), max(t.closed_d) filter (t.outcome = 'won'),
            max(t.closed_d - t.qualified_d) filter (t.outcome = 'won' and t.closed_d >= t.qualified_d)::double, max(t.discount) filter (t.outcome = 'won'),
            max(t.closed_d) filter (t.outcome = 'won' and t.motion = 'expand'), max(t.closed_d) filter (t.outcome = 'lost' and t.motion = 'expand')
            {within("deals", "closed_d", 365)} group by all""",
        "due": f"""select account_id, d, first // 100000, notice, renews % 2 = 1, terms, nullif(first % 100000, 0) from (
            select {KEY}, min(t.end_d::bigint * 100000 + greatest(coalesce(t.start_d, 0), 0)) as first, min(t.notice_d) filter (t.notice_d > s.d) as notice,
                count(*)::double as terms, min(t.end_d::bigint * 2 + t.rolls::bigint) as renews
            {alive("terms", "known_d", "until_d")} and t.end_d < {FAR} group by all)""",
        "lapsed": f"select {KEY}, min(t.from_d), count(*)::double {alive('lapses', 'from_d', 'until_d')} group by all",
        "leaving": f"select {KEY}, min(t.effective_d), count(t.effective_d) > 0 {alive('notices', 'known_d', 'effective_d')} group by all",
    }
