"""Microsoft Forms, and survey answers in any table: Excel workbooks and CSV files.

Reads:  every .xlsx and .csv of `paths`, one response a row. A file of the same size and time is not read again; a
        changed one is read whole, and what is no longer in it is let go, as is all of a file that is taken away. Of a
        row only its id, its time of completion and the mapped columns are taken.
Needs:  `paths`, to the export of the form (Open in Excel) or the folder where its workbook is synchronised; `zone`, in
        which the times of the export are; in `items` which question is which item of the survey, by the column's title.
        Answers in words need `values`. Of other tables also `id_column` and `time_column`, or `undated_on`.
Limits: Names and addresses stay in the file. A mapped column that was in a file and is not any more fails it, as
        reworded questions would lose their answers: map the new title to the same item. Columns of one title are told
        apart from left to right, as Title (1) and Title (2). Rows without a time of completion are left out. Of the
        downloads of one form in a folder, such as Pulse(1-40).xlsx and Pulse(1-55).xlsx, the newest counts. CSV is
        UTF-8, UTF-16 or Windows-1252, with commas, semicolons, tabs or bars. There is no API to read responses from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from dxmetrics.collectors import Collector, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.forms import Answer, AnswerSettings, response
from dxmetrics.errors import CollectError, RetryableError, SettingsError
from dxmetrics.records import SurveyResponse

from .tables import READERS, Layout, Table, answer, instant, present, table_of, title

PAGE_ROWS = 1_000
LONGEST_LABEL = 60
DOWNLOAD = re.compile(r"\s*(\(\d+-\d+\))?\s*(\(\d+\))?$")  # Pulse(1-40) (2): its rows, and a second copy
LABEL = re.compile(r"\s*-?\d{1,3}(\s*$|[):]\s+\S|\s+[-–—=:(])")  # "4", "4 - Agree", "10 (likely)", not "3 hours"


def _titles(given: object) -> object:
    return {title(key): item for key, item in given.items()} if isinstance(given, Mapping) else given


def _title(given: object) -> object:
    return title(given) or None if isinstance(given, str) else given


Title = Annotated[str | None, BeforeValidator(_title)]


class MicrosoftFormsSettings(SourceSettings, AnswerSettings):
    """Which tables are read, and as what."""

    paths: tuple[Path, ...] = Field(
        min_length=1, description="files, or folders with files, relative to the project's folder"
    )
    items: Annotated[dict[str, str], BeforeValidator(_titles)] = Field(
        description='which question is which item: { "title of the column" = "id of the item" }; others are not read'
    )
    team: Title = Field(default=None, description="column with the team's name; left out: no team is known")
    tenure: Title = Field(default=None, description="column with the band of tenure; left out: none is known")
    sheet: str | None = Field(default=None, description="sheet of the workbook; left out: the first")
    id_column: Title = Field(
        default=None, description="column that names a row for ever; left out: ID, and without one what the row says"
    )
    time_column: Title = Field(
        default=None, description="column with the time of handing in; left out: what Forms calls its completion time"
    )
    time_format: str | None = Field(
        default=None,
        description="how times are written, if they are text: %m/%d/%y %H:%M:%S; left out: 2026-11-20 or 20.11.2026",
    )
    undated_on: date | None = Field(
        default=None, description="day that counts for all rows of a table without a column of times"
    )

    @property
    def cohort(self) -> Mapping[str, str]:
        """The columns of team and tenure, by setting."""
        return {key: name for key in ("team", "tenure") if (name := getattr(self, key))}

    @property
    def layout(self) -> Layout:
        """What is looked for in a table."""
        return Layout(frozenset({*self.items, *self.cohort.values()}), self.id_column, self.time_column)


class MicrosoftForms(Collector):
    """One scope for each form. The cursor holds what was read, and which columns there were."""

    kind = "microsoft_forms"
    produces = (SurveyResponse,)
    keeps_payloads = False  # what is said of a person stays where it was said
    Settings: ClassVar[type[SourceSettings]] = MicrosoftFormsSettings
    settings: MicrosoftFormsSettings

    def scopes(self) -> Iterator[Scope]:
        """The forms; SettingsError where a path is not there."""
        for form, path in self._files().items():
            yield Scope(form, path.name)

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """A walk through the form's file, if it or how it is read is not as it was."""
        before = dict(cursor or {})
        path = self._files()[scope.id]
        try:
            found = self._state(path)
            if found != {name: before.get(name) for name in found}:
                yield from self._pages(scope.id, path, found, before)
            elif before["notes"]:
                yield Page({}, before, notes=tuple(before["notes"]))
        except OSError as error:
            raise CollectError(f"{self.name}: {path} cannot be read: {error.strerror}") from error

    def _files(self) -> Mapping[str, Path]:
        """The newest file of each form, by the form's name and place."""
        newest: dict[str, Path] = {}
        for given in self.settings.paths:
            path = self.context.project_folder / given
            if not path.is_dir() and not (path.is_file() and path.suffix.lower() in READERS):
                raise SettingsError(
                    f"[sources.{self.name}] paths: {path} is neither a folder nor a file of {' or '.join(READERS)}"
                )
            folder, known = (given, sorted(path.iterdir())) if path.is_dir() else (given.parent, [path])
            for one in known:
                ending = one.suffix.lower()
                if ending not in READERS or not one.is_file() or one.name.startswith(("~$", ".")):
                    continue  # also what Excel has beside a workbook while it is open
                form = (folder / f"{DOWNLOAD.sub('', one.stem) or one.stem}{ending}").as_posix()
                newest[form] = max(newest.get(form, one), one, key=lambda file: file.stat().st_mtime_ns)
        if not newest:  # as long as a folder is being synchronised: what was read of it is kept
            raise SettingsError(
                f"[sources.{self.name}] paths: there is no file of {' or '.join(READERS)} in"
                f" {' or '.join(map(str, self.settings.paths))}"
            )
        return newest

    def _state(self, path: Path) -> dict[str, Any]:
        """What differs when the file, or what is made of it, may have changed."""
        status = path.stat()
        settings = self.settings.model_dump(mode="json", exclude={"kind", "schedule", "paths"})
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
        return {"file": path.name, "size": status.st_size, "modified": status.st_mtime_ns, "read_as": digest}

    def _pages(self, form: str, path: Path, found: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Page]:
        settings = self.settings
        table = table_of(path.name, READERS[path.suffix.lower()](path, settings.sheet), settings.layout)
        notes = self._checked(table, before.get("columns", ()))
        rows = survey_rows(table, form, settings)
        while payloads := list(islice(rows, PAGE_ROWS)):
            yield Page({SurveyResponse: payloads}, snapshot=True, is_mapped=True)
        if self._state(path) != found:
            raise RetryableError(f"{self.name}: {path.name} was written to while it was read: collect again")
        cursor = {**found, "columns": sorted(settings.layout.mapped & set(table.columns)), "notes": notes}
        yield Page({SurveyResponse: []}, cursor, snapshot=True, is_last=True, is_mapped=True, notes=tuple(notes))

    # -- whether the settings fit -------------------------------------------------------------------------------------

    def _checked(self, table: Table, before: Container[str]) -> list[str]:
        """Notes on what no column answers; an error where one did at the last look, and where nothing fits."""
        settings, place = self.settings, f"[sources.{self.name}] {table.name}"
        if table.completed is None and settings.undated_on is None:
            raise SettingsError(
                f"{place} has no column with the time of handing in: set time_column, or undated_on to the day that"
                f" counts for all rows; there are {_listed(table.columns)}"
            )
        for name in settings.layout.mapped & table.personal:
            raise SettingsError(f'{place}: "{name}" says who somebody is: take it out, as nothing of a person is read')
        rest = [name for name in table.questions if name not in settings.layout.mapped]
        instead = f": if it was reworded, map one of {_listed(rest)} to the same item too" if rest else ""
        sought: dict[str, list[str]] = {f"the {key}": [name] for key, name in settings.cohort.items()}
        for name, item in settings.items.items():
            sought.setdefault(f"item {item}", []).append(name)
        missing = {what: names for what, names in sought.items() if not set(names) & set(table.columns)}
        for what, names in missing.items():
            if lost := [name for name in names if name in before]:
                raise CollectError(
                    f'{place}: "{lost[0]}", the column of {what}, was there at the last look{instead}; if it was taken'
                    " out, keep the earlier file under another name, so that its answers are not lost"
                )
        if not set(settings.items) & set(table.columns):
            raise SettingsError(
                f'{place}: items maps no column: set items = {{ "title of the column" = "id of the item" }} of'
                f" {_listed(table.questions)}"
            )
        return [f"{table.name}: no column tells {what}{instead}" for what in missing]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names if name)


# -- mapping ----------------------------------------------------------------------------------------------------------


def survey_rows(table: Table, form: str, settings: MicrosoftFormsSettings) -> Iterator[dict[str, Any]]:
    """The records of the rows that were handed in: what is mapped of them, and their days."""
    places = {name: place for place, name in enumerate(table.columns) if name in settings.layout.mapped}
    alike, met = Counter[str](), dict[str, int]()
    for number, line in table.lines:
        said = {name: answer(present(line, place)) for name, place in places.items()}
        key, time = present(line, table.id), present(line, table.completed)
        submitted_at = settings.undated_on
        if table.completed is not None:
            submitted_at = instant(time, settings.time_format, f"{table.name} row {number}")
        if submitted_at is None or all(one is None for one in said.values()):
            continue
        name = str(int(key)) if isinstance(key, float) and key.is_integer() else title(key)
        if not name:
            digest = hashlib.sha256(json.dumps([str(time), said]).encode()).hexdigest()
            alike[digest] += 1
            name = f"{digest}-{alike[digest]}"
        if name in met:
            raise CollectError(
                f"{table.name}: rows {met[name]} and {number} have the same id {name!r}: give each form a file of its"
                " own, or set id_column"
            )
        met[name] = number
        yield survey_row(f"{form}/{name}", submitted_at, said, settings)


def survey_row(
    key: str, submitted_at: date, said: Mapping[str, Answer | Sequence[str]], settings: AnswerSettings
) -> dict[str, Any]:
    """A record in its own shape. Words that merely begin with a number, such as "3 hours a day", have none."""
    row = response(settings, key, submitted_at, said)
    coded = {label.casefold().strip() for label in settings.values}
    row["answers"] = [one if _is_coded(one, coded) else one | {"number": None} for one in row["answers"]]
    return row


def _is_coded(given: Mapping[str, Any], coded: Container[str]) -> bool:
    text = given.get("text")
    return text is None or text.casefold() in coded or (len(text) <= LONGEST_LABEL and bool(LABEL.match(text)))
