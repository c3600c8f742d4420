"""Amazon Q Developer: who uses it for what, day by day, from its user activity reports.

Reads:  every user activity report in a folder and the folders below it: the `..._by_user_analytic_....csv` that Amazon
        Q writes to S3 each midnight UTC, as `aws s3 sync` brings them. A file of the same size and time is not read
        again. Of two reports of a day the one whose name comes last counts.
Needs:  the folder; in Amazon Q the setting "Collect granular metrics per user". Accounts are ids of IAM Identity
        Center: `users`, as `aws identitystore list-users` writes it, tells their addresses, by which teams resolve.
Limits: Who did nothing on a day is not in its report. Suggestions are those of inline completion; lines accepted are
        those of all features. Chat is counted by messages, answers among them. Sessions, tokens, money, commits and
        seats are not reported. A file that is taken away takes nothing along; of one that is written anew a person's
        day is replaced, and not taken out.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from pydantic import Field

from dxmetrics.collectors import Collector, Cursor, Interval, Page, Scope, SourceSettings, assistants
from dxmetrics.collectors.assistants import DAY, Count, Counts, Row, total
from dxmetrics.errors import CollectError, RetryableError, SettingsError
from dxmetrics.records import Identity, Record, UsageFact

WHO, WHEN = "userid", "date"
ORGANISATION = "organisation"  # whose use has no account
COLUMNS: Mapping[str, Sequence[str]] = {
    "suggestions_shown": ("inline_suggestionscount",),
    "suggestions_accepted": ("inline_acceptancecount",),
    "lines_accepted": (
        "chat_aicodelines", "codefix_acceptedlines", "dev_acceptedlines", "docgeneration_acceptedlineadditions",
        "inline_aicodelines", "inlinechat_acceptedlineadditions", "testgeneration_acceptedlines",
    ),
    "chat_requests": ("inlinechat_totaleventcount",),
    "chat_messages": ("chat_messagessent",),
    "agent_requests": (
        "dev_generationeventcount", "docgeneration_eventcount", "testgeneration_eventcount",
        "transformation_eventcount",
    ),
}  # fmt: skip
COUNTED = frozenset(column for columns in COLUMNS.values() for column in columns)

Line = Mapping[str, str]


class AmazonQSettings(SourceSettings):
    """Where the reports are."""

    folder: Path = Field(description="the folder with the reports, relative to the project's folder")
    users: Path | None = Field(
        default=None,
        description="file with the users of IAM Identity Center, as `aws identitystore list-users` writes it; left out:"
        " accounts have no address, and are people only where dx.toml names them",
    )
    since: date | None = Field(default=None, description="nothing older is taken in; left out: all there is")


class AmazonQ(Collector):
    """One scope: the folder. The cursor holds size and time of each file that was read, and of the users."""

    kind = "amazon_q"
    produces = (UsageFact, Identity)
    keeps_payloads = False  # of what is said of people, only what is counted is kept
    Settings = AmazonQSettings
    settings: AmazonQSettings

    def scopes(self) -> Iterator[Scope]:
        """The folder; SettingsError if it is none."""
        if not self._folder.is_dir():
            raise SettingsError(f"{self.name}: {self._folder} is not a folder: correct folder in [sources.{self.name}]")
        yield Scope("reports", f"reports in {self.settings.folder}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:  # noqa: ARG002  (there is one)
        """A page for each report that is new or changed; all of them where the users or `since` are."""
        state: dict[str, Any] = dict(cursor or {})
        try:
            settings = [_state(self._users) if self._users else None, str(self.settings.since)]
            if state.get("settings") != settings:
                state = {"settings": settings, "files": {}, "notes": []}
            emails = addresses(self._users) if self._users else {}
            state["notes"] = []
            for path in sorted(self._folder.rglob("*.csv"), key=lambda one: (one.name, one)):
                yield from self._page(path, emails, state)
        except OSError as error:
            raise CollectError(f"{self.name}: {error.filename} cannot be read: {error.strerror}") from error
        if state["notes"]:
            yield Page({}, cursor=state, notes=tuple(state["notes"]))

    @property
    def _folder(self) -> Path:
        return self.context.project_folder / self.settings.folder

    @property
    def _users(self) -> Path | None:
        return self.context.project_folder / self.settings.users if self.settings.users else None

    def _page(self, path: Path, emails: Mapping[str, str], state: dict[str, Any]) -> Iterator[Page]:
        name, found = path.relative_to(self._folder).as_posix(), _state(path)
        before = state["files"].get(name)
        if before is not None and before[:2] == found:
            state["notes"] += before[2:]
            return
        lines, note = _read(path, name)
        if _state(path) != found:
            raise RetryableError(f"{self.name}: {name} was written to while it was read: collect again")
        since = self.settings.since or date.min
        wanted = [one for one in lines if not isinstance(day := day_of(one), date) or day >= since]
        met = {key: assistants.account(key, email=emails.get(key)) for one in wanted if (key := key_of(one))}
        facts = [fact for one in wanted for fact in usage_facts(one)]
        state["files"] = {**state["files"], name: [*found, *note]}
        state["notes"] += note
        rows: assistants.Rows = {UsageFact: facts, Identity: list(met.values())}
        yield Page(rows, cursor=dict(state), covers=self._covers(wanted), is_mapped=True)

    def _covers(self, lines: Sequence[Line]) -> Mapping[type[Record], Interval]:
        """The days of a report: who is not in it did nothing."""
        days = [day for one in lines if isinstance(day := day_of(one), date)]
        if not days:
            return {}
        begin, end = (datetime.combine(day, time(), UTC) for day in (min(days), max(days) + DAY))
        end = min(end, self.context.now())
        return {UsageFact: (begin, end)} if begin < end else {}


def _state(path: Path) -> list[int]:
    """What differs when a file may have changed."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _read(path: Path, name: str) -> tuple[list[Line], list[str]]:
    """The lines of a report, by column in small letters; of another file none, and a note."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, restval="")
            reader.fieldnames = [column.strip().casefold() for column in reader.fieldnames or ()]
            lines: list[Line] = [
                {column: cell for column, cell in row.items() if isinstance(column, str)} for row in reader
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        return [], [f"{name} is left out, as it is no CSV file in UTF-8 ({error}): fetch it again"]
    return (lines, []) if is_report(lines) else ([], [f"{name} is no user activity report, and is left out"])


# -- mapping ----------------------------------------------------------------------------------------------------------


def addresses(path: Path) -> dict[str, str]:
    """The address of each user of IAM Identity Center, by id: the primary one; SettingsError for another file."""
    try:
        users = json.loads(path.read_text(encoding="utf-8-sig"))["Users"]
        told = {one["UserId"]: one.get("Emails") or () for one in users}
        chosen = {key: sorted(emails, key=lambda one: not one.get("Primary"))[:1] for key, emails in told.items()}
        return {key: assistants.address(one["Value"]) for key, emails in chosen.items() for one in emails}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{path} is not what `aws identitystore list-users` writes ({type(error).__name__}: {error}): write it anew"
            " with --output json"
        ) from error


def is_report(lines: Sequence[Line]) -> bool:
    """Whether these are the lines of a user activity report; a file without lines may be one."""
    return not lines or ({WHO, WHEN} <= lines[0].keys() and not COUNTED.isdisjoint(lines[0]))


def key_of(line: Line) -> str | None:
    """The account: the id of the user, without that of the identity store before it."""
    return line[WHO].strip().rpartition(".")[2] or None


def day_of(line: Line) -> date | str:
    """The day of a line, written 11-28-2026 or 2026-11-28; what is none as it is, to be refused."""
    text = line[WHEN].strip()
    for form in ("%m-%d-%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return text


def usage_facts(line: Line) -> Iterator[Row]:
    """One person's day."""
    yield from assistants.day_facts(AmazonQ.kind, day_of(line), key_of(line), counted(line), organisation=ORGANISATION)


def counted(line: Line) -> Counts:
    """A person's counts; a column that a report does not have is unknown."""
    return {
        metric: total(_count(line[column]) for column in columns if column in line)
        for metric, columns in COLUMNS.items()
    }


def _count(text: str) -> Count:
    """The number in a cell, None where it is blank; what is none as it is, to be refused."""
    try:
        return float(text) if text.strip() else None
    except ValueError:
        return text  # type: ignore[return-value]  # the record refuses it
