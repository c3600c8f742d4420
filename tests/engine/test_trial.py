"""Trying a source: what rules match, before anything is kept, and under rules that changed after collecting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import pipeline, trial
from dxmetrics.cli import run
from dxmetrics.errors import CollectError, SettingsError
from dxmetrics.project import Project

RUNS = [
    {"name": "Deploy", "branch": "main", "result": "success"},
    {"name": "Deploy", "branch": "main", "result": "failure"},
    {"name": "Deploy", "branch": "feature", "result": "success"},
    {"name": "CI", "branch": "main", "result": "success"},
]
RULE = '[[deployments.rules]]\nworkflow = "deploy*"\nbranch = "main"\n'
SOURCE = '[sources.ci]\nkind = "files"\nfolder = "exports"\n'


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    exports = tmp_path / "exports"
    exports.mkdir()
    shared = {"repository": "git.example/acme/shop", "finished_at": "2026-03-02T10:00:00Z"}
    runs = [{"ext_id": str(place), "sha": str(place), **shared, **one} for place, one in enumerate(RUNS)]
    (exports / "pipeline_runs.jsonl").write_text(lines(runs))
    (exports / "jobs.jsonl").write_text(lines([{"ext_id": "j", "pipeline_run": "3", "name": "test"}]))
    issue = {"key": "#1", "created_at": "2026-03-02T10:00:00Z", "labels": ["incident", "sev1"], "type": "bug"}
    (exports / "issues.jsonl").write_text(lines([issue]))
    (exports / "repositories.jsonl").write_text(lines([{"name": "git.example/acme/shop"}]))
    (tmp_path / "dx.toml").write_text(RULE + SOURCE)
    return tmp_path


def test_a_source_that_is_not_collected_is_looked_at_and_nothing_is_kept(folder: Path) -> None:
    project = Project.find(folder, {})
    found = trial.try_source(project, "ci", scopes=9)
    assert found.looked_at == "the newest rows of 4 scopes, read just now"
    (deployed,) = found.matches.deployments
    assert (deployed["told_by"], deployed["environment"], deployed["deployments"]) == ("rule", "production", 2)
    assert deployed["succeeded"] == 1
    assert {(row["workflow"], row["branch"]): row["rules"] for row in found.matches.runs} == {
        ("Deploy", "main"): "1",
        ("Deploy", "feature"): None,
        ("CI", "main"): None,
    }
    assert [(row["job"], row["rules"]) for row in found.matches.jobs] == [("test", None)]
    assert {(row["kind"], row["name"], row["incidents"]) for row in found.matches.issues} == {
        ("label", "incident", 1),
        ("label", "sev1", 1),
        ("type", "bug", 1),
    }
    assert not (project.data / "dx.duckdb").exists()
    assert not (project.data / "published").exists()


def test_what_is_collected_is_looked_at_under_the_rules_as_they_are_now(folder: Path) -> None:
    pipeline.up(Project.find(folder, {}))
    (folder / "dx.toml").write_text(RULE.replace("deploy*", "CI") + SOURCE)
    (folder / "exports").rename(folder / "gone")
    found = trial.try_source(Project.find(folder, {}), "ci", scopes=1)
    assert found.looked_at == "what is collected already, under the rules as they are now"
    assert [row["runs"] for row in found.matches.rules] == [1]
    with pytest.raises(CollectError):
        trial.try_source(Project.find(folder, {}), "ci", scopes=1, fresh=True)


def test_a_source_nobody_configured_is_refused(folder: Path) -> None:
    with pytest.raises(SettingsError, match="source 'git' is not configured: use one of ci"):
        trial.try_source(Project.find(folder, {}), "git", scopes=1)


def test_the_command_prints_lists_with_what_could_be_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "try", "ci", "--project", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "ci: the newest rows of 4 scopes, read just now; nothing is kept" in out
    assert "Deploy    main" in out
    assert run(["sources", "try", "ci", "--json", "--project", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["matches"]["rules"][0]["runs"] == 2
    (folder / "dx.toml").write_text(SOURCE)
    assert run(["sources", "try", "ci", "--project", str(folder)]) == 0
    assert "Deployments: none: name the runs or jobs that deploy in [[deployments.rules]]" in capsys.readouterr().out


def test_sources_alone_still_lists_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "--project", str(folder)]) == 0
    assert "not collected yet" in capsys.readouterr().out
