"""What is read of exports of Microsoft Forms and of other tables, when, and what is said when it cannot be."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import collectors
from dxmetrics.collectors import Context, Cursor, Page
from dxmetrics.errors import CollectError, RetryableError, SettingsError
from dxmetrics.project import builtin_root
from dxmetrics.records import SurveyResponse
from tests.fakes.microsoft_forms import ENGLISH, GERMAN, SECRETS, export, response, touch, write

collectors.extend_path([builtin_root() / "collectors"])
forms: Any = importlib.import_module("dxmetrics.collectors.microsoft_forms")

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
AT = datetime(2026, 11, 20, 9, 30)  # noqa: DTZ001 - as Excel has it
FOCUS, RECOMMEND, COMMENT, TEAM = "I can focus", "Recommend?", "What else?", "Your team"
QUESTIONS = (FOCUS, RECOMMEND, COMMENT, TEAM)
ITEMS = {FOCUS: "flow_focus_v1", RECOMMEND: "recommend_v1", COMMENT: "comment_v1"}


def source(folder: Path, **settings: Any) -> Any:
    chosen = {"kind": "microsoft_forms", "paths": ("in",), "survey": "devex", "items": ITEMS, **settings}
    context = Context(now=lambda: NOW, folder=folder, project_folder=folder)
    return forms.MicrosoftForms("pulse", forms.MicrosoftFormsSettings.model_validate(chosen), context)


def pages(folder: Path, cursors: dict[str, Cursor] | None = None, **settings: Any) -> list[Page]:
    """The pages of one collection of all files; `cursors` by scope are read and renewed."""
    one, known = source(folder, **settings), {} if cursors is None else cursors
    found = []
    for scope in one.scopes():
        for page in one.collect(scope, known.get(scope.id)):
            found.append(page)
            if page.cursor is not None:
                known[scope.id] = json.loads(json.dumps(page.cursor))
    return found


def records(found: list[Page]) -> list[SurveyResponse]:
    """The responses of pages, in their order."""
    return [SurveyResponse.model_validate(row) for page in found for row in page.rows.get(SurveyResponse, ())]


def said(folder: Path, **settings: Any) -> list[dict[str, tuple[float | None, str | None]]]:
    """Number and text of each response, by item."""
    return [
        {answer.item: (answer.number, answer.text) for answer in one.answers}
        for one in records(pages(folder, **settings))
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a folder for exports."""
    (tmp_path / "in").mkdir()
    return tmp_path


def answered(folder: Path, *values: Any, question: str = FOCUS) -> None:
    """An export with one question, answered so by one after the other."""
    lines = [response(place, AT, value) for place, value in enumerate(values, 1)]
    export(folder / "in/Pulse.xlsx", [question], *lines)


# -- one response -----------------------------------------------------------------------------------------------------


def test_a_row_has_a_day_a_cohort_and_the_mapped_answers(folder: Path) -> None:
    export(folder / "in/Pulse.xlsx", QUESTIONS, response(7, AT, 4, 9, "Faster builds", "payments"))
    (one,) = records(pages(folder, team=TEAM))
    assert (one.ext_id, one.survey, one.wave) == ("in/Pulse.xlsx/7", "devex", "2026-Q4")
    assert (one.submitted_on, one.team, one.cohort, one.language) == (date(2026, 11, 20), "payments", None, None)
    assert [(answer.item, answer.number, answer.text) for answer in one.answers] == [
        ("flow_focus_v1", 4, None), ("recommend_v1", 9, None), ("comment_v1", None, "Faster builds"),
    ]  # fmt: skip


@pytest.mark.parametrize("own", [ENGLISH, GERMAN])
def test_nothing_of_who_answered_leaves_the_reader(folder: Path, own: tuple[str, ...]) -> None:
    export(folder / "in/Pulse.xlsx", QUESTIONS, response(1, AT, 4), response(2, AT, 5), own=own)
    sent = json.dumps([(page.rows[SurveyResponse], page.cursor) for page in pages(folder)], default=str)
    assert "flow_focus_v1" in sent
    assert not [secret for secret in (*SECRETS, "Ada", "09:30", "9:30") if secret in sent]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (4, (4, None)),
        (4.0, (4, None)),
        ("4", (4, "4")),
        ("4 - Agree", (4, "4 - Agree")),
        ("10 (likely)", (10, "10 (likely)")),
        ("2: Rarely", (2, "2: Rarely")),
        ("Stimme\xa0zu", (5, "Stimme zu")),
        ("agree ", (4, "agree")),
        ("3 hours a day of waiting", (None, "3 hours a day of waiting")),
        ("3-4 hours", (None, "3-4 hours")),
        ("Builds;Reviews;", (None, "Builds, Reviews")),
        ("Neither; nor", (None, "Neither; nor")),
        (AT, (None, "2026-11-20")),
    ],
)
def test_each_kind_of_cell_is_an_answer(folder: Path, cell: Any, expected: tuple[float | None, str | None]) -> None:
    answered(folder, cell)
    assert said(folder, values={"Agree": 4, "Stimme zu": 5}) == [{"flow_focus_v1": expected}]


def test_rows_without_answers_or_without_a_time_are_left_out(folder: Path) -> None:
    lines = [response(1, AT, None), response(2, AT, "  "), response(3, AT, "#N/A"), response(4, AT, 3)]
    lines += [(5, AT, None, None, None, 4), (6, AT), ()]
    export(folder / "in/Pulse.xlsx", [FOCUS], *lines)
    assert [one.ext_id for one in records(pages(folder))] == ["in/Pulse.xlsx/4"]


def test_the_day_is_that_of_the_declared_zone(folder: Path) -> None:
    text = f"ID,Completion time,{FOCUS}\n1,2026-09-30T22:30:00Z,4\n2,2026-09-30 22:30:00,4\n"
    (folder / "in/Pulse.csv").write_text(text)
    found = [(one.submitted_on, one.wave) for one in records(pages(folder, zone="Europe/Berlin"))]
    assert found == [(date(2026, 10, 1), "2026-Q4"), (date(2026, 9, 30), "2026-Q3")]


# -- odd tables -------------------------------------------------------------------------------------------------------


def test_moved_columns_change_nothing(folder: Path) -> None:
    write(folder / "in/Pulse.xlsx", [[COMMENT, "Completion time", "Name", FOCUS, "ID"], ["Fast", AT, "Ada", 4, 7]])
    (one,) = records(pages(folder))
    assert (one.ext_id, one.submitted_on) == ("in/Pulse.xlsx/7", date(2026, 11, 20))
    assert said(folder) == [{"flow_focus_v1": (4, None), "comment_v1": (None, "Fast")}]


def test_titles_are_compared_without_regard_to_spaces(folder: Path) -> None:
    answered(folder, 4, question="I  can\nfocus\u200b")
    assert said(folder, items={"I can\xa0focus ": "flow_focus_v1"}) == [{"flow_focus_v1": (4, None)}]


def test_columns_of_the_same_title_are_told_apart_from_left_to_right(folder: Path) -> None:
    export(folder / "in/Pulse.xlsx", ["Why?", "Why?", FOCUS], response(1, AT, "Slow", "Loud", 2))
    items = {"Why? (1)": "builds_v1", "Why? (2)": "office_v1"}
    assert said(folder, items=items) == [{"builds_v1": (None, "Slow"), "office_v1": (None, "Loud")}]
    with pytest.raises(SettingsError, match=r'of "Why\? \(1\)", "Why\? \(2\)", "I can focus"'):
        pages(folder, items={"Why?": "builds_v1"})


def test_the_header_is_found_below_titles_and_merged_cells(folder: Path) -> None:
    top: list[list[str | None]] = [["How is your work?"], [], [None, None, "How much do you agree?", None]]
    write(folder / "in/Pulse.xlsx", [*top, ["ID", "Completion time", FOCUS, None, RECOMMEND], [1, AT, 4, None, 9]])
    assert said(folder) == [{"flow_focus_v1": (4, None), "recommend_v1": (9, None)}]


def test_a_number_of_excels_is_a_time(folder: Path) -> None:
    write(folder / "in/Pulse.xlsx", [["ID", "Completion time", FOCUS], [1, 46_346.4, 4]])
    assert [one.submitted_on for one in records(pages(folder))] == [date(2026, 11, 20)]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("2026-11-20 09:30:00", {}),
        ("2026-11-20", {}),
        ("20.11.2026 9:30", {}),
        ("20.11.2026, 09:30:00", {}),
        ("20.11.2026", {}),
        ("11/20/26 9:30:00", {"time_format": "%m/%d/%y %H:%M:%S"}),
        ("11/20/2026 9:30:00 AM", {"time_format": "%m/%d/%Y %I:%M:%S %p"}),
    ],
)
def test_times_may_be_text(folder: Path, text: str, settings: dict[str, Any]) -> None:
    write(folder / "in/Pulse.xlsx", [["ID", "Completion time", FOCUS], [1, text, 4]])
    assert [one.submitted_on for one in records(pages(folder, **settings))] == [date(2026, 11, 20)]


@pytest.mark.parametrize(
    ("cell", "shape"),
    [("11/20/26 9:30", "00/00/00 0:00"), ("Ada Lovelace", "aaa aaaaaaaa"), (4, "0"), ("31.11.2026", "00.00.0000")],
)
def test_what_is_no_time_is_told_without_telling_it(folder: Path, cell: Any, shape: str) -> None:
    write(folder / "in/Pulse.xlsx", [["ID", "Completion time", FOCUS], [1, AT, 4], [2, cell, 4]])
    with pytest.raises(CollectError, match=r"Pulse\.xlsx row 3: .* is no time of handing in") as caught:
        pages(folder)
    assert repr(shape) in str(caught.value)
    assert str(cell) not in str(caught.value).replace("row 3", "")
    assert caught.value.__cause__ is None


def test_other_columns_of_id_and_time_are_named_in_the_settings(folder: Path) -> None:
    write(folder / "in/Pulse.xlsx", [["Nr.", "Ended", FOCUS], [1.0, AT, 4]])
    found = records(pages(folder, id_column="Nr.", time_column="Ended"))
    assert [one.ext_id for one in found] == ["in/Pulse.xlsx/1"]
    with pytest.raises(SettingsError, match=r'time_column: "Finished" is not there: there are Nr., Ended, I can focus'):
        pages(folder, time_column="Finished")


def test_a_table_without_times_needs_a_day_that_counts(folder: Path) -> None:
    write(folder / "in/Pulse.xlsx", [["ID", FOCUS], [1, 4]])
    with pytest.raises(SettingsError, match=r"no column with the time of handing in: .* there are \"ID\", \"I can"):
        pages(folder)
    (one,) = records(pages(folder, undated_on="2026-09-30", wave="autumn", zone="America/New_York"))
    assert (one.submitted_on, one.wave) == (date(2026, 9, 30), "autumn")


def test_rows_without_ids_are_known_by_what_they_say(folder: Path) -> None:
    head = f"timestamp,{FOCUS}"
    (folder / "in/a.csv").write_text(f"{head}\n2026-11-20,4\n2026-11-20,4\n2026-11-20,5\n")
    first = {one.ext_id for one in records(pages(folder))}
    (folder / "in/a.csv").write_text(f"{head}\n2026-11-21,1\n2026-11-20,5\n2026-11-20,4\n2026-11-20,4\n")
    second = {one.ext_id for one in records(pages(folder))}
    assert (len(first), len(second), first <= second) == (3, 4, True)


def test_an_id_that_comes_twice_is_an_error(folder: Path) -> None:
    export(folder / "in/Pulse.xlsx", [FOCUS], response(1, AT, 4), response(2, AT, 4), response(1, AT, 5))
    with pytest.raises(CollectError, match=r"Pulse\.xlsx: rows 2 and 4 have the same id '1'"):
        pages(folder)


def test_another_sheet_is_read_where_it_is_named(folder: Path) -> None:
    write(folder / "in/Pulse.xlsx", [["ID", "Completion time", FOCUS], [1, AT, 4]], "Notes")
    assert len(records(pages(folder, sheet="Form1"))) == 1
    with pytest.raises(SettingsError, match=r"has no sheet 'Form2': there are Form1, Notes"):
        pages(folder, sheet="Form2")
    with pytest.raises(CollectError, match="has no header"):
        pages(folder, sheet="Notes")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_of_csv_are_found_out(folder: Path, encoding: str, delimiter: str) -> None:
    rows = [["ID", "Completion time", "Größe; Länge, Breite"], ["1", "2026-11-20", '"schön; ""hell"", weit\nund groß"']]
    rows[0][2] = f'"{rows[0][2]}"'
    (folder / "in/Pulse.csv").write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding))
    found = said(folder, items={"Größe; Länge, Breite": "comment_v1"})
    assert found == [{"comment_v1": (None, 'schön; "hell", weit\nund groß')}]


def test_excels_word_on_the_delimiter_counts(folder: Path) -> None:
    (folder / "in/Pulse.csv").write_text(f"sep=;\nID;Completion time;{FOCUS}\n1;2026-11-20;4,0,0,0,0\n")
    assert [one.ext_id for one in records(pages(folder))] == ["in/Pulse.csv/1"]


def test_a_table_without_a_header_tells_nothing_of_what_was_said(folder: Path) -> None:
    lines = [[*response(1, AT, 4, "I said so")], [*response(2, AT, 5, "I too")]]
    write(folder / "in/Pulse.xlsx", lines)
    with pytest.raises(CollectError, match=r"^Pulse\.xlsx has no header with the columns' titles: export it again$"):
        pages(folder)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"not a workbook", b"PK\x05\x06" + b"\0" * 18])
@pytest.mark.parametrize("name", ["Pulse.xlsx", "Pulse.csv"])
def test_what_is_no_table_is_an_error(folder: Path, name: str, content: bytes) -> None:
    (folder / "in" / name).write_bytes(content)
    with pytest.raises((CollectError, SettingsError), match=r"export it again|time of handing in"):
        pages(folder)


# -- what is read when ------------------------------------------------------------------------------------------------


def test_a_file_is_read_again_only_when_it_or_how_it_is_read_changed(folder: Path) -> None:
    cursors: dict[str, Cursor] = {}
    items = {FOCUS: "flow_focus_v1"}
    answered(folder, 4)
    assert [page.is_last for page in pages(folder, cursors, items=items)] == [False, True]
    assert pages(folder, cursors, items=items) == []
    assert len(records(pages(folder, cursors, items=items, wave="month"))) == 1
    answered(folder, 4, 5)
    found = pages(folder, cursors, items=items)
    assert len(records(found)) == 2
    assert all(page.snapshot and page.is_mapped for page in found)


def test_a_large_file_comes_in_pages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "PAGE_ROWS", 2)
    answered(folder, 1, 2, 3, 4, 5)
    found = pages(folder)
    assert [len(page.rows[SurveyResponse]) for page in found] == [2, 2, 1, 0]
    assert [page.cursor is None for page in found] == [True, True, True, False]


def test_of_the_downloads_of_one_form_the_newest_counts(folder: Path) -> None:
    export(folder / "in/Pulse(1-1).xlsx", [FOCUS], response(1, AT, 4))
    cursors: dict[str, Cursor] = {}
    first = records(pages(folder, cursors))
    export(folder / "in/Pulse(1-2) (1).xlsx", [FOCUS], response(1, AT, 4), response(2, AT, 5))
    export(folder / "in/Other.xlsx", [FOCUS], response(1, AT, 1))
    assert [(scope.id, scope.title) for scope in source(folder).scopes()] == [
        ("in/Other.xlsx", "Other.xlsx"), ("in/Pulse.xlsx", "Pulse(1-2) (1).xlsx"),
    ]  # fmt: skip
    assert first == [one for one in records(pages(folder, cursors)) if one.ext_id == "in/Pulse.xlsx/1"]
    assert set(cursors) == {"in/Other.xlsx", "in/Pulse.xlsx"}


def test_what_excel_has_beside_an_open_workbook_is_not_read(folder: Path) -> None:
    answered(folder, 4)
    for name in ("~$Pulse.xlsx", ".Pulse.xlsx", "notes.txt", "old.xls"):
        (folder / "in" / name).write_bytes(b"\0")
    (folder / "in/archive.csv").mkdir()
    assert [scope.id for scope in source(folder).scopes()] == ["in/Pulse.xlsx"]


def test_single_files_are_read_too(folder: Path) -> None:
    answered(folder, 4)
    answered(folder, 4)
    one = source(folder, paths=("in/Pulse.xlsx", "./in/Pulse.xlsx"))
    assert [scope.id for scope in one.scopes()] == ["in/Pulse.xlsx"]


@pytest.mark.parametrize("path", ["out", "in/Pulse.xls", "in/Gone.xlsx"])
def test_a_path_that_is_not_there_is_told(folder: Path, path: str) -> None:
    (folder / "in/Pulse.xls").touch()
    with pytest.raises(SettingsError, match=r"\[sources\.pulse\] paths: .* is neither a folder nor a file of \.xlsx"):
        pages(folder, paths=(path,))


def test_an_empty_folder_is_an_error_so_that_nothing_is_let_go(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no file of \.xlsx or \.csv in in"):
        pages(folder)


def test_a_file_that_is_written_while_it_is_read_is_read_again_later(folder: Path) -> None:
    answered(folder, 4)
    one = source(folder)
    reading = one.collect(next(one.scopes()), None)
    next(reading)
    touch(folder / "in/Pulse.xlsx")
    with pytest.raises(RetryableError, match="was written to while it was read"):
        list(reading)


# -- what a person is told --------------------------------------------------------------------------------------------


def test_a_table_without_mapping_is_answered_with_its_questions(folder: Path) -> None:
    answered(folder, 4)
    with pytest.raises(SettingsError) as caught:
        pages(folder, items={"Focus": "flow_focus_v1"})
    assert str(caught.value) == (
        '[sources.pulse] Pulse.xlsx: items maps no column: set items = { "title of the column" = "id of the item" } of'
        ' "I can focus"'
    )


@pytest.mark.parametrize("name", ["Email", "Name", "Apellido"])
@pytest.mark.parametrize("setting", ["items", "team"])
def test_a_column_with_who_somebody_is_cannot_be_mapped(folder: Path, name: str, setting: str) -> None:
    own = ("ID", "Hora de inicio", "Hora de finalización", "Email", name if name != "Email" else "Nombre")
    export(folder / "in/Pulse.xlsx", QUESTIONS, response(1, AT, 4), own=own)
    value: Any = name if setting == "team" else ITEMS | {name: "who_v1"}
    with pytest.raises(SettingsError, match=f'Pulse.xlsx: "{name}" says who somebody is: take it out'):
        pages(folder, **{setting: value})


def test_a_column_that_is_not_there_is_told_at_each_look(folder: Path) -> None:
    export(folder / "in/Pulse.xlsx", [FOCUS, "Anything else?"], response(1, AT, 4, "No"))
    cursors: dict[str, Cursor] = {}
    items = {FOCUS: "flow_focus_v1", COMMENT: "comment_v1"}
    notes = pages(folder, cursors, items=items, team=TEAM)[-1].notes
    instead = 'if it was reworded, map one of "Anything else?" to the same item too'
    assert notes == (
        f"Pulse.xlsx: no column tells the team: {instead}", f"Pulse.xlsx: no column tells item comment_v1: {instead}",
    )  # fmt: skip
    (again,) = pages(folder, cursors, items=items, team=TEAM)
    assert (again.rows, again.notes) == ({}, notes)


def test_a_reworded_question_fails_its_file_until_the_new_title_is_mapped_too(folder: Path) -> None:
    cursors: dict[str, Cursor] = {}
    export(folder / "in/Pulse.xlsx", QUESTIONS, response(1, AT, 4, 9, "No", "pay"))
    pages(folder, cursors)
    export(folder / "in/Pulse.xlsx", ["I can focus well", *QUESTIONS[1:]], response(1, AT, 4, 9, "No", "pay"))
    with pytest.raises(CollectError, match='"I can focus", the column of item flow_focus_v1, was there') as caught:
        pages(folder, cursors)
    assert 'map one of "I can focus well", "Your team" to the same item too' in str(caught.value)
    found = records(pages(folder, cursors, items=ITEMS | {"I can focus well": "flow_focus_v1"}))
    assert [answer.item for answer in found[0].answers] == ["recommend_v1", "comment_v1", "flow_focus_v1"]


def test_a_team_that_is_not_asked_any_more_fails_its_file(folder: Path) -> None:
    cursors: dict[str, Cursor] = {}
    export(folder / "in/Pulse.xlsx", QUESTIONS, response(1, AT, 4, 9, "No", "pay"))
    pages(folder, cursors, team=TEAM)
    export(folder / "in/Pulse.xlsx", QUESTIONS[:3], response(1, AT, 4, 9, "No"))
    with pytest.raises(CollectError, match='"Your team", the column of the team, was there at the last look'):
        pages(folder, cursors, team=TEAM)
    assert len(records(pages(folder, cursors))) == 1
