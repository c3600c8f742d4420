"""What the hand-written pages tell people to send is taken, and what they tell people to set is understood."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dxmetrics import api, pipeline, push, state
from dxmetrics.project import Project
from dxmetrics.settings import read
from dxmetrics.survey import actions, instrument
from dxmetrics.survey.read import Surveys
from tests.conftest import Clock

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("platform.md", "push.md", "running.md", "surveys.md")
BLOCKS = [
    (page, kind, text)
    for page in PAGES
    for kind, text in re.findall(r"^```(\w+)\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
]
COMMANDS = [line for _, kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("curl")])
def test_a_curl_of_the_docs_is_a_deployment(tmp_path: Path, clock: Clock, line: str) -> None:
    clock.now = clock.now.replace(year=2027)
    (tmp_path / "dx.toml").write_text("")
    project = Project.find(tmp_path, {})
    words = shlex.split(line)
    address, body = words[2], words[words.index("-d") + 1]
    with state.of_project(project, clock) as store:
        token, _ = store.tokens.create("docs", ["ingest"], None)
        headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
        headers["Authorization"] = headers["Authorization"].replace("$DX_TOKEN", token)
        client = TestClient(api.create(api.Stores(project, clock)))
        path = address.removeprefix("http://localhost:8501/api")
        answer = client.post(path, content=body.encode(), headers=headers)
        assert (answer.status_code, json.loads(answer.content)["accepted"]) == (202, 1)
        assert pipeline.drain(project, store, clock=clock) == pipeline.Drained(deliveries=1, rows_changed=1)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("dxmetrics push")])
def test_a_push_of_the_docs_is_understood(clock: Clock, line: str) -> None:
    _, _, kind, *words = shlex.split(line)
    assert push.item(kind, words, clock.now)["ext_id"]


@pytest.mark.parametrize(("page", "text"), [(page, text) for page, kind, text in BLOCKS if kind == "toml"])
def test_settings_of_the_docs_are_understood(tmp_path: Path, page: str, text: str) -> None:
    (tmp_path / "dx.toml").write_text(text)
    settings = read(tmp_path / "dx.toml", {})
    told = settings.model_dump(include={"sources", "capabilities", "exemptions"}).values()
    assert any((*told, settings.surveys.address, settings.cost.currency)), page


@pytest.mark.parametrize("text", [text for page, kind, text in BLOCKS if (page, kind) == ("surveys.md", "yaml")])
def test_surveys_and_actions_of_the_docs_are_understood(tmp_path: Path, text: str) -> None:
    (tmp_path / "dx.toml").write_text("")
    project = Project.find(tmp_path, {})
    if text.startswith("survey:"):
        (tmp_path / "on-call.yaml").write_text(text)
        assert instrument.load(tmp_path / "on-call.yaml").survey.languages == ("en", "de")
    else:
        (tmp_path / "data").mkdir()
        (tmp_path / actions.FILE).write_text(text)
        assert [one.owner for one in actions.of_project(project, Surveys(()))] == ["Platform"]


def test_every_verb_the_docs_name_exists() -> None:
    reference = (DOCS / "cli.md").read_text()
    second = "create|retry|check|open|invite|remind|close|results|erase"
    named = {
        re.sub(rf"^dxmetrics (\w+)( (?:{second}))?.*", r"dxmetrics \1\2", line)
        for line in COMMANDS
        if line.startswith("dxmetrics")
    }
    assert len(named) >= 4
    assert [verb for verb in sorted(named) if verb not in reference] == []


def test_every_page_a_page_links_to_exists() -> None:
    links = [link for page in PAGES for link in re.findall(r"\]\(([^)#:]+)\)", (DOCS / page).read_text())]
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []
