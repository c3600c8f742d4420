"""What is read of Amazon Q's user activity reports, and what is said when it cannot be."""

from __future__ import annotations

import importlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dxmetrics import collectors
from dxmetrics.collectors import Context, Page
from dxmetrics.errors import SettingsError
from dxmetrics.project import builtin_root
from dxmetrics.records import Identity, UsageFact
from tests.collectors.amazon_q.example import ADA, BEN, COLUMNS, report

collectors.extend_path([builtin_root() / "collectors"])
amazon_q: Any = importlib.import_module("dxmetrics.collectors.amazon_q")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
THURSDAY = {"Date": "11-19-2026"}
ADA_KEY, BEN_KEY = "11111111-aaaa", "22222222-bbbb"


@dataclass
class Folder:
    """A project's folder with reports in `reports/`."""

    path: Path
    written: int = 0

    def write(self, name: str, content: str | bytes) -> None:
        """A file, later than all before."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.written += 1
        os.utime(path, ns=(self.written * 10**9, self.written * 10**9))

    def source(self, **settings: Any) -> Any:
        chosen = {"kind": "amazon_q", "folder": "reports", **settings}
        context = Context(now=lambda: NOW, folder=self.path, project_folder=self.path)
        return amazon_q.AmazonQ("q", amazon_q.AmazonQSettings.model_validate(chosen), context)

    def pages(self, cursor: Any = None, **settings: Any) -> list[Page]:
        """The pages of one collection after `cursor`."""
        one = self.source(**settings)
        return list(one.collect(next(one.scopes()), cursor))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "reports").mkdir()
    return Folder(tmp_path)


def facts(found: list[Page]) -> dict[str, float]:
    """The values of all facts by subject and metric; what came later counts."""
    rows = [UsageFact.model_validate(row) for page in found for row in page.rows.get(UsageFact, ())]
    return {f"{row.subject} {row.metric}": row.value for row in rows}


def test_a_persons_day_is_the_sum_of_the_features(folder: Folder) -> None:
    line = {
        "Inline_SuggestionsCount": 30, "Inline_AcceptanceCount": 9, "Inline_AICodeLines": 12, "Chat_AICodeLines": 5,
        "Chat_MessagesSent": 8, "CodeFix_AcceptedLines": 1, "Dev_AcceptedLines": 2, "Dev_GenerationEventCount": 3,
        "InlineChat_AcceptedLineAdditions": 4, "InlineChat_TotalEventCount": 6, "TestGeneration_EventCount": 1,
    }  # fmt: skip
    folder.write("reports/a.csv", report({"UserId": ADA, **THURSDAY, **line}))
    (page,) = folder.pages()
    assert facts([page]) == {
        f"{ADA_KEY} suggestions_shown": 30, f"{ADA_KEY} suggestions_accepted": 9, f"{ADA_KEY} lines_accepted": 24,
        f"{ADA_KEY} chat_requests": 6, f"{ADA_KEY} chat_messages": 8, f"{ADA_KEY} agent_requests": 4,
        f"{ADA_KEY} active_days": 1,
    }  # fmt: skip
    assert page.covers[UsageFact] == (datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    (fact, *_) = [UsageFact.model_validate(row) for row in page.rows[UsageFact]]
    assert (fact.occurred_on, fact.provider, fact.subject_kind) == (date(2026, 11, 19), "amazon_q", "person")


def test_columns_that_a_report_does_not_have_are_unknown_and_blank_cells_too(folder: Folder) -> None:
    folder.write("reports/a.csv", f"\ufeffuserid,DATE,Inline_AcceptanceCount,Chat_MessagesSent\n{ADA},2026-11-19,2,\n")
    assert facts(folder.pages()) == {f"{ADA_KEY} suggestions_accepted": 2, f"{ADA_KEY} active_days": 1}


def test_who_did_nothing_has_no_facts(folder: Folder) -> None:
    folder.write("reports/a.csv", report({"UserId": ADA, **THURSDAY}))
    assert facts(folder.pages()) == {}


def test_a_line_without_a_user_is_the_organisations(folder: Folder) -> None:
    folder.write("reports/a.csv", report({"UserId": "", **THURSDAY, "Chat_MessagesSent": 2}))
    (page,) = folder.pages()
    assert facts([page])["organisation chat_messages"] == 2
    assert page.rows[Identity] == []


def test_the_users_of_the_identity_center_tell_addresses_and_never_names(folder: Folder) -> None:
    emails = [{"Value": "old@example.com"}, {"Value": "Ada@Example.com", "Primary": True}]
    users = [{"UserId": ADA_KEY, "DisplayName": "Ada Lovelace", "Emails": emails}, {"UserId": BEN_KEY}]
    folder.write("users.json", json.dumps({"Users": users}))
    used = {**THURSDAY, "Chat_MessagesSent": 2}
    folder.write("reports/a.csv", report(*({"UserId": who, **used} for who in (ADA, BEN, "d-1.unknown"))))
    (page,) = folder.pages(users="users.json")
    found = [Identity.model_validate(row) for row in page.rows[Identity]]
    assert [(one.ext_id, one.email) for one in found] == [
        (ADA_KEY, "ada@example.com"), (BEN_KEY, None), ("unknown", None),
    ]  # fmt: skip
    assert "Lovelace" not in str(page)
    assert facts([page])["unknown chat_messages"] == 2  # kept, though nobody knows who that is


def test_a_file_that_was_read_is_not_read_again_and_a_changed_one_is(folder: Folder) -> None:
    used = {"UserId": ADA, **THURSDAY, "Chat_MessagesSent": 2}
    folder.write("reports/2026/11/19/a.csv", report(used))
    cursor = folder.pages()[-1].cursor
    assert folder.pages(cursor) == []
    folder.write("reports/2026/11/20/b.csv", report({**used, "Date": "11-20-2026"}))
    (page,) = folder.pages(cursor)
    assert {row["occurred_on"] for row in page.rows[UsageFact]} == {date(2026, 11, 20)}
    assert page.covers[UsageFact][1] == NOW  # and not the end of a day that is not over
    folder.write("reports/2026/11/19/a.csv", report({**used, "Chat_MessagesSent": 33}))
    (page,) = folder.pages(page.cursor)
    assert facts([page])[f"{ADA_KEY} chat_messages"] == 33


def test_of_two_reports_of_a_day_the_later_name_counts(folder: Folder) -> None:
    used = {"UserId": ADA, **THURSDAY}
    folder.write("reports/x/1234_by_user_analytic_2.csv", report({**used, "Chat_MessagesSent": 5}))
    folder.write("reports/y/1234_by_user_analytic_1.csv", report({**used, "Chat_MessagesSent": 2}))
    found = folder.pages()
    keys = [row["ext_id"] for page in found for row in page.rows[UsageFact]]
    assert len(set(keys)) == len(keys) / 2  # the same rows: they replace each other
    assert facts(found)[f"{ADA_KEY} chat_messages"] == 5


def test_new_users_and_another_since_take_all_files_in_again(folder: Folder) -> None:
    used = {"UserId": ADA, "Chat_MessagesSent": 2}
    folder.write("reports/a.csv", report({**used, **THURSDAY}, {**used, "Date": "11-18-2026"}))
    cursor = folder.pages()[-1].cursor
    (page,) = folder.pages(cursor, since="2026-11-19")
    assert {row["occurred_on"] for row in page.rows[UsageFact]} == {date(2026, 11, 19)}
    folder.write("users.json", '{"Users": []}')
    assert len(folder.pages(page.cursor, since="2026-11-19", users="users.json")) == 1


def test_a_file_that_was_taken_away_takes_nothing_along(folder: Folder) -> None:
    folder.write("reports/a.csv", report({"UserId": ADA, **THURSDAY, "Chat_MessagesSent": 2}))
    (page,) = folder.pages()
    assert not page.snapshot
    (folder.path / "reports/a.csv").unlink()
    assert folder.pages(page.cursor) == []


@pytest.mark.parametrize(("column", "value"), [("Date", "19 November"), ("Chat_MessagesSent", "many")])
def test_a_cell_that_cannot_be_read_is_refused_and_the_other_lines_are_not(
    folder: Folder, column: str, value: str
) -> None:
    used = {**THURSDAY, "Chat_MessagesSent": 2}
    folder.write("reports/a.csv", report({"UserId": ADA, **used, column: value}, {"UserId": BEN, **used}))
    good, bad = set(), set()
    for row in [row for page in folder.pages() for row in page.rows[UsageFact] if row["metric"] == "chat_messages"]:
        try:
            good.add(UsageFact.model_validate(row).subject)
        except ValidationError as error:
            bad.add(error.errors()[0]["input"])
    assert (good, bad) == ({BEN_KEY}, {value})


def test_other_files_are_left_out_and_told_at_each_look(folder: Folder) -> None:
    folder.write("reports/a.csv", report({"UserId": ADA, **THURSDAY, "Chat_MessagesSent": 2}))
    folder.write("reports/costs.csv", "service,amount\nq,3\n")
    folder.write("reports/user_report.csv", "UserId,Date,Credits_Used\nx,2026-11-19,3\n")
    folder.write("reports/z.csv", ",".join(COLUMNS).encode() + b"\ncaf\xe9,\n")
    found = folder.pages()
    assert facts(found)[f"{ADA_KEY} chat_messages"] == 2
    told = found[-1].notes
    assert told[:2] == (
        "costs.csv is no user activity report, and is left out",
        "user_report.csv is no user activity report, and is left out",
    )
    assert told[2].startswith("z.csv is left out, as it is no CSV file in UTF-8")
    assert [page.notes for page in folder.pages(found[-1].cursor)] == [told]


def test_a_folder_without_reports_has_nothing_to_tell(folder: Folder) -> None:
    assert folder.pages() == []
    folder.write("reports/a.csv", ",".join(COLUMNS) + "\n")
    (page,) = folder.pages()
    assert (facts([page]), page.covers, page.notes) == ({}, {}, ())


def test_a_folder_that_is_none_is_told_with_the_setting(folder: Folder) -> None:
    with pytest.raises(SettingsError, match=r"is not a folder: correct folder in \[sources.q\]"):
        folder.pages(folder="report")


@pytest.mark.parametrize("text", ["", "[]", '{"Users": [{}]}', '{"Users": null}', "UserId,Emails"])
def test_another_file_of_users_is_told_with_the_command(folder: Folder, text: str) -> None:
    folder.write("users.json", text)
    with pytest.raises(SettingsError, match="write it anew with --output json"):
        folder.pages(users="users.json")
