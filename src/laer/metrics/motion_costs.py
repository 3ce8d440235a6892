"""What it costs to land, adopt, expand and renew one unit of ARR: costs as they were entered, and pay shared out by the time that was spent.

Costs count in the months in which their motion has any entered, and so does the ARR of those months: a month without an entry is not a
month without a cost. Who reads them is a matter of rights: `RESTRICTED`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from laer.metrics.catalogue import Measure, Records
from laer.metrics.company import RATIO, SHARE, Company, Items
from laer.metrics.effort import ELSEWHERE
from laer.records.expr import Table, Value, ifelse, literal, ratio

MOTIONS = ("land", "adopt", "expand", "renew")
AFTER_SALE = ("adopt", "expand", "renew")  # whose pay is shared out by time: the same people do all three
NEAR = 90  # days before a term ends in which time spent on its account is the renewal's


def landed(records: Records) -> Table:
    """ARR of accounts that began to pay. Grain: account, on its first paid day."""
    moves = records["changes"].filter(records["changes"].new > 0)
    return moves.select("account_id", "on_d", arr=moves.new * 12, item=literal(None, "int64"))


def expanded(records: Records) -> Table:
    """ARR that paying accounts grew by. Grain: account x day."""
    moves = records["changes"].filter(records["changes"].growth > 0)
    return moves.select("account_id", "on_d", arr=moves.growth * 12, item=literal(None, "int64"))


def renewed(records: Records) -> Table:
    """ARR kept of what fell due, on the last day of the term. Grain: account x due day."""
    rows = records["renewals"]
    return rows.filter(rows.kept > 0).select("account_id", arr=rows.kept, on_d=rows.ends_d, item=rows.item)


def brought(records: Records) -> Table:
    """ARR of accounts on the day on which they reached the first outcome that was promised. Grain: account."""
    outcomes, held = records["outcomes"], records["lines"].select("start_d", "end_d", "mrr", of="account_id")
    first = outcomes.group_by("account_id").agg(on_d=outcomes.reached_d.min())
    there = first.inner_join(held, [first.account_id == held.of, held.start_d <= first.on_d, first.on_d < held.end_d])
    summed = there.group_by("account_id", "on_d").agg(mrr=there.mrr.sum())
    return summed.select("account_id", "on_d", arr=summed.mrr * 12, item=literal(None, "int64"))


GAINED: dict[str, Callable[[Records], Table]] = {"land": landed, "adopt": brought, "expand": expanded, "renew": renewed}


def months_of(motion: str) -> Callable[[Records], Table]:
    """Months in which a motion has costs entered, with the ARR that it gained in them. Grain: month.

    Out  cost: what was entered;  timed: what of it was not pay, and the pay of AFTER_SALE by the motion's share of their time (null where none was spent)
    """

    def build(records: Records) -> Table:
        costs, efforts, gained = records["costs"], records["efforts"], GAINED[motion](records).select("arr", gained_d="on_d")
        own, after = costs.motion == motion, costs.motion.isin(AFTER_SALE) & (costs.kind == "pay")
        unknown = literal(None, "float64")
        spent = costs.group_by("month_d", "until_d").agg(
            entered=own.sum(), blank=costs.amount.isnull().sum(), cost=costs.amount.sum(where=own).fill_null(0.0),
            beside=costs.amount.sum(where=own & (costs.kind != "pay")).fill_null(0.0), pay=costs.amount.sum(where=after).fill_null(0.0),
        )  # fmt: skip
        spent = spent.filter(spent.entered > 0)
        time = efforts.select("minutes", "motion", spent_d="on_d").filter(efforts.motion.isin(AFTER_SALE))
        worked = spent.left_join(time, [spent.month_d <= time.spent_d, time.spent_d < spent.until_d])
        worked = worked.group_by("month_d").agg(all=worked.minutes.sum().fill_null(0.0), mine=worked.minutes.sum(where=worked.motion == motion).fill_null(0.0))
        came = spent.left_join(gained, [spent.month_d <= gained.gained_d, gained.gained_d < spent.until_d])
        came = came.group_by("month_d").agg(arr=came.arr.sum().fill_null(0.0))
        whole = spent.inner_join(worked, "month_d").inner_join(came, "month_d")
        share = ifelse(whole["all"] > 0, ratio(whole.mine, whole["all"]), unknown)
        known = whole.blank == 0
        return whole.select(
            "arr", on_d="month_d", cost=ifelse(known, whole.cost, unknown), timed=ifelse(known, whole.beside + whole.pay * share, unknown),
            account_id=literal(None, "int64"), item=literal(None, "int64"),
        )  # fmt: skip

    return build


def time_spent(records: Records) -> Table:
    """Touches and tasks, each of a motion. Grain: touch or task."""
    rows = records["efforts"]
    return rows.select("account_id", "on_d", "motion", "kind", "minutes", "inferred", "evidence", "inward", item=literal(None, "int64"))


def _where(condition: Value, value: Value) -> Value:
    return ifelse(condition, value, literal(None, "float64"))


def _of(motion: str) -> Callable[[Table], Value]:
    return lambda rows: ifelse(rows.motion == motion, rows.minutes / 60, literal(None, "float64"))


TIME = ("touches", "tasks")
of_firm = partial(Measure, kind="number", grain="company", leading=False, method="motion-costs")
SOURCES = {"land": "subscription_lines", "adopt": "outcomes", "expand": "subscription_lines", "renew": "contracts"}
DONE = {
    "land": ("to land", "began to pay"), "adopt": ("to bring to an outcome", "reached the first outcome that was promised"),
    "expand": ("to expand", "was grown by"), "renew": ("to renew", "was kept of what fell due"),
}  # fmt: skip
READ = {"land": ("changes",), "adopt": ("outcomes", "lines"), "expand": ("changes",), "renew": ("renewals",)}

ITEMS = (
    *(Items(f"{motion}_months", "month", "costs", months_of(motion), beside=("efforts", *READ[motion]), of_accounts=False) for motion in MOTIONS),
    *(Items(f"{motion}_gained", "movement", READ[motion][0], GAINED[motion], beside=READ[motion][1:]) for motion in MOTIONS),
    Items("efforts", "movement", "efforts", time_spent, dimensions={"motion": "Motion", "kind": "Kind"}),
)

def _measures(motion: str) -> tuple[Company, ...]:
    done, what = DONE[motion]
    own = partial(of_firm, motion=motion)
    return (
        Company(own(f"cost_to_{motion}", f"Cost {done} 1 of ARR", "", f"costs of the motion {motion} over the ARR that {what}, of the months that have any "
            "entered", kind="money", sources=("costs", SOURCES[motion]), better="down"), f"{motion}_months", lambda months: months.cost,
            lambda months: months.arr, RATIO),
        Company(own(f"arr_gained_{motion}", f"ARR gained, {motion}", "per year", f"ARR that {what} in the period", kind="money", sources=(SOURCES[motion],),
            better="up", zero=True), f"{motion}_gained", lambda rows: rows.arr),
        Company(own(f"hours_{motion}", f"Hours, {motion}", "hours", f"hours of touches and tasks of the motion {motion}, by default minutes where they say "
            "none", sources=TIME, better="", zero=True), "efforts", _of(motion)),
    )  # fmt: skip


of_work = partial(of_firm, motion="adopt", sources=TIME, better="", method="work")
OTHERS_WORK = [f"task {kind}" for kind in ELSEWHERE]


def _timed(motion: str) -> Company:
    done, what = DONE[motion]
    words = (
        f"costs of the motion {motion} that are not pay, and of the pay of adopt, expand and renew its share by hours, over the ARR that {what}, of the months "
        "that have any entered"
    )  # fmt: skip
    measure = of_firm(f"cost_to_{motion}_timed", f"Cost {done} 1 of ARR, by time", "", words, kind="money", sources=("costs", *TIME, SOURCES[motion]),
        motion=motion, better="down")  # fmt: skip
    return Company(measure, f"{motion}_months", lambda months: months.timed, lambda months: months.arr, RATIO)


COMPANY = (
    *(one for motion in MOTIONS for one in _measures(motion)), *(_timed(motion) for motion in AFTER_SALE),
    Company(of_firm("time_inferred", "Time by default", "%", "minutes that touches and tasks do not say, and are taken by their kind, over all minutes",
        sources=TIME, motion="adopt", better="down"), "efforts", lambda rows: rows.inferred, lambda rows: rows.minutes, RATIO),
    Company(of_work("work_minutes", "Time on accounts", "minutes", "minutes of touches and of tasks that were done on an account, by default where "
        "they say none", zero=True), "efforts", lambda rows: rows.minutes),
    Company(of_work("work_by_evidence", "Tasks by evidence", "%", "tasks done that a play gave, or that were given for a signal, over tasks done on accounts",
        sources=("tasks",), better="up"), "efforts", lambda rows: _where(rows.evidence.notnull(), rows.evidence.cast("float64")),
        lambda rows: literal(1.0, "float64"), SHARE),
    Company(of_work("proactive_share", "Proactive share", "%", "touches that we began over all touches", sources=("touches",), better="up"), "efforts",
        lambda rows: _where(rows.inward.notnull(), (~rows.inward).cast("float64")), lambda rows: literal(1.0, "float64"), SHARE),
    Company(of_work("time_elsewhere", "Time on other teams' work", "%", "minutes of tasks of the kinds support and sales over all minutes", better="down"),
        "efforts", lambda rows: ifelse(rows.kind.isin(OTHERS_WORK), rows.minutes, literal(0.0, "float64")), lambda rows: rows.minutes, RATIO),
)  # fmt: skip

RESTRICTED = frozenset(one.measure.id for one in COMPANY if one.measure.id.startswith("cost_to_"))  # for who may see costs
