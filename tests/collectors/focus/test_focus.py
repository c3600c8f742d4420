"""Bills in the FOCUS format: what their lines come to, and what a bill that is sent again, or broken, does."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import collectors, warehouse
from dxmetrics.collectors import Context
from dxmetrics.errors import CollectError, RetryableError, SettingsError
from dxmetrics.project import builtin_root

from .example import Row, as_csv, line

collectors.extend_path([builtin_root() / "collectors"])
focus = importlib.import_module("dxmetrics.collectors.focus")
NOW = datetime(2025, 11, 20, 12, tzinfo=UTC)
DEFAULT = (
    "select service, amount from landing.cost_lines where cost_kind = 'billed' and deleted_at is null order by all"
)


@dataclass
class Source:
    """A folder of bills, read into a warehouse."""

    connection: DuckDBPyConnection
    folder: Path
    own: Path
    now: datetime = NOW
    notes: tuple[str, ...] = ()

    def write(self, name: str, content: Sequence[Row] | str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str | bytes) else as_csv(content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        written = [other.stat().st_mtime_ns for other in self.folder.rglob("*") if other.is_file()]
        os.utime(path, ns=(max(written) + 10**9,) * 2)  # later than before, whatever the file system's resolution
        return path

    def collector(self, **settings: Any) -> Any:
        cls = collectors.load("focus")
        values = {"kind": "focus", "folder": "bills", **settings}
        context = Context(now=lambda: self.now, folder=self.own, project_folder=self.folder.parent)
        return cls("bills", cls.Settings.model_validate(values), context)

    def collect(self, **settings: Any) -> warehouse.Counts:
        """One collection of every billing period; what became of the rows."""
        collector, counts, notes = self.collector(**settings), warehouse.Counts(), []
        loader = warehouse.Loader(self.connection, "bills", focus, clock=lambda: self.now, keeps_payloads=False)
        for scope in collector.scopes():
            for page in collector.collect(scope, warehouse.read_cursor(self.connection, "bills", scope.id)):
                counts += loader.write(scope, page)
                notes += page.notes
        self.notes = tuple(notes)
        return counts

    def rows(self, query: str = DEFAULT) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def total(self, kind: str = "billed") -> Decimal | None:
        query = "select sum(amount) from landing.cost_lines where cost_kind = ? and deleted_at is null"
        ((total,),) = self.connection.execute(query, [kind]).fetchall()
        return total  # type: ignore[no-any-return]  # of a driver without types


@pytest.fixture
def source(connection: DuckDBPyConnection, tmp_path: Path) -> Source:
    for name in ("bills", "own"):
        (tmp_path / name).mkdir()
    return Source(connection, tmp_path / "bills", tmp_path / "own")


def test_lines_of_a_day_that_are_alike_become_one_row_with_their_exact_sum(source: Source) -> None:
    tags = {"service": "checkout", "team": "Payments"}
    source.write("2025-10.csv", [line("2025-10-03", "0.0000004", tags) for _ in range(5)])
    source.collect()
    assert source.rows(
        "select provider, period_start, period_end, resource, category, service, team, currency, allocation, amount"
        " from landing.cost_lines where cost_kind = 'billed'"
    ) == [
        ("AWS", date(2025, 10, 3), date(2025, 10, 4), "dev", "Compute", "checkout", "Payments", "USD", "direct",
         Decimal("0.000002")),
    ]  # fmt: skip


def test_billed_effective_and_list_cost_are_kinds_of_their_own(source: Source) -> None:
    source.write("a.csv", [line("2025-10-03", "0", EffectiveCost="1.5", ListCost="2"), line("2025-10-01", "700")])
    source.collect()
    assert [source.total(kind) for kind in ("billed", "effective", "list")] == [700, Decimal("701.5"), 702]


def test_an_export_without_some_of_the_costs_has_only_the_others(source: Source) -> None:
    rows = [line("2025-10-03", "7")]
    source.write("a.csv", [{name: value for name, value in row.items() if name != "ListCost"} for row in rows])
    source.collect()
    assert source.rows("select distinct cost_kind from landing.cost_lines order by all") == [
        ("billed",),
        ("effective",),
    ]


def test_credits_and_taxes_are_told_apart_from_what_was_used(source: Source) -> None:
    month = {"ChargePeriodStart": "2025-10-01T00:00:00Z", "ChargePeriodEnd": "2025-11-01T00:00:00Z"}
    source.write(
        "a.csv",
        [
            line("2025-10-03", "10"),
            line("2025-10-03", "-4", ChargeCategory="Credit"),
            line("2025-10-01", "1.9", None, ChargeCategory="Tax") | month,
        ],
    )
    source.collect()
    query = "select category, amount, period_end from landing.cost_lines where cost_kind = 'billed' order by amount"
    assert source.rows(query) == [
        ("Credit", -4, date(2025, 10, 4)),
        ("Tax", Decimal("1.9"), date(2025, 11, 1)),
        ("Compute", 10, date(2025, 10, 4)),
    ]


def test_tags_name_service_and_team_whatever_their_case_and_the_first_that_is_there_counts(source: Source) -> None:
    source.write(
        "a.csv",
        [
            line("2025-10-03", "1", {"App": "search", "Service": "index"}),
            line("2025-10-03", "2", {"APP": "search", "service": True}),
            line("2025-10-03", "4", {"cost-center": "search"}),
        ],
    )
    source.collect()
    assert source.rows() == [("index", 1), ("search", 2), (None, 4)]
    source.collect(service_tags=["cost-center"])
    assert source.rows() == [("search", 4), (None, 3)]


def test_tags_that_are_no_object_count_as_none_and_are_told(source: Source) -> None:
    source.write("a.csv", [line("2025-10-03", "1", Tags="service=checkout"), line("2025-10-03", "2", Tags="[]")])
    source.collect()
    assert source.rows() == [(None, 3)]
    assert source.notes == ("2 lines have Tags that are no JSON object, and count as not tagged",)


def test_what_all_share_and_what_is_left_out_is_said_by_column_or_tag(source: Source) -> None:
    source.write(
        "a.csv",
        [
            line("2025-10-03", "1", {"env": "platform-eu"}),
            line("2025-10-03", "2", SubAccountId="CLUSTER"),
            line("2025-10-03", "4"),
            line("2025-10-03", "8", ChargeCategory="Tax"),
        ],
    )
    shared = {"tag:Env": ["platform-*"], "ChargeCategory": ["tax"]}
    source.collect(shared=shared, left_out={"SubAccountId": ["cluster"]})
    query = (
        "select allocation, sum(amount) from landing.cost_lines where cost_kind = 'billed' group by all order by all"
    )
    assert source.rows(query) == [("direct", 4), ("shared", 9)]
    assert source.notes == ("1 lines are left out, as `left_out` says",)


def test_a_restated_period_replaces_what_was_there_and_a_vanished_line_is_gone(source: Source) -> None:
    source.write(
        "2025-11/part.csv",
        [line("2025-11-03", "1", {"service": "a"}, period="2025-11"), line("2025-11-03", "2", period="2025-11")],
    )
    source.write("2025-10/part.csv", [line("2025-10-03", "50")])
    source.collect()
    source.write("2025-11/part.csv", [line("2025-11-03", "1.5", {"service": "a"}, period="2025-11")])
    counts = source.collect()
    assert (counts.updated, counts.deleted, counts.inserted) == (3, 3, 0)
    assert source.rows() == [("a", Decimal("1.5")), (None, 50)]


def test_a_correction_of_a_closed_period_counts_in_the_period_that_bills_it(source: Source) -> None:
    source.write("2025-10.csv", [line("2025-10-03", "50")])
    source.write("2025-11.csv", [line("2025-10-03", "-5", period="2025-11"), line("2025-11-01", "1", period="2025-11")])
    source.collect()
    assert source.total() == 46
    source.write("2025-11.csv", [line("2025-11-01", "1", period="2025-11")])
    source.collect()
    assert source.total() == 51


@pytest.mark.parametrize("again", ["2025-10 (1).csv", "resent/2025-10.csv"])
def test_a_period_sent_twice_counts_once_as_it_was_sent_last(source: Source, again: str) -> None:
    source.write("2025-10.csv", [line("2025-10-03", "50", {"service": "old"})])
    source.collect()
    source.write(again, [line("2025-10-03", "60", {"service": "new"})])
    source.collect()
    assert source.rows() == [("new", 60)]
    assert "2025-10.csv is not counted: " in source.notes[0]


def test_a_run_of_an_export_beside_an_earlier_one_of_the_same_period_replaces_it(source: Source) -> None:
    for run, amount in (("run-1", "10"), ("run-2", "11")):
        for part in ("1", "2"):
            source.write(f"20251001-20251031/{run}/part_{part}.csv", [line(f"2025-10-0{part}", amount)])
    source.collect()
    assert source.total() == 22


def test_parts_of_a_period_add_up_and_the_same_file_twice_counts_once(source: Source) -> None:
    for day in ("1", "2"):
        source.write(f"2025/10/0{day}/report.csv", [line(f"2025-10-0{day}", "10")])
    source.write("copy/report.csv", [line("2025-10-01", "10")])
    source.collect(deliveries="parts")
    assert source.total() == 20
    assert source.notes == ("copy/report.csv is not counted: it is the same as 2025/10/01/report.csv",)


def test_bills_of_two_providers_and_accounts_in_one_folder_do_not_replace_each_other(source: Source) -> None:
    source.write("aws.csv", [line("2025-10-03", "1"), line("2025-10-03", "2", BillingAccountId="0815")])
    source.write("azure.csv", [line("2025-10-03", "4", ProviderName="Microsoft")])
    source.collect()
    assert source.total() == 7
    assert {scope.title for scope in source.collector().scopes()} == {
        "AWS 0815 2025-10", "AWS 4711 2025-10", "Microsoft 4711 2025-10",
    }  # fmt: skip


def test_a_period_whose_files_are_taken_away_is_no_scope_any_more(source: Source) -> None:
    path = source.write("2025-10.csv", [line("2025-10-03", "1")])
    assert len(list(source.collector().scopes())) == 1
    path.unlink()
    assert list(source.collector().scopes()) == []


def test_nothing_is_read_again_while_files_and_rules_are_as_they_were(source: Source) -> None:
    path = source.write("2025-10.csv", [line("2025-10-03", "1", {"unit": "search"})])
    source.collect()
    os.utime(path)
    assert source.collect() == warehouse.Counts()
    counts = source.collect(team_tags=["unit"])
    assert (counts.inserted, counts.deleted) == (3, 3)


def test_two_currencies_are_kept_apart_and_told(source: Source) -> None:
    source.write("a.csv", [line("2025-10-03", "1"), line("2025-10-03", "2", BillingCurrency="EUR")])
    source.collect()
    query = "select currency, amount from landing.cost_lines where cost_kind = 'billed' order by all"
    assert source.rows(query) == [("EUR", 2), ("USD", 1)]
    assert source.notes == ("billed in EUR and USD, which are never added up: [cost] currency says which counts",)


def test_a_closed_period_is_covered_whole_and_an_open_one_to_its_last_day_with_a_charge(source: Source) -> None:
    source.write("2025-10.csv", [line("2025-10-03", "1")])
    source.write("2025-11.csv", [line("2025-11-17", "1", period="2025-11")])
    source.collect()
    utc = [datetime(2025, 10, 1, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC), datetime(2025, 11, 18, tzinfo=UTC)]
    assert source.rows("select covered_from, covered_to from meta.coverage order by all") == [
        (utc[0], utc[1]), (utc[1], utc[2]),
    ]  # fmt: skip


def parquet(source: Source, name: str, table: pa.Table) -> None:
    source.write(name, b"")
    pq.write_table(table, source.folder / name)


def test_parquet_is_read_with_instants_maps_and_decimals_as_the_clouds_write_them(source: Source) -> None:
    instant = pa.timestamp("us", "UTC")
    at = datetime(2025, 10, 3, 5, tzinfo=UTC)
    month = [datetime(2025, 10, 1, tzinfo=UTC)] * 2
    table = pa.table(
        {
            "BillingPeriodStart": pa.array(month, instant),
            "ChargePeriodStart": pa.array([at, at], instant),
            "ChargePeriodEnd": pa.array([at.replace(hour=6)] * 2, instant),
            "BillingCurrency": pa.array(["USD", "USD"]).dictionary_encode(),
            "BilledCost": pa.array([Decimal("1.000000000000000001"), Decimal(2)], pa.decimal128(38, 18)),
            "EffectiveCost": pa.array([0.1, 0.2]),
            "ProviderName": ["AWS", "AWS"],
            "Tags": pa.array([[("service", "a")], None], pa.map_(pa.string(), pa.string())),
        }
    )
    parquet(source, "a.parquet", table)
    source.collect()
    assert source.rows() == [("a", 1), (None, 2)]
    assert source.total("effective") == Decimal("0.3")
    assert source.rows("select distinct period_start, period_end from landing.cost_lines") == [
        (date(2025, 10, 3), date(2025, 10, 4))
    ]


def test_csv_is_read_with_a_byte_order_mark_line_breaks_in_tags_and_exponents(source: Source) -> None:
    text = as_csv([line("2025-10-03", "1.5E-3", Tags='{"service":\n "a"}'), line("2025-10-03", " 2 ", Tags="NULL")])
    source.write("a.csv.gz", gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    source.collect()
    assert source.rows() == [("a", Decimal("0.0015")), (None, 2)]


GOOD = [line("2025-10-03", "1"), line("2025-10-04", "2")]
BROKEN: Mapping[str, tuple[str, str]] = {
    "a cost": (as_csv([*GOOD, line("2025-10-05", "1,5")]), "row 3: BilledCost '1,5' is not a number"),
    "a day": (as_csv([*GOOD, line("10/05/2025", "1")]), "ChargePeriodStart '10/05/2025' is no day such as"),
    "a period": (
        as_csv([*GOOD, line("2025-10-05", "1", BillingPeriodStart="soon")]),
        "BillingPeriodStart 'soon' is no",
    ),
    "a currency": (as_csv([*GOOD, line("2025-10-05", "1", BillingCurrency="credits")]), "'credits' is no currency"),
    "a line": (as_csv(GOOD) + "1,2,3\n", "cannot be read after row 0: "),
    "a column": (as_csv([{k: v for k, v in GOOD[0].items() if k != "BillingCurrency"}]), "no column BillingCurrency"),
    "costs": (as_csv([{k: v for k, v in GOOD[0].items() if "Cost" not in k}]), "no column BilledCost or EffectiveCost"),
    "everything": ("", "cannot be read after row 0: "),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_bill_with_something_wrong_is_told_and_what_was_read_before_stays(source: Source, what: str) -> None:
    content, problem = BROKEN[what]
    source.write("2025-10.csv", GOOD)
    source.collect()
    source.write("2025-10.csv", content)
    with pytest.raises(CollectError, match=r"bills: 2025-10\.csv ") as told:
        source.collect()
    assert problem in str(told.value)
    assert "stays" in str(told.value)
    assert source.total() == 3


def test_a_file_that_never_could_be_read_fails_alone(source: Source) -> None:
    source.write("2025-10.csv", GOOD)
    source.write("summary.csv", "a,b\n1,2\n")
    collector = source.collector()
    good, bad = collector.scopes()
    assert [page.is_last for page in collector.collect(good, None)] == [True]
    with pytest.raises(CollectError, match=r"summary\.csv has no column BillingPeriodStart"):
        list(collector.collect(bad, None))


def test_a_part_that_cannot_be_read_keeps_the_others_of_its_delivery_from_counting_alone(source: Source) -> None:
    source.write("2025-10/part-1.csv", GOOD)
    source.write("2025-10/part-2.csv", "half a li")
    collector = source.collector()
    for scope in collector.scopes():
        with pytest.raises(CollectError, match=r"part-2\.csv"):
            list(collector.collect(scope, None))


def test_a_file_that_is_written_to_while_it_is_read_is_read_again(source: Source) -> None:
    path = source.write("2025-10.csv", GOOD)
    collector = source.collector()
    (scope,) = collector.scopes()
    os.utime(path)
    with pytest.raises(RetryableError, match="was written to"):
        list(collector.collect(scope, None))


def test_a_folder_that_is_not_there_is_told(source: Source) -> None:
    with pytest.raises(SettingsError, match="nowhere is not a folder"):
        list(source.collector(folder="nowhere").scopes())


def test_a_hundred_thousand_lines_take_memory_for_what_they_come_to(source: Source) -> None:
    table = pa.table(
        {
            "BillingPeriodStart": pa.repeat("2025-10-01", 100_000),
            "ChargePeriodStart": [f"2025-10-{1 + place % 28:02}T{place % 24:02}:00:00Z" for place in range(100_000)],
            "BillingCurrency": pa.repeat("EUR", 100_000),
            "BilledCost": pa.repeat("0.00001", 100_000),
            "Tags": [json.dumps({"service": f"s{place % 50}"}) for place in range(100_000)],
        }
    )
    parquet(source, "a.parquet", table)
    collector = source.collector()
    (scope,) = collector.scopes()
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    (page,) = collector.collect(scope, None)
    (rows,) = page.rows.values()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(row["amount"] for row in rows) == 1
    assert len(rows) == 700
    assert peak < 20_000_000
    assert pa.total_allocated_bytes() - before < 1_000_000
