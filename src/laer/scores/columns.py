"""Any table as columns that a model can read: numbers with NaN for unknown, or words with None for unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Words = NDArray[np.object_]
UNKNOWN = frozenset(("", "nan", "null", "none", "n/a", "na", "-", "?"))  # among numbers; among words they may be an answer of their own
LOOK = 20  # words of a column that are looked at before all of them are read as dates
NUMBERS = 0.9  # of the words of a column: from there on what is not one is unknown
_NUMBER = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?|[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_EPOCH = date(1970, 1, 1)
_DATES = (  # by how each reads without a doubt; days before months with slashes are not told from months before days
    (re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ ](\d{1,2}):(\d{2})(?::(\d{2}))?)?"), (3, 2, 1)),
    (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ ](\d{1,2}):(\d{2})(?::(\d{2}))?)?"), (3, 1, 2)),
)


class Table(dict[str, "Floats | Words"]):
    """Columns by name, all of one length (`rows`)."""

    def __init__(self, columns: Mapping[str, Floats | Words], rows: int) -> None:
        super().__init__(columns)
        self.rows = rows

    def taken(self, rows: NDArray[Any]) -> Table:
        picked = {name: column[rows] for name, column in self.items()}
        return Table(picked, len(next(iter(picked.values()))) if picked else len(np.arange(self.rows)[rows]))


def read_table(features: Any) -> Table:
    """A table of pandas, pyarrow, numpy (columns are named x0, x1, …), a mapping of columns, or a list of rows as mappings.

    Raises
        ValueError  columns of different lengths, two columns of one name, an array that is not a table
        TypeError   something that is none of these
    """
    if isinstance(features, Table):
        return features
    named = _named(features)
    names = [str(name) for name, _ in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two columns have the same name: {', '.join(twice)}")
    columns = {name: read_column(values) for name, (_, values) in zip(names, named, strict=True)}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns differ in length: {', '.join(f'{name} has {length}' for name, length in lengths.items())}")
    rows = next(iter(lengths.values())) if lengths else len(features) if hasattr(features, "__len__") and not isinstance(features, Mapping) else 0
    return Table(columns, rows)


def _named(features: Any) -> list[tuple[Any, Any]]:
    if isinstance(features, pa.Table | pa.RecordBatch):
        return list(zip(features.schema.names, features.columns, strict=True))
    if isinstance(features, np.ndarray):
        if features.dtype.names:
            return [(name, features[name]) for name in features.dtype.names]
        if features.ndim not in (1, 2):
            raise ValueError(f"features are an array of {features.ndim} dimensions; expected a table of two: rows and columns")
        wide = features.reshape(len(features), -1) if len(features) else features.reshape(0, features.shape[1] if features.ndim == 2 else 1)
        return [(f"x{i}", wide[:, i]) for i in range(wide.shape[1])]
    if isinstance(features, Mapping):
        return list(features.items())
    if hasattr(features, "columns") and hasattr(features, "iloc"):
        return [(name, features.iloc[:, i]) for i, name in enumerate(features.columns)]
    if hasattr(features, "to_arrow"):
        return _named(features.to_arrow())
    if isinstance(features, Sequence) and not isinstance(features, str | bytes):
        if all(isinstance(row, Mapping) for row in features):
            names = dict.fromkeys(name for row in features for name in row)
            return [(name, [row.get(name) for row in features]) for name in names]
        return _named(np.array(features, dtype=object))
    raise TypeError(f"features are a {type(features).__name__}; expected a table of pandas, pyarrow or numpy, or a mapping of columns")


def read_column(values: Any) -> Floats | Words:
    """Numbers, flags, dates (as days) and words that are numbers become floats; other words stay words."""
    if isinstance(values, pa.ChunkedArray | pa.Array):
        values = _of_arrow(values)
    elif hasattr(values, "iloc") and hasattr(values, "to_numpy"):  # a pandas series: its missing values are of several kinds
        if values.dtype.kind == "M":
            values = np.asarray(values.dt.tz_localize(None) if getattr(values.dt, "tz", None) else values, dtype="datetime64[ns]")
        elif values.dtype.kind in "biuf":
            values = values.to_numpy(dtype=float, na_value=np.nan)
        else:
            values = np.array([None if missing else value for value, missing in zip(values, values.isna(), strict=True)], dtype=object)
    if isinstance(values, str | bytes):
        raise TypeError(f"a column is the single text {values!r}; expected one value per row")
    if not isinstance(values, np.ndarray):
        values = _objects(values)
    if values.ndim != 1:
        raise ValueError(f"a column has {values.ndim} dimensions; expected one value per row")
    if values.dtype.kind == "M":
        days = values.astype("datetime64[s]").astype(np.int64) / 86400.0
        return np.where(np.isnat(values), np.nan, days)
    if values.dtype.kind == "m":
        return np.where(np.isnat(values), np.nan, values.astype("timedelta64[s]").astype(np.int64) / 86400.0)
    if values.dtype.kind in "biuf":
        return _finite(values.astype(np.float64))
    return _of_objects([_plain(value) for value in values.tolist()])


def _objects(values: Iterable[Any]) -> Words:
    listed = list(values)
    made = np.empty(len(listed), dtype=object)
    made[:] = listed
    return made


def _of_arrow(values: Any) -> Any:
    held = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    kind = held.type
    if pa.types.is_dictionary(kind):
        return _of_arrow(held.cast(kind.value_type))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.asarray(held.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    return _objects(held.to_pylist())


def _plain(value: Any) -> Any:
    """None, a float or a word."""
    if value is None or value is getattr(np, "NaT", None):
        return None
    if isinstance(value, datetime):
        return None if value != value else _days(value)
    if isinstance(value, date):
        return float((value - _EPOCH).days)
    if isinstance(value, bool | int | float | Decimal | Fraction | np.generic):
        if isinstance(value, np.generic):
            return _plain(value.item())
        number = float(value)
        return number if math.isfinite(number) else None
    text = str(value).strip()
    return text or None


def _days(value: datetime) -> float:
    return (value.date() - _EPOCH).days + (value.hour * 3600 + value.minute * 60 + value.second) / 86400.0


def _of_objects(values: list[Any]) -> Floats | Words:
    there = [value for value in values if value is not None]
    words = [value for value in there if isinstance(value, str)]
    if not words:
        return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    numbers = [number(value) for value in words]
    told = sum(value.lower() not in UNKNOWN for value in words)
    if told and sum(found is not None for found in numbers) >= NUMBERS * told:
        return np.array([as_number(value) for value in values], dtype=np.float64)
    if told and sum(day(value) is not None for value in dict.fromkeys(words[:LOOK])) and sum(day(value) is not None for value in words) >= NUMBERS * told:
        return np.array([as_number(value) for value in values], dtype=np.float64)
    made = np.empty(len(values), dtype=object)
    made[:] = [None if value is None else value if isinstance(value, str) else f"{value:g}" for value in values]
    return made


def number(text: str) -> float | None:
    """A number as people write it: 1,234.5, $12, 30 %."""
    bare = text.strip().lstrip("$€£").rstrip("%").strip()
    if not _NUMBER.fullmatch(bare):
        return None
    return float(bare.replace(",", ""))


def day(text: str) -> float | None:
    """A date as people and systems write it, as days since 1970: 2026-11-23, 2026-11-23T08:30:00Z, 23.11.2026, 11/23/2026."""
    for shape, (year, month, of_month) in _DATES:
        if found := shape.fullmatch(text.strip()):
            try:
                hour, minute, second = (int(found[part] or 0) for part in (4, 5, 6))
                return _days(datetime(int(found[year]), int(found[month]), int(found[of_month]), hour, minute, second))
            except ValueError:  # no such day
                return None
    return None


def as_number(value: Any) -> float:
    if value is None:
        return math.nan
    found = _told(value) if isinstance(value, str) else float(value)
    return math.nan if found is None else found


def _told(text: str) -> float | None:
    found = number(text)
    return day(text) if found is None else found


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def as_floats(column: Floats | Words) -> Floats:
    """A column as numbers, whatever it holds now: what is none is unknown."""
    if column.dtype.kind == "f":
        return column.astype(np.float64)
    return np.array([as_number(value) for value in column.tolist()], dtype=np.float64)


def as_words(column: Floats | Words) -> Words:
    """A column as words, whatever it holds now."""
    if column.dtype.kind == "O":
        return column.astype(object)
    return _objects(None if math.isnan(value) else f"{value:g}" for value in column.tolist())


YES = frozenset(("1", "yes", "y", "true", "t", "churn", "churned", "lost", "cancelled", "canceled", "renewed", "event"))
NO = frozenset(("0", "no", "n", "false", "f", "retained", "kept", "active", "stayed", "none", "no churn"))


def read_outcome(outcome: Any, rows: int, what: str = "outcome") -> Floats:
    """1.0 where it happened, 0.0 where not, NaN where unknown.

    Raises
        ValueError  another length than the features, or other values than yes and no
    """
    if hasattr(outcome, "columns") and hasattr(outcome, "iloc") and len(outcome.columns) == 1:
        outcome = outcome.iloc[:, 0]
    if isinstance(outcome, np.ndarray) and outcome.ndim == 2 and outcome.shape[1] == 1:
        outcome = outcome[:, 0]
    column = read_column(outcome)
    if len(column) != rows:
        raise ValueError(f"{what} has {len(column)} values, the features have {rows} rows; expected one for each")
    if column.dtype.kind == "f":
        other = sorted({float(value) for value in column if not math.isnan(value) and value not in (0.0, 1.0)})
        if other:
            raise ValueError(f"{what} holds {', '.join(f'{value:g}' for value in other[:5])}; expected 0 and 1 (or false and true, no and yes)")
        return column.astype(np.float64)
    found = {value: _meant(value) for value in set(column.tolist())}
    strange = sorted(str(value) for value, meant in found.items() if meant is None)
    if strange:
        raise ValueError(f"{what} holds {', '.join(strange[:5])}; expected yes and no, true and false, or 1 and 0")
    return np.array([found[value] for value in column.tolist()], dtype=np.float64)


def _meant(value: Any) -> float | None:
    if value is None:
        return math.nan
    word = str(value).lower()
    return 1.0 if word in YES else 0.0 if word in NO else None


Rules = Any  # an array of scores, the name of a column, a mapping of column to weight, or a callable of the features


def read_rules(rules: Rules, features: Any, table: Table) -> Floats | None:
    """A rule score per row, the higher the likelier; NaN where the rules say nothing."""
    if rules is None:
        return None
    if isinstance(rules, str):
        if rules not in table:
            raise ValueError(f"rules name the column {rules!r}; existing columns: {', '.join(table)}")
        return as_floats(table[rules])
    if isinstance(rules, Mapping):
        absent = [name for name in rules if name not in table]
        if absent:
            raise ValueError(f"rules weigh columns that are not there: {', '.join(absent)}; existing columns: {', '.join(table)}")
        return np.sum([float(weight) * as_floats(table[name]) for name, weight in rules.items()], axis=0)
    made: Callable[[Any], Any] | Any = rules
    column = read_column(made(features) if callable(made) else made)
    if len(column) != table.rows:
        raise ValueError(f"rules have {len(column)} scores, the features have {table.rows} rows; expected one for each")
    if column.dtype.kind != "f":
        raise ValueError("rules are words; expected one score per row, the higher the likelier")
    return as_floats(column)
