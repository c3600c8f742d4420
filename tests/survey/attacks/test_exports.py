"""The whole line, from links and another tool to the publication: what is written beside the answers has none of them.

The attacker has every file of the data folder but the answers store, every table of the publication, and all that the
command line prints.
"""

from __future__ import annotations

import html
import inspect
import io
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest
import yaml
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dxmetrics import api, cli
from dxmetrics.pipeline import utc_now
from dxmetrics.project import Project
from dxmetrics.survey import links, read
from tests.survey.attacks.line import files_with, instrument

FORM = {"content-type": "application/x-www-form-urlencoded"}
MARKUP = "<script>alert('canary')</script><img src=x onerror=canary()>\"'>{{7*7}}${7*7}[a](javascript:canary())"
SHARED, UNSHARED, VENDOR, VENDOR_WORDS = "canary-shared", "canary-unshared", "canary-vendor-id", "canary-vendor-words"
LONG_AGO = date(2026, 1, 5)
TEAMS = {"payments": 12, "search": 12, "mobile": 4}
SETTINGS = """
[organisation]
name = "Acme"
[surveys]
address = "https://metrics.example.org"
[sources.form]
kind = "files"
folder = "records"
[[teams]]
name = "product"
[[teams]]
name = "payments"
parent = "product"
[[teams]]
name = "search"
parent = "product"
[[teams]]
name = "mobile"
parent = "product"
"""


@dataclass
class Line:
    """One project after both ways of asking came to their end."""

    folder: Path
    handed_out: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # by the command line, on both streams
    logged: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def publication(self) -> Path:
        return max((self.data / "published").glob("*.duckdb"))

    def dx(self, *arguments: str) -> str:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.run((*arguments, "--project", str(self.folder)))
        self.said += [out.getvalue(), err.getvalue()]
        assert code == 0, err.getvalue()
        return out.getvalue()

    def answer(self) -> None:
        """Hand in for everybody of every team, all with a comment, over HTTP."""
        stores = api.Stores(Project.find(self.folder, {}), utc_now)
        with TestClient(Starlette(routes=api.surveys(stores))) as client:
            for team, count in TEAMS.items():
                handed_out = self.dx("survey", "links", "pulse", "--count", str(count), "--team", team).split()
                self.handed_out += handed_out
                for number, link in enumerate(handed_out):
                    self._answer(client, link.rpartition("/")[2], team, number)
        stores.close()

    def _answer(self, client: TestClient, token: str, team: str, number: int) -> None:
        shares = number % 2 == 0
        words = f"{SHARED if shares else UNSHARED} {team}-{number} {MARKUP}"
        fields = {"1": str(number % 5 + 1), "2": str(number % 4 + 1), "3": str(number % 11), "4": "editor", "5": words}
        fields |= {"share-5": "on"} if shares else {}
        refused = client.post(f"/survey/{token}", content=urlencode(fields | {"1": "99"}), headers=FORM)
        taken = client.post(f"/survey/{token}", content=urlencode(fields), headers=FORM)
        assert (refused.status_code, taken.status_code) == (422, 200)
        self.tokens.append(token)
        self.pages += [refused.text, taken.text]
        self.codes += re.findall(r"<code[^>]*>(\S+)</code>", taken.text)


def written(folder: Path) -> None:
    """A project with the survey, and a file of another tool's answers of a wave long over."""
    (folder / "dx.toml").write_text(SETTINGS)
    (folder / "data/surveys").mkdir(parents=True)
    (folder / "records").mkdir()
    (folder / "data/surveys/pulse.yaml").write_text(yaml.safe_dump(instrument().to_json()))
    rows: list[dict[str, Any]] = [
        {
            "ext_id": f"{VENDOR}-{number}", "survey": "pulse", "wave": "elsewhere",
            "submitted_on": str(LONG_AGO + timedelta(days=number % 3)), "team": "payments",
            "answers": [
                {"item": "focus_v1", "number": number % 5 + 1},
                {"item": "notes_v1", "text": f"{VENDOR_WORDS} {number}"},
            ],
        }
        for number in range(14)
    ]  # fmt: skip
    (folder / "records/survey_responses.jsonl").write_text("\n".join(map(json.dumps, rows)))


class Listening(logging.Handler):
    """Keeps every line that is logged, with its arguments and what failed."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.args} {record.exc_info}")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("DX_")]:
            patched.delenv(name)
        line = Line(tmp_path_factory.mktemp("exports"))
        listening, logger = Listening(line.logged), logging.getLogger("dxmetrics")
        before = logger.level
        logger.addHandler(listening)
        logger.setLevel(logging.DEBUG)
        written(line.folder)
        line.dx("survey", "open", "pulse", "--wave", "ours")
        line.answer()
        line.dx("survey", "close", "pulse")
        line.dx("collect")
        line.dx("build")
        yield line
        logger.removeHandler(listening)
        logger.setLevel(before)


def test_both_waves_came_to_results(line: Line) -> None:
    ours, elsewhere = (json.loads(line.dx("survey", "results", "pulse", "--wave", wave, "--json")) for wave in
                       ("ours", "elsewhere"))  # fmt: skip
    assert (ours["invited"], ours["answered"], ours["comments"]) == (28, 28, 28)
    assert elsewhere["answered"] == 14
    assert len(line.codes) == len(line.tokens) == 28


def secrets(line: Line) -> list[bytes]:
    """What must be nowhere: words nobody shared, ids of another tool, links, what they stand for, and codes."""
    nonces = [links._read(token.rpartition(".")[0]).nonce for token in line.tokens]
    return [
        *(text.encode() for text in (UNSHARED, VENDOR, VENDOR_WORDS, *line.codes)),
        *(token.encode() for token in line.tokens),
        *(links.digest(nonce) for nonce in nonces),
        *nonces,
    ]


def test_no_file_but_the_answers_has_a_word_an_id_or_a_link(line: Line) -> None:
    assert (line.data / "answers.sqlite").exists()
    assert (line.data / "dx.duckdb").exists()
    assert not list(files_with(line.data, secrets(line), but=["answers.sqlite"]))


def test_the_answers_have_no_link_no_code_and_no_id_of_another_tool(line: Line) -> None:
    words = [UNSHARED.encode(), VENDOR_WORDS.encode()]
    assert not list(files_with(line.data, [one for one in secrets(line) if one not in words]))


def test_neither_a_log_nor_the_command_line_says_more_than_the_results(line: Line) -> None:
    printed = "".join(line.said)
    for link in line.handed_out:
        printed = printed.replace(link, "", 1)
    for secret in secrets(line):
        assert secret.decode("latin-1") not in printed
        assert secret.decode("latin-1") not in "".join(line.logged)
    assert SHARED not in "".join(line.logged)


def test_no_table_of_warehouse_or_publication_has_a_row_for_a_response(line: Line) -> None:
    """Only the results are there: no answer, and no comment beside a team, a band, a language or a day."""
    for file in (line.data / "dx.duckdb", line.publication):
        with duckdb.connect(file, read_only=True) as connection:
            names = connection.execute("select table_schema || '.' || table_name from information_schema.tables")
            tables = [name for (name,) in names.fetchall()]
            assert not [name for name in tables if "response" in name]
            for name in tables:
                if name != "survey.waves":
                    query = f"select count(*) from {name} as each where each::varchar like '%canary%'"
                    assert connection.execute(query).fetchall() == [(0,)], name
            documents = connection.execute("select document::varchar from survey.waves").fetchall()
        assert len(documents) == 2
        for (document,) in documents:
            for quote in json.loads(document)["quotes"]:
                assert set(quote) == {"item", "text", "themes"}


def test_every_export_tells_the_same_cells(line: Line) -> None:
    """Page, command line, JSON, tables: two that rounded or hid differently could be taken from one another."""
    printed = json.loads(line.dx("survey", "results", "pulse", "--wave", "ours", "--json"))
    found = read.results(line.data).find("pulse", "ours")
    assert printed == found.model_dump(mode="json")
    with duckdb.connect(line.publication, read_only=True) as connection:
        query = "select measure, cut, key, is_shown, n, value, low, high from survey.cells where wave = 'ours'"
        rows = {tuple(row) for row in connection.execute(query).fetchall()}
    assert rows == {
        (one.measure, one.cut, one.key, one.shown, one.n, one.value, one.low, one.high) for one in found.cells
    }
    assert not [row for row in rows if not row[3] and any(value is not None for value in row[4:])]
    text = line.dx("survey", "results", "pulse", "--wave", "ours")
    assert "mobile" in text
    assert not re.search(r"mobile[^\n]*%", text)


def test_a_team_of_four_is_hidden_and_each_hidden_cell_says_why(line: Line) -> None:
    found = read.results(line.data).find("pulse", "ours")
    hidden = [cell for cell in found.cells if not cell.shown]
    assert {cell.key for cell in hidden if cell.cut == "team"} >= {"mobile"}
    for cell in hidden:
        assert cell.reason is not None
        assert "fewer than 5" in cell.reason or "items do not measure one thing" in cell.reason


def test_reading_takes_no_filter() -> None:
    """A group can be named only as it was computed: nothing takes a list, a condition or a part of a name."""
    takers = [
        *(one for _, one in inspect.getmembers(read, inspect.isfunction) if one.__module__ == read.__name__),
        *(one for _, one in inspect.getmembers(read.Surveys, inspect.isfunction)),
    ]
    public = [one for one in takers if not one.__name__.startswith("_")]
    names = {name for one in public for name in inspect.signature(one).parameters}
    assert names <= {"self", "data", "results", "survey", "wave", "measure", "cut", "key", "name", "now", "before"}


def test_neither_a_team_that_moves_nor_an_answer_that_comes_late_changes_a_shown_byte(line: Line) -> None:
    """Else the difference between two trees would be who moved, and between two results who was late."""
    before = [line.dx("survey", "results", "pulse", "--wave", wave, "--json") for wave in ("ours", "elsewhere")]
    moved = SETTINGS.replace('name = "mobile"\nparent = "product"', 'name = "mobile"\nparent = "search"')
    assert moved != SETTINGS
    (line.folder / "dx.toml").write_text(moved)
    late = {"ext_id": f"{VENDOR}-late", "survey": "pulse", "wave": "elsewhere", "submitted_on": str(LONG_AGO),
            "team": "payments", "answers": [{"item": "focus_v1", "number": 5}]}  # fmt: skip
    with (line.folder / "records/survey_responses.jsonl").open("a") as file:
        file.write("\n" + json.dumps(late))
    line.dx("collect")
    line.dx("build")
    after = [line.dx("survey", "results", "pulse", "--wave", wave, "--json") for wave in ("ours", "elsewhere")]
    assert after == before
    assert not list(files_with(line.data, [f"{VENDOR}-late".encode()]))


def test_a_warehouse_made_anew_shows_the_same_results(line: Line) -> None:
    before = line.dx("survey", "results", "pulse", "--wave", "ours", "--json")
    (line.data / "dx.duckdb").unlink()
    line.dx("collect")
    line.dx("build")
    assert line.dx("survey", "results", "pulse", "--wave", "ours", "--json") == before


def test_markup_in_a_comment_is_text_on_every_page_that_shows_it_again(line: Line) -> None:
    shown_again = [page for page in line.pages if "canary" in page]
    assert shown_again  # the form, when an answer has to be corrected
    for page in line.pages:
        assert "<script>alert" not in page
        assert "<img" not in page
        assert MARKUP not in page
    assert all(MARKUP in html.unescape(page) for page in shown_again)
