"""What the README says, done word for word: its source, its metric and its commands."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LOG = """\
2026-03-02T10:00:00+00:00 pay 4f5a001 ok
2026-03-07T11:00:00+00:00 pay 4f5a002 ok
2026-03-09T09:30:00+00:00 pay 4f5a003 failed
"""


def project_from_the_readme(folder: Path) -> Path:
    """The README's files, each written where its first line says."""
    for _, text in BLOCKS:
        first, _, body = text.partition("\n")
        path = re.fullmatch(r"(?:#|--) (\S+/?\S+\.(?:py|toml|sql))", first)
        if path:
            (folder / path[1]).parent.mkdir(parents=True, exist_ok=True)
            (folder / path[1]).write_text(body)
    (folder / "shiplog.txt").write_text(LOG)
    return folder


def dxmetrics(folder: Path, *arguments: str) -> str:
    done = tried(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tried(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DX_")}
    return subprocess.run(
        [sys.executable, "-m", "dxmetrics", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_source_and_the_metric_of_the_readme_work_as_written(tmp_path: Path) -> None:
    folder = project_from_the_readme(tmp_path)
    assert {path.name for path in folder.rglob("*.*")} >= {"shiplog.py", "dx.toml", "weekend_deployments.sql"}
    dxmetrics(folder, "up", "--no-serve")
    month = ("--from", "2026-03-01", "--to", "2026-04-01")
    cells = json.loads(dxmetrics(folder, "metrics", "weekend_deployments", "--period", "month", *month, "--json"))
    assert [(cell["k"], cell["n"]) for cell in cells] == [(1, 2)]
    deployed = json.loads(dxmetrics(folder, "metrics", "deployments", "--period", "month", *month, "--json"))
    assert [cell["value"] for cell in deployed] == [2]

    metric = folder / "sql/metrics/delivery/weekend_deployments.sql"
    metric.write_text(metric.read_text().replace('measure   = "is_weekend"', 'measure   = "weekend"'))
    refused = tried(folder, "build")
    assert refused.returncode == 1
    assert "weekend_deployments: its view has no column weekend" in refused.stderr
    again = json.loads(dxmetrics(folder, "metrics", "weekend_deployments", "--period", "month", *month, "--json"))
    assert again == cells, "readers keep the publication they have"


def test_every_path_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_verb_the_readme_names_exists() -> None:
    named = set(re.findall(r"dxmetrics (\w+)", README)) - {"is"}
    usage = dxmetrics(ROOT, "--help")
    assert [verb for verb in sorted(named) if not re.search(rf"\b{verb}\b", usage)] == []
