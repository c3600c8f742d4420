"""Surveys: the form as its server answers it, and the results of a wave of 5,000 people in 300 teams.

Requests go through the routes of the web process, over both stores on disk; the network is left out.
"""

from __future__ import annotations

import random
import statistics
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.testclient import TestClient

from benchmarks.measurement import Measurement, at_most, hand_over, timed
from dxmetrics import api
from dxmetrics.pipeline import utc_now
from dxmetrics.project import Project
from dxmetrics.survey import (
    Comment,
    Facts,
    Given,
    Instrument,
    Response,
    Results,
    TeamNode,
    compute,
    instruments_of,
    receiving,
    waves,
)

PEOPLE, TEAMS, GROUPS, BANDS = 5_000, 300, 30, ("under 1 year", "1 to 3 years", "3 to 6 years", "over 6 years")
CALLS = 200
GOAL_FORM = 0.05


def measure() -> Iterator[Measurement]:
    """Form, sending and results."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "dx.toml").write_text("")
        project = Project.find(Path(folder), {})
        instrument = instruments_of(project)["devex-quarterly"]
        yield from serve(project, instrument)
    with timed() as watch:
        results = evaluate(instrument)
    shown = sum(cell.shown for cell in results.cells)
    note = f", {shown:,} of {len(results.cells):,} cells shown"
    yield at_most(f"results of {PEOPLE:,} people in {TEAMS} teams", watch, 60, note)


def serve(project: Project, instrument: Instrument) -> Iterator[Measurement]:
    """Requests to the form, with as many responses there already as a wave of a large organisation has."""
    stores = api.Stores(project, utc_now)
    wave = waves.open_wave(stores.state, instrument, utc_now(), ZoneInfo("UTC"))
    links = list(waves.hand_out(stores.state, wave, "", 3 * CALLS, team="Search", tenure=BANDS[0]))
    client = TestClient(Starlette(routes=api.surveys(stores)))
    for path in links[:CALLS]:
        receiving.receive(stores.state, stores.answers, path.rpartition("/")[2], given(instrument), utc_now())
    seconds = many(client.get, links[CALLS : 2 * CALLS])
    yield told("GET of the form", seconds, GOAL_FORM)
    sent = {item.id: "4" for item in instrument.items if item.type == "likert"}
    seconds = many(lambda path: client.post(path, data=sent), links[2 * CALLS :])
    yield told("POST of the answers", seconds, None)
    stores.close()


def given(instrument: Instrument) -> Given:
    """One respondent's answers."""
    codes = {item.id: random.randint(1, 5) for item in instrument.items if item.type == "likert"}
    return Given(codes, [Comment("fix_first_v1", "The build is slow.", may_share=True)], "en")


def many(ask: Callable[[str], object], paths: list[str]) -> list[float]:
    """Seconds of each request."""
    found = []
    for path in paths:
        with timed() as watch:
            ask(path)
        found.append(watch.seconds)
    return found


def told(name: str, seconds: list[float], goal: float | None) -> Measurement:
    p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    measured = f"p50 {p50 * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms"
    return Measurement(name, measured, f"<= {goal * 1000:.0f} ms" if goal else "", p95 <= goal if goal else None)


def evaluate(instrument: Instrument) -> Results:
    """The results of a wave that seven of ten answered."""
    random.seed(1)
    parents = {f"Team {number}": f"Group {number % GROUPS}" for number in range(TEAMS)}
    tree = [*(TeamNode(name=name, parent=parent) for name, parent in parents.items()),
            *(TeamNode(name=f"Group {number}") for number in range(GROUPS))]  # fmt: skip
    names = list(parents)
    members = [random.choice(names) for _ in range(PEOPLE)]
    responses = [
        Response(date(2026, 11, 2) + timedelta(days=random.randint(0, 13)), team, random.choice(BANDS),
                 dict(given(instrument).answers))
        for team in members if random.random() < 0.7
    ]  # fmt: skip
    facts = Facts(
        wave="2026-Q4", opened_on=date(2026, 11, 2), closed_on=date(2026, 11, 16), teams=tree,
        team_of=lambda text: text, invited={name: members.count(name) for name in names},
    )  # fmt: skip
    return compute(instrument, facts, responses, [])


if __name__ == "__main__":
    hand_over(measure())
