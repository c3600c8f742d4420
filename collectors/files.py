"""Records from files: any tool's history, written as JSON Lines, CSV or Parquet.

Reads:  every `<table>.jsonl`, `<table>.csv` and `<table>.parquet` in the folder, such as `deployments.csv`, 5,000 rows
        at a time. A file of the same size, time and content is not read again; a changed one is read whole, and rows
        that are no longer in it are marked deleted, as are all those of a file that is taken away.
Needs:  the folder. The columns are a record's fields (docs/records.md). `ext_id` must be there, except where others
        name the row: repositories, teams and services (`name`), issues (`key`), commits (`repository`, `sha`),
        change_commits (`change`, `sha`), memberships (`team`, `person`, `valid_from`) and links (both ends).
Limits: a bad row goes to quarantine with file and line, and while there is one nothing of that file is marked deleted.
        CSV is UTF-8 with commas.
"""

import csv
import difflib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import AwareDatetime, Field, ValidationError

from dxmetrics import records
from dxmetrics.collectors import Collector, Cursor, Interval, Page, Scope, SourceSettings
from dxmetrics.errors import CollectError, PayloadError, RetryableError, SettingsError
from dxmetrics.records import RECORDS, Record, by_table, table_name

PAGE_ROWS = 5_000
NATURAL_KEYS: Mapping[type[Record], str] = {
    records.Repository: "{name}",
    records.Commit: "{repository}@{sha}",
    records.ChangeCommit: "{change}/{sha}",
    records.Issue: "{key}",
    records.Team: "{name}",
    records.Membership: "{team}/{person}/{valid_from}",
    records.Service: "{name}",
    records.Link: "{from_kind}/{from_id}/{relation}/{to_kind}/{to_id}",
}  # what a missing `ext_id` is made of; a type not listed has no fields that name one row for ever

Row = dict[str, Any]
Line = tuple[int, Row | str]  # line or row number, and the row or what is wrong with it


class FilesSettings(SourceSettings):
    """Where the files are."""

    folder: Path = Field(description="the folder with the files, relative to the project's folder")
    covers_from: AwareDatetime | None = Field(
        default=None,
        description="since when the files are complete: a week without rows is a zero then; none: since the first row",
    )


class Files(Collector):
    """One scope for each file. The cursor holds the size, time and hash of what was read."""

    kind = "files"
    produces = RECORDS
    keeps_payloads = False
    Settings = FilesSettings
    settings: FilesSettings

    def scopes(self) -> Iterator[Scope]:
        """The files of the folder; SettingsError if there is no such folder."""
        folder = self._folder
        if not folder.is_dir():
            raise SettingsError(f"{self.name}: {folder} is not a folder: correct folder in [sources.{self.name}]")
        for path in sorted(folder.iterdir()):
            if path.suffix in READERS and path.is_file():
                yield Scope(id=path.name, title=path.name)

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """A walk through the file, if it is not as it was."""
        path = self._folder / scope.id
        record = _record_of(path)
        try:
            yield from self._pages(path, record, dict(cursor or {}))
        except OSError as error:
            raise CollectError(f"{self.name}: {path} cannot be read: {error.strerror}") from error

    @property
    def _folder(self) -> Path:
        return self.context.project_folder / self.settings.folder

    def _pages(self, path: Path, record: type[Record], before: dict[str, Any]) -> Iterator[Page]:
        found = self._state(path)
        if found == before | found and before:
            return
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        cursor = found | {"sha256": digest}
        if digest == before.get("sha256"):
            yield Page(rows={}, cursor=cursor, covers=self._covers(record, path))
            return
        lines = READERS[path.suffix](path, record)
        while payloads := [_payload(path, *line) for line in islice(lines, PAGE_ROWS)]:
            yield Page(rows={record: payloads}, snapshot=True)
        if self._state(path) != found:
            raise RetryableError(f"{self.name}: {path.name} was written to while it was read: collect again")
        yield Page(rows={record: []}, cursor=cursor, covers=self._covers(record, path), snapshot=True, is_last=True)

    def _state(self, path: Path) -> dict[str, Any]:
        """What differs when the file, or what is said about it, may have changed."""
        status = path.stat()
        since = self.settings.covers_from
        return {
            "size": status.st_size,
            "modified": status.st_mtime_ns,
            "covers_from": since.isoformat() if since else None,
        }

    def _covers(self, record: type[Record], path: Path) -> Mapping[type[Record], Interval]:
        """From `covers_from` until the file was written."""
        since = self.settings.covers_from
        written = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), self.context.now())
        return {record: (since.astimezone(UTC), written)} if since and since < written else {}


def _record_of(path: Path) -> type[Record]:
    try:
        return by_table(path.stem)
    except KeyError:
        tables = [table_name(record) for record in RECORDS]
        raise CollectError(f"{path.name}: {_unknown(path.stem, tables, 'a record type')}") from None


def _payload(path: Path, number: int, row: Row | str) -> Row:
    content = {"problem": row} if isinstance(row, str) else {"row": row}
    return {"file": path.name, "line": number} | content


def _unknown(name: str, valid: list[str], what: str) -> str:
    close = difflib.get_close_matches(name, valid, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{name!r} is not {what}: {hint}valid: {', '.join(valid)}"


# Readers: the rows of a file, one after the other.


def _json_lines(path: Path, record: type[Record]) -> Iterator[Line]:
    del record  # keys may differ from line to line: each row is checked alone
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
            if not text:
                continue
            try:
                row = json.loads(text)
            except ValueError as error:
                yield number, f"not valid JSON: {error}"
                continue
            if not isinstance(row, dict):
                yield number, "not a JSON object"
            elif rb"\ud" in text.lower() and not _is_unicode(json.dumps(row, ensure_ascii=False)):
                yield number, "not valid Unicode"
            else:
                yield number, row


def _csv(path: Path, record: type[Record]) -> Iterator[Line]:
    # A byte that is no UTF-8 becomes a lone surrogate, by which its row is known: only that one is lost.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        reader = csv.reader(lines)
        header = [name.strip() for name in next(reader, [])]
        _check_columns(path, header, record)
        try:
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    yield reader.line_num, f"{len(cells)} values for {len(header)} columns"
                elif not _is_unicode("".join(cells)):
                    yield reader.line_num, "not UTF-8"
                else:
                    row = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
                    yield reader.line_num, row
        except csv.Error as error:
            raise CollectError(f"{path.name} line {reader.line_num}: {error}: correct it, and collect again") from error


def _parquet(path: Path, record: type[Record]) -> Iterator[Line]:
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names, record)
            number = 0
            for batch in file.iter_batches(batch_size=PAGE_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pa.ArrowException as error:
        raise CollectError(f"{path.name}: not a readable Parquet file: {error}") from error


READERS: Mapping[str, Callable[[Path, type[Record]], Iterator[Line]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}


def _is_unicode(text: str) -> bool:
    """Whether the text can be stored: a lone half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_columns(path: Path, columns: list[str], record: type[Record]) -> None:
    """CollectError for a column no record has, one that comes twice, or a required one that is not there."""
    fields = list(record.model_fields)
    for position, name in enumerate(columns):
        if name not in fields:
            raise CollectError(f"{path.name}: {_unknown(name, fields, 'a column of ' + table_name(record))}")
        if name in columns[:position]:
            raise CollectError(f"{path.name}: column {name!r} comes twice: keep one")
    missing = [name for name in _required(record) if name not in columns]
    if columns and missing:
        raise CollectError(f"{path.name}: {', '.join(missing)} is missing: add it as a column")


def _required(record: type[Record]) -> list[str]:
    """The columns a file must have; `ext_id` is not one where it can be made of others."""
    names = [name for name, field in record.model_fields.items() if field.is_required()]
    return [name for name in names if name != "ext_id" or record not in NATURAL_KEYS]


# Mapping: one row to one record.


def _mapping(record: type[Record]) -> Callable[[Mapping[str, Any]], Record]:
    """The function that maps payloads of this collector to `record`; a refusal names file and line."""

    def mapped(payload: Mapping[str, Any]) -> Record:
        place = f"{payload['file']} line {payload['line']}"
        if "problem" in payload:
            raise PayloadError(f"{place}: {payload['problem']}")
        try:
            return record.model_validate(_values(record, payload["row"]))
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[:3]
            problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found]
            raise PayloadError(f"{place}: {'; '.join(problems)}") from error
        except ValueError as error:
            raise PayloadError(f"{place}: {error}") from error

    return mapped


def _values(record: type[Record], row: Row) -> Row:
    """The row with lists and nested values read from text, whole numbers allowed as text, missing ones left out."""
    shapes = _shapes(record)
    values = {name: _value(shapes.get(name), value) for name, value in row.items() if value is not None}
    if "ext_id" not in values and record in NATURAL_KEYS:
        parts = dict.fromkeys(record.model_fields, "") | values
        values["ext_id"] = NATURAL_KEYS[record].format_map(parts)
    return values


def _value(shape: str | None, value: Any) -> Any:
    if shape == "text" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if shape in {"list", "nested"} and isinstance(value, str):
        if shape == "nested" or value.lstrip().startswith("["):
            return json.loads(value)
        return [part.strip() for part in value.split("|") if part.strip()]
    if shape == "nested" and isinstance(value, list) and all(isinstance(pair, tuple) for pair in value):
        return dict(value)  # a Parquet map
    return value


@cache
def _shapes(record: type[Record]) -> Mapping[str, str]:
    """The fields that need more than pydantic's own conversion: text, lists of text, and nested values."""
    shapes = {}
    for name, field in record.model_fields.items():
        kinds = [kind for kind in get_args(field.annotation) if kind is not NoneType]
        annotation = kinds[0] if len(kinds) == 1 and get_origin(field.annotation) is not tuple else field.annotation
        if annotation is str:
            shapes[name] = "text"
        elif get_origin(annotation) in {tuple, dict}:
            shapes[name] = "list" if get_args(annotation) == (str, ...) else "nested"
    return shapes


repository = _mapping(records.Repository)
change = _mapping(records.Change)
change_commit = _mapping(records.ChangeCommit)
commit = _mapping(records.Commit)
review = _mapping(records.Review)
pipeline_run = _mapping(records.PipelineRun)
job = _mapping(records.Job)
deployment = _mapping(records.Deployment)
incident = _mapping(records.Incident)
issue = _mapping(records.Issue)
issue_transition = _mapping(records.IssueTransition)
identity = _mapping(records.Identity)
team = _mapping(records.Team)
membership = _mapping(records.Membership)
service = _mapping(records.Service)
template_use = _mapping(records.TemplateUse)
usage_fact = _mapping(records.UsageFact)
platform_event = _mapping(records.PlatformEvent)
survey_response = _mapping(records.SurveyResponse)
cost_line = _mapping(records.CostLine)
link = _mapping(records.Link)
