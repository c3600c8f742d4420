"""`dxmetrics report --send`: who gets it, what is told, and what a dry run shows."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dxmetrics import cli
from dxmetrics.project import Project
from tests.engine.mail_server import MailServer, mail_server

Dx = Callable[..., tuple[int, str, str]]
EDITION = "digest-data-2026-W47"
DIGEST = """\
title: The week in delivery
about: For us.
audience: team
period: week
sections:
  - {section: key_figures, metrics: [deployments]}
  - what_changed
formats: [csv]
schedule: "0 7 * * 1"
deliver:
  - mail: [ada@example.org, gone@example.org]
  - {folder: out, teams: [Data]}
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def office(sample: Project, tmp_path: Path, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the sample's numbers and a report that is delivered."""
    for name in [name for name in os.environ if name.startswith("DX_")]:
        monkeypatch.delenv(name)
    shutil.copytree(sample.data / "published", tmp_path / "data/published")
    (tmp_path / "data/reports").mkdir()
    (tmp_path / "data/reports/digest.yaml").write_text(DIGEST)
    (tmp_path / "dx.toml").write_text(
        f'[mail]\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nsender = "dx@example.org"\n'
    )
    return tmp_path


@pytest.fixture
def dx(office: Path, capsys: pytest.CaptureFixture[str]) -> Dx:
    """`dx("digest")`: exit code, stdout, stderr of `dxmetrics report` in the office."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["report", *arguments, "--project", str(office)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_a_dry_run_shows_the_mail_and_keeps_nothing(dx: Dx, office: Path, server: MailServer) -> None:
    code, out, err = dx("digest", "--team", "Data", "--dry-run")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "To: ada@example.org, gone@example.org", "Subject: The week in delivery: Data, 16 Nov to 22 Nov 2026",
        f"Attached: {EDITION}.csv",
    ]  # fmt: skip
    assert any(line.startswith("* Deployments: ") for line in lines)
    assert lines[-1] == f"out/{EDITION}.csv"
    assert (server.accepted, (office / "out").exists()) == ([], False)
    assert json.loads(dx("--list", "--json")[1])["editions"] == []


def test_it_is_sent_once_and_what_did_not_arrive_is_told(dx: Dx, office: Path, server: MailServer) -> None:
    server.refused["gone@example.org"] = "550 no such user"
    code, out, err = dx("digest", "--team", "Data", "--send")
    refused = (
        f"{EDITION}, mail gone@example.org: refused: the mail server does not take it for this recipient (550): "
        "correct the address in the report's file or ask who runs the server"
    )
    assert (code, out) == (1, "")
    told = err.splitlines()
    assert [one.rpartition(": ")[2][:5] for one in told[:2]] == ["sent ", "sent "]
    assert told[2] == refused
    assert server.recipients == ["ada@example.org"]
    assert (office / f"out/{EDITION}.csv").is_file()
    listed = dx("--list")
    assert f"warning: {refused}" in listed[2]
    assert next(line for line in listed[1].splitlines() if line.startswith(EDITION)).split()[-3:] == ["2", "of", "3"]
    server.refused.clear()
    code, _, err = dx("digest", "--team", "Data", "--send")
    assert (code, len(err.splitlines())) == (0, 3)
    assert server.recipients == ["ada@example.org", "gone@example.org"]
    assert dx("--list")[2] == ""


def test_every_team_has_its_own_document_and_targets_may_be_of_some(dx: Dx, office: Path, server: MailServer) -> None:
    code, _, err = dx("digest", "--send")
    assert code == 0
    teams = {line.partition(", ")[0] for line in err.splitlines()}
    assert len(teams) > 1
    assert len(server.recipients) == 2 * len(teams)
    assert [one.name for one in (office / "out").iterdir()] == [f"{EDITION}.csv"]


def test_a_dry_run_shows_the_mail_before_anybody_is_named(dx: Dx) -> None:
    code, out, _ = dx("weekly-digest", "--team", "Data", "--dry-run")
    assert code == 0
    assert out.startswith("To: nobody yet (add `deliver:` to data/reports/weekly-digest.yaml)\nSubject: ")


def test_a_report_that_goes_to_nobody_says_what_to_add(dx: Dx) -> None:
    code, _, err = dx("weekly-digest", "--team", "Data", "--send")
    assert code == 1
    assert err == (
        "dxmetrics: report weekly-digest names nobody who gets the document of Data: add `deliver:` to "
        "data/reports/weekly-digest.yaml\n"
    )
