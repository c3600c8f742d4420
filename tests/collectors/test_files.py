"""Records from JSON Lines, CSV and Parquet: what is read, what is refused and how, and what a change of a file does."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from duckdb import DuckDBPyConnection
from pydantic import AwareDatetime

from dxmetrics import collectors, warehouse
from dxmetrics.collectors import CollectError, Collector, Context, Page, SettingsError
from dxmetrics.project import builtin_root
from dxmetrics.records import RECORDS, Change, Deployment, Record, SurveyResponse, snake_name, table_name

collectors.extend_path([builtin_root() / "collectors"])
files = importlib.import_module("dxmetrics.collectors.files")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Source:
    """A files source over a folder of its own, loaded into a warehouse."""

    connection: DuckDBPyConnection
    folder: Path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        stamp = max(other.stat().st_mtime_ns for other in self.folder.iterdir()) + 10**9
        os.utime(path, ns=(stamp, stamp))  # later than before, whatever the file system's resolution
        return path

    def collect(self, **settings: Any) -> warehouse.Counts:
        """One collection of every file; what became of the rows."""
        collector = self.collector(**settings)
        loader = warehouse.Loader(self.connection, "files", files, clock=lambda: NOW, keeps_payloads=False)
        counts = warehouse.Counts()
        for scope in collector.scopes():
            for page in collector.collect(scope, warehouse.read_cursor(self.connection, "files", scope.id)):
                counts += loader.write(scope, page)
        return counts

    def collector(self, **settings: Any) -> Collector:
        values = {"kind": "files", "folder": "in", **settings}
        cls = collectors.load("files")
        context = Context(now=lambda: NOW, folder=self.folder, project_folder=self.folder.parent)
        return cls("files", cls.Settings.model_validate(values), context)

    def pages(self) -> Iterator[Page]:
        """Every page of a collection from the beginning."""
        collector = self.collector()
        return (page for scope in collector.scopes() for page in collector.collect(scope, None))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def refused(self) -> list[str]:
        return [reason for (reason,) in self.rows("select reason from meta.quarantine order by reason")]


@pytest.fixture
def source(connection: DuckDBPyConnection, tmp_path: Path) -> Source:
    folder = tmp_path / "in"
    folder.mkdir()
    return Source(connection, folder)


def lines(*rows: Mapping[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


DEPLOYMENTS = """\
ext_id,service,environment,status,reached_users,finished_at,changes,version
d1,pay,production,success,,2026-11-20T10:00:00+01:00,c1|c2,1.0
d2,pay,,failure,true,2026-11-20T12:00:00+01:00,"[""c3""]",
"""


def test_csv_has_empty_for_missing_and_lists_with_bars(source: Source) -> None:
    source.write("deployments.csv", DEPLOYMENTS)
    source.collect()
    found = source.rows(
        "select ext_id, environment, reached_users, changes, version, finished_at "
        "from landing.deployments order by ext_id"
    )
    assert [row[:5] for row in found] == [
        ("d1", "production", None, ["c1", "c2"], "1.0"),
        ("d2", "production", True, ["c3"], None),
    ]
    assert found[0][5] == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_json_lines_may_have_other_keys_in_each_line_and_empty_lines_between(source: Source) -> None:
    rows = lines({"ext_id": 1, "repository": "r"}) + "\n" + lines({"ext_id": "2", "repository": "r", "number": 7})
    source.write("changes.jsonl", b"\xef\xbb\xbf" + rows.encode())
    assert source.collect().inserted == 2
    assert source.rows("select ext_id, number from landing.changes order by 1") == [("1", None), ("2", 7)]


def test_parquet_keeps_its_types(source: Source) -> None:
    table = pa.table(
        {
            "ext_id": ["x"],
            "provider": ["cloud"],
            "period_start": [date(2026, 10, 1)],
            "period_end": ["2026-11-01"],
            "amount": pa.array([Decimal("12.34")]),
            "currency": ["EUR"],
        }
    )
    pq.write_table(table, source.folder / "cost_lines.parquet")
    facts = pa.table(
        {
            "ext_id": ["u"],
            "occurred_on": [date(2026, 10, 1)],
            "provider": ["p"],
            "subject_kind": ["team"],
            "subject": ["t"],
            "metric": ["m"],
            "value": [1.0],
            "dimensions": pa.array([[("model", "large")]], pa.map_(pa.string(), pa.string())),
        }
    )
    pq.write_table(facts, source.folder / "usage_facts.parquet")
    assert source.collect().inserted == 2
    assert source.rows("select amount, period_end, category from landing.cost_lines") == [
        (Decimal("12.34"), date(2026, 11, 1), None)
    ]
    assert source.rows("select dimensions ->> 'model' from landing.usage_facts") == [("large",)]


def test_answers_of_a_survey_come_as_nested_json_in_every_format(source: Source) -> None:
    answers = [{"item": "focus", "number": 4}]
    row = {"survey": "s", "wave": "w", "submitted_on": "2026-10-01"}
    source.write("survey_responses.jsonl", lines({"ext_id": "a", **row, "answers": answers}))
    quoted = json.dumps(answers).replace('"', '""')
    source.write("survey_responses.csv", f'ext_id,survey,wave,submitted_on,answers\nb,s,w,2026-10-01,"{quoted}"\n')
    found = [files.survey_response(row) for page in source.pages() for row in page.rows.get(SurveyResponse, ())]
    assert [(one.ext_id, one.answers[0].item, one.answers[0].number) for one in found] == [
        ("b", "focus", 4.0),
        ("a", "focus", 4.0),
    ]


def test_what_the_records_write_as_json_is_read_back_the_same(source: Source) -> None:
    change = Change(ext_id="1", repository="r", labels=("a", "b"), opened_at=NOW, paths=None)
    deployment = Deployment(ext_id="1", environment="production", changes=("1",), finished_at=NOW)
    source.write("changes.jsonl", lines(change.model_dump(mode="json", exclude_defaults=True)))
    source.write("deployments.jsonl", lines(deployment.model_dump(mode="json", exclude_defaults=True)))
    assert source.collect().inserted == 2
    assert (
        files.change({"file": "f", "line": 1, "row": change.model_dump(mode="json", exclude_defaults=True)}) == change
    )
    assert (
        files.deployment({"file": "f", "line": 1, "row": deployment.model_dump(mode="json", exclude_defaults=True)})
        == deployment
    )


def test_a_bad_row_is_refused_with_file_and_line_and_the_others_go_on(source: Source) -> None:
    naive = {"ext_id": "naive", "finished_at": "2026-11-20T10:00:00"}
    rows = (
        lines({"ext_id": "good"}, naive, {"ext_id": "odd", "colour": "red"})
        + '{broken\n"text"\n{"ext_id": "\\ud800"}\n'
    )
    source.write("deployments.jsonl", rows)
    counts = source.collect()
    assert (counts.inserted, counts.refused) == (1, 5)
    reasons = source.refused()
    assert reasons[0].startswith("deployments.jsonl line 2: finished_at: ")
    assert reasons[1].startswith("deployments.jsonl line 3: colour: ")
    assert reasons[2].startswith("deployments.jsonl line 4: not valid JSON")
    assert reasons[3:] == ["deployments.jsonl line 5: not a JSON object", "deployments.jsonl line 6: not valid Unicode"]


def test_a_bad_csv_row_is_refused_by_the_line_it_ends_on(source: Source) -> None:
    content = (
        b'ext_id,title,detected_at\n1,"two\nlines",2026-11-20T10:00:00Z\n2,short\n3,caf\xe9,2026-11-20T10:00:00Z\n'
    )
    source.write("incidents.csv", content)
    counts = source.collect()
    assert (counts.inserted, counts.refused) == (1, 2)
    reasons = source.refused()
    assert reasons[0] == "incidents.csv line 4: 2 values for 3 columns"
    assert reasons[1] == "incidents.csv line 5: not UTF-8"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "deployments.csv",
            "ext_id,servise\n1,pay\n",
            "'servise' is not a column of deployments: did you mean 'service'",
        ),
        ("deployments.csv", "ext_id,sha,sha\n1,a,a\n", "column 'sha' comes twice"),
        ("deployments.csv", "service\npay\n", "ext_id is missing"),
        ("incidents.csv", "ext_id\n1\n", "detected_at is missing"),
        ("deployment.csv", "ext_id\n1\n", "'deployment' is not a record type: did you mean 'deployments'"),
        ("deployments.csv", 'ext_id\n"' + "x" * 200_000 + '"\n', "line 2: field larger than field limit"),
        ("deployments.parquet", "not parquet at all", "deployments.parquet: not a readable Parquet file"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_by_name(source: Source, name: str, content: str, message: str) -> None:
    source.write(name, content)
    with pytest.raises(CollectError) as refusal:
        source.collect()
    assert message in str(refusal.value)
    assert name in str(refusal.value)


def test_a_parquet_file_with_an_unknown_column_is_refused_by_name(source: Source) -> None:
    pq.write_table(pa.table({"ext_id": ["1"], "servise": ["pay"]}), source.folder / "deployments.parquet")
    with pytest.raises(CollectError, match="'servise' is not a column of deployments"):
        source.collect()


def test_a_folder_that_is_not_there_is_named(source: Source) -> None:
    with pytest.raises(SettingsError, match=r"elsewhere is not a folder: correct folder in \[sources.files\]"):
        source.collect(folder="elsewhere")


def test_an_empty_file_has_no_rows(source: Source) -> None:
    source.write("deployments.csv", "")
    source.write("changes.jsonl", "")
    assert source.collect().read == 0


def test_a_row_without_id_is_named_by_its_other_fields_where_they_do(source: Source) -> None:
    source.write("teams.csv", "name\nPayments\n")
    source.write("commits.jsonl", lines({"repository": "r", "sha": "abc"}))
    source.write("memberships.csv", "team,person,valid_from\nPayments,ada,2026-01-01\nPayments,bo,\n")
    source.write("deployments.jsonl", lines({"service": "pay"}))
    source.collect()
    assert source.rows("select ext_id from landing.teams") == [("Payments",)]
    assert source.rows("select ext_id from landing.commits") == [("r@abc",)]
    assert source.rows("select ext_id from landing.memberships order by 1") == [
        ("Payments/ada/2026-01-01",), ("Payments/bo/",)
    ]  # fmt: skip
    assert source.refused() == ["deployments.jsonl line 1: ext_id: Field required"]


def test_the_documentation_names_every_type_that_needs_no_id() -> None:
    for record in files.NATURAL_KEYS:
        assert table_name(record) in files.__doc__


VALUES = {
    str: "EUR", int: 1, float: 1.5, Decimal: "1.5", date: "2026-01-01", AwareDatetime: "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_type_has_its_mapping(record: type[Record]) -> None:
    required = {name: field.annotation for name, field in record.model_fields.items() if field.is_required()}
    row = {name: VALUES[kind] if kind in VALUES else get_args(kind)[0] for name, kind in required.items()}
    made = getattr(files, snake_name(record))({"file": "f", "line": 1, "row": row})
    assert type(made) is record
    assert made.ext_id == "EUR"


def test_a_file_as_it_was_is_not_read_again(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    path = source.write("deployments.csv", DEPLOYMENTS)
    assert source.collect().inserted == 2
    monkeypatch.setattr(files, "READERS", dict.fromkeys(files.READERS))  # reading now would fail
    assert source.collect() == warehouse.Counts()
    os.utime(path)  # another time, the same content
    assert source.collect() == warehouse.Counts()


def test_rows_that_vanish_from_a_changed_file_are_marked_deleted(source: Source) -> None:
    source.write("deployments.csv", DEPLOYMENTS)
    source.collect()
    source.write("deployments.csv", "\n".join(DEPLOYMENTS.splitlines()[:2]) + "\n")
    counts = source.collect()
    assert (counts.deleted, counts.updated, counts.inserted) == (1, 0, 0)
    assert source.rows("select ext_id from landing.deployments where deleted_at is null") == [("d1",)]
    source.write("deployments.csv", "")
    assert source.collect().deleted == 1


def test_a_bad_row_in_a_changed_file_deletes_nothing(source: Source) -> None:
    source.write("changes.jsonl", lines({"ext_id": "1", "repository": "r"}, {"ext_id": "2", "repository": "r"}))
    source.collect()
    source.write("changes.jsonl", lines({"ext_id": "1", "repository": "r"}, {"ext_id": "2", "repositry": "r"}))
    counts = source.collect()
    assert (counts.deleted, counts.refused) == (0, 1)


def test_large_files_come_in_pages_of_five_thousand(source: Source) -> None:
    rows = lines(*({"ext_id": str(number)} for number in range(12_001)))
    source.write("deployments.jsonl", rows)
    cls = collectors.load("files")
    settings = cls.Settings.model_validate({"kind": "files", "folder": "in"})
    collector = cls("files", settings, Context(lambda: NOW, source.folder, project_folder=source.folder.parent))
    (scope,) = collector.scopes()
    pages = list(collector.collect(scope, None))
    assert [len(page.rows[Deployment]) for page in pages] == [5_000, 5_000, 2_001, 0]
    assert [page.cursor is None for page in pages] == [True, True, True, False]
    assert [page.is_last for page in pages] == [False, False, False, True]


def test_a_file_that_grows_while_it_is_read_is_not_taken_as_whole(source: Source) -> None:
    path = source.write("deployments.jsonl", lines(*({"ext_id": str(number)} for number in range(6_000))))
    cls = collectors.load("files")
    settings = cls.Settings.model_validate({"kind": "files", "folder": "in"})
    collector = cls("files", settings, Context(lambda: NOW, source.folder, project_folder=source.folder.parent))
    (scope,) = collector.scopes()
    pages = collector.collect(scope, None)
    next(pages)
    path.write_text(path.read_text() + lines({"ext_id": "late"}))
    with pytest.raises(CollectError, match=r"deployments\.jsonl was written to while it was read: collect again"):
        list(pages)


def test_completeness_is_stated_from_the_setting_until_the_file_was_written(source: Source) -> None:
    path = source.write("deployments.csv", DEPLOYMENTS)
    written = datetime(2026, 11, 22, 8, tzinfo=UTC)
    os.utime(path, (written.timestamp(), written.timestamp()))
    source.collect()
    assert source.rows("select * from meta.coverage") == []
    source.collect(covers_from="2026-01-01T00:00:00+01:00")
    assert source.rows("select stream, covered_from, covered_to from meta.coverage") == [
        ("deployments", datetime(2025, 12, 31, 23, tzinfo=UTC), written)
    ]
