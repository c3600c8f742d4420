"""`dxmetrics report`: what it prints where, and what it refuses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dxmetrics import cli
from dxmetrics.metrics import Metrics
from dxmetrics.project import Project

Dx = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty, with none of the machine's DX_ variables."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DX_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def dx(sample: Project, capsys: pytest.CaptureFixture[str]) -> Dx:
    """`dx("delivery-review")`: exit code, stdout, stderr of `dxmetrics report` in the sample's folder."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["report", *arguments, "--project", str(sample.folder)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_without_a_name_the_reports_are_listed(dx: Dx) -> None:
    code, out, _ = dx()
    assert (code, dx("--list")[1]) == (0, out)
    lines = out.splitlines()
    assert lines[0].split()[:5] == ["report", "title", "for", "period", "formats"]
    assert [line.split()[0] for line in lines[1:6]] == [
        "delivery-review", "engineering-quarterly", "platform-adoption", "survey-results", "weekly-digest",
    ]  # fmt: skip
    listed = json.loads(dx("--list", "--json")[1])
    assert [(one["name"], one["period"]) for one in listed["reports"]][:2] == [
        ("delivery-review", "month"),
        ("engineering-quarterly", "quarter"),
    ]


def test_text_goes_to_stdout(dx: Dx, here: Path) -> None:
    code, out, err = dx("weekly-digest", "--team", "Data")
    assert (code, err, list(here.iterdir())) == (0, "", [])
    assert out.startswith("# The week in delivery\n")
    _, table, _ = dx("weekly-digest", "--team", "Data", "--format", "csv")
    assert table.partition("\n")[0].startswith("\ufeffdocument,edition,")


def test_what_is_no_text_goes_to_a_file_whose_path_is_printed(dx: Dx, here: Path) -> None:
    code, out, _ = dx("weekly-digest", "--team", "Data", "--format", "pdf")
    assert (code, out) == (0, "weekly-digest-data-2026-W47.pdf\n")
    assert (here / out.strip()).read_bytes().startswith(b"%PDF-")


def test_a_report_for_teams_is_written_for_each_of_them(dx: Dx, here: Path, metrics: Metrics) -> None:
    code, out, _ = dx("weekly-digest", "--format", "csv", "--period", "2026-W45")
    assert code == 0
    assert out.splitlines() == [f"weekly-digest-{team.lower()}-2026-W45.csv" for team in metrics.values("team")]
    assert sorted(one.name for one in here.iterdir()) == out.splitlines()


def test_a_report_written_again_is_the_same_edition(dx: Dx) -> None:
    first, again = (json.loads(dx("weekly-digest", "--team", "Data", "--json")[1]) for _ in range(2))
    assert first == again
    assert (first[0]["id"], first[0]["edition"]) == ("weekly-digest-data-2026-W47", 1)


def test_output_names_the_file(dx: Dx, here: Path) -> None:
    code, out, _ = dx("weekly-digest", "--team", "Data", "--format", "md", "--output", "week.md")
    assert (code, out) == (0, "week.md\n")
    assert (here / "week.md").read_text(encoding="utf-8").startswith("# The week in delivery\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("weekly-digests",), "report 'weekly-digests' is not known: did you mean 'weekly-digest'?"),
        (("weekly-digest", "--team", "Dat"), "team 'Dat' is not known: did you mean 'Data'?"),
        (("weekly-digest", "--team", "Data", "--period", "2026-W48"), "'2026-W48' is not over: the data reaches to"),
        (("weekly-digest", "--team", "Data", "--format", "docx"), "--format 'docx' is not known: use one of pdf"),
        (("weekly-digest", "--output", "x.csv"), "--output x.csv is one file for 6 documents: name a --team: Data, "),
        (("weekly-digest", "--team", "Data", "--output", "no/x.md"), "no/x.md: cannot be written: No such file"),
    ],
)
def test_a_mistake_is_one_message_with_a_remedy(dx: Dx, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = dx(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("dxmetrics: ")
    assert words in err
    assert len(err.splitlines()) == 1
