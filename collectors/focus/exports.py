"""The files of an export: which billing periods they hold, and their lines, some at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from dxmetrics.collectors import Scope
from dxmetrics.errors import CollectError

ENDINGS = (".csv", ".csv.gz", ".parquet")
BLOCK_BYTES = 4 << 20
BLOCK_ROWS = 32_768
KINDS = {"BilledCost": "billed", "EffectiveCost": "effective", "ListCost": "list"}
PROVIDERS = ("ServiceProviderName", "ProviderName", "PublisherName")  # of FOCUS 1.3, and before
PERIOD, PERIOD_END, ACCOUNT = "BillingPeriodStart", "BillingPeriodEnd", "BillingAccountId"
UNKNOWN = "unknown"  # the provider, where nothing names it
REQUIRED = (PERIOD, "ChargePeriodStart", "BillingCurrency")
# How much of an instant's text is kept: a day, and of an end the hour, which tells whether it is midnight.
CUT = {PERIOD: 10, PERIOD_END: 10, "ChargePeriodStart": 10, "ChargePeriodEnd": 13}

Line = Mapping[str, str | None]
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Period:
    """A billing period of one billing account: what is replaced at once."""

    starts_on: date
    provider: str
    account: str

    @property
    def scope(self) -> Scope:
        """Its scope, the same every time."""
        name = " ".join(filter(None, [self.provider, self.account]))
        return Scope(f"{self.starts_on}/{self.provider}/{self.account}", f"{name} {self.starts_on:%Y-%m}")


@dataclass(frozen=True)
class Bill:
    """A file as it was found: its name below the folder, its size and when it was written, a digest, and the periods it
    holds. One with a `problem` has the periods it held before, so that nothing is let go while it cannot be read."""

    path: Path
    name: str
    stamp: Stamp
    digest: str
    periods: frozenset[Period]
    problem: str | None = None

    @property
    def delivery(self) -> str:
        """What it was delivered with: the files of its subfolder, or itself alone."""
        return self.name.rpartition("/")[0] or self.name

    @classmethod
    def of(cls, path: Path, name: str, known: Mapping[str, Any]) -> Self:
        """The file; read only where it is not as it is `known`."""
        before = frozenset(Period(date.fromisoformat(day), *rest) for day, *rest in known.get("periods", ()))
        stamp = (0, 0)
        try:
            stamp = stamp_of(path)
            if list(stamp) == known.get("stamp"):
                return cls(path, name, stamp, known["digest"], before)
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            return cls(path, name, stamp, digest, _periods(path))
        except (OSError, CollectError) as error:
            return cls(path, name, stamp, "", before, problem_of(error))

    def kept(self) -> Mapping[str, Any]:
        """What is remembered of it."""
        periods = sorted([one.starts_on.isoformat(), one.provider, one.account] for one in self.periods)
        return {"stamp": None if self.problem else list(self.stamp), "digest": self.digest, "periods": periods}


def stamp_of(path: Path) -> Stamp:
    """What differs when a file was written to."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def problem_of(error: OSError | CollectError) -> str:
    """Why a file cannot be read."""
    return f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)


def first_of(line: Line, names: Iterable[str]) -> str | None:
    """The first of these columns that has a value."""
    return next((value for name in names if (value := line.get(name))), None)


def period_of(line: Line) -> Period:
    """The billing period a line is of."""
    try:
        starts_on = date.fromisoformat(line[PERIOD] or "")
    except ValueError as error:
        raise CollectError(f"{PERIOD} {line[PERIOD]!r} is no day such as 2026-10-01: export it again") from error
    return Period(starts_on, first_of(line, PROVIDERS) or UNKNOWN, line.get(ACCOUNT) or "")


def blocks(path: Path, wanted: frozenset[str]) -> Iterator[tuple[int, pa.Table]]:
    """Some lines of a file at a time, with the row number of the first: the `wanted` columns it has, as text but for
    costs. CollectError says from which row on it cannot be read, or which columns it lacks."""
    read = _parquet if path.suffix == ".parquet" else _csv
    first = 1
    try:
        for block in read(path, wanted):
            columns = {
                name: block[name] if name in KINDS else _text(block[name], CUT.get(name)) for name in block.schema.names
            }
            yield first, pa.table(columns)
            first += block.num_rows
    except pa.ArrowException as error:
        problem = str(error).splitlines()[0]
        raise CollectError(f"cannot be read after row {first - 1:,}: {problem}: export it again") from error


def _periods(path: Path) -> frozenset[Period]:
    found: set[Period] = set()
    for _, block in blocks(path, frozenset({PERIOD, ACCOUNT, *PROVIDERS})):
        found |= set(map(period_of, block.group_by(block.column_names, use_threads=False).aggregate([]).to_pylist()))
    return frozenset(found)


def _csv(path: Path, wanted: frozenset[str]) -> Iterator[pa.RecordBatch]:
    options = pa_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False)
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    lines: Any  # pyarrow's own streams are no IO to a type checker
    with pa.input_stream(path, compression="detect") as lines, pa_csv.open_csv(lines, options, parse) as reader:
        names = _chosen(reader.schema.names, wanted)
    convert = pa_csv.ConvertOptions(
        include_columns=names,
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        null_values=["", "NULL", "null"],
    )
    with pa.input_stream(path, compression="detect") as lines:
        yield from pa_csv.open_csv(lines, options, parse, convert)


def _parquet(path: Path, wanted: frozenset[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        names = _chosen(file.schema_arrow.names, wanted)
        yield from file.iter_batches(batch_size=BLOCK_ROWS, columns=names, use_threads=False)


def _chosen(names: Sequence[str], wanted: frozenset[str]) -> list[str]:
    """Which of a file's columns are read; CollectError for those it must have and has not."""
    missing = [name for name in REQUIRED if name in wanted and name not in names]
    if wanted >= KINDS.keys() and not KINDS.keys() & set(names):
        missing.append(" or ".join(KINDS))
    if missing:
        raise CollectError(f"has no column {', '.join(missing)}: export it as FOCUS 1.0 or later")
    return [name for name in names if name in wanted]


def _text(column: pa.Array[Any], length: int | None) -> pa.Array[Any]:
    """A column as text: instants in UTC as far as `length`, tags as JSON."""
    if pa.types.is_map(column.type):
        tags = (None if one is None else json.dumps(dict(one), sort_keys=True) for one in column.to_pylist())
        return pa.array(tags, pa.string())
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp(column.type.unit))  # its zone is how it is shown, not when it is
    text = pc.cast(column, pa.string())
    text = pc.if_else(pc.equal(text, pa.scalar("")), pa.scalar(None, pa.string()), text)
    cut: pa.Array[Any] = text if length is None else pc.utf8_slice_codeunits(text, 0, length)
    return cut
