"""Records that arrive one after the other, in whichever order, give the tables that one build of them all gives.

This is what `key`, `keys` and `affects` in the headers of `sql/core` promise.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import models, warehouse
from dxmetrics.models.nodes import Node
from dxmetrics.pipeline import derivations
from dxmetrics.settings import Settings, variables

from .conftest import land, needed, weekly

FOLDER = Path(__file__).parent
ARRIVING = (
    "change_cycle_stages",
    "across_sources",
    "git_alone",
    "host_and_mirror",
    "deployment_rules",
    "releases",
    "issue_incidents",
    "adoption_states",
    "adoption_lasting",
    "self_service",
    "standards_of_changes",
    "journey",
    "golden/15_many_repositories",
)
CHANGING = (
    "change_fail_rate",
    "linked_otherwise",
    "monorepo",
    "fan_out",
    "kinds",
    "host_and_mirror",
    "deployment_rules",
    "releases",
    "adoption_states",
    "adoption_lasting",
    "journey",
    "golden/12_revert",
)
Tables = Mapping[str, Sequence[tuple[Any, ...]]]


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[tuple[DuckDBPyConnection, DuckDBPyConnection]]:
    """Two empty warehouses."""
    pair = warehouse.open_writer(tmp_path / "stepwise"), warehouse.open_writer(tmp_path / "whole")
    yield pair
    for connection in pair:
        connection.close()


def build(connection: DuckDBPyConnection, content: models.Content, case: Mapping[str, Any]) -> models.BuildReport:
    settings = Settings.model_validate(case.get("settings", {}))
    with warehouse.transaction(connection):
        warehouse.set_fact(connection, "as_of", case["as_of"].isoformat())
    nodes = of_the_case(content, case).values()
    made = [node for node in nodes if isinstance(node, models.Model)]
    derived = [node for node in nodes if isinstance(node, models.Derivation)]
    return models.build(connection, made, variables(settings), derived, clock=lambda: case["as_of"])


def of_the_case(content: models.Content, case: Mapping[str, Any]) -> dict[str, Node]:
    """What the case's metrics are made of."""
    settings = Settings.model_validate(case.get("settings", {}))
    return needed([*content.models, *derivations(settings)], {one["metric"] for one in case["expect"]})


def tables(connection: DuckDBPyConnection, content: models.Content, case: Mapping[str, Any]) -> Tables:
    """The rows of every table and view, in an order of their own."""
    names = of_the_case(content, case)
    return {name: connection.execute(f"from {name} order by all").fetchall() for name in names}


def assert_same(stepwise: Tables, whole: Tables) -> None:
    different = [name for name in whole if stepwise[name] != whole[name]]
    assert not different, {name: (stepwise[name], whole[name]) for name in different[:1]}


@pytest.mark.parametrize("name", ARRIVING)
def test_records_that_arrive_last_things_first_give_the_same_tables(
    name: str, writers: tuple[DuckDBPyConnection, DuckDBPyConnection], content: models.Content
) -> None:
    case = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    stepwise, whole = writers
    groups = placed(case)
    build(stepwise, content, case)
    for group in reversed(groups):
        land(stepwise, {"given": [group]}, case["as_of"])
        build(stepwise, content, case)
    land(whole, {"given": groups}, case["as_of"])
    build(whole, content, case)
    assert_same(tables(stepwise, content, case), tables(whole, content, case))


@pytest.mark.parametrize("name", CHANGING)
def test_rows_that_change_afterwards_give_the_same_tables(
    name: str, writers: tuple[DuckDBPyConnection, DuckDBPyConnection], content: models.Content
) -> None:
    case = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    stepwise, whole = writers
    groups = placed(case)
    later = [{**group, "rows": [moved(group, row) for row in group["rows"]]} for group in groups]
    land(stepwise, {"given": groups}, case["as_of"])
    build(stepwise, content, case)
    land(stepwise, {"given": later}, case["as_of"])
    report = build(stepwise, content, case)
    assert "incremental" in {model.mode for model in report.models}
    land(whole, {"given": later}, case["as_of"])
    build(whole, content, case)
    assert_same(tables(stepwise, content, case), tables(whole, content, case))


def placed(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The case's groups, each with a scope of its own that it keeps."""
    groups = [*case.get("given", ()), *map(weekly, case.get("weeks", ()))]
    return [{"scope": f"group {place}", **group} for place, group in enumerate(groups)]


def moved(group: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with what links it to others changed: times, the outcome, the commit, the incident, the author."""
    full = {**group.get("each", {}), **row}
    changed = dict(full)
    for name in ("finished_at", "merged_at", "submitted_at", "detected_at", "committed_at"):
        if name in full:
            changed[name] = full[name] + timedelta(hours=len(full["ext_id"]) if "ext_id" in full else 3)
    if group["record"] == "Deployment" and full["ext_id"].endswith(("1", "eu")):
        changed |= {"status": "failure", "reached_users": True}
    if group["record"] == "Incident":
        changed["caused_by_deployment"] = None
    if group["record"] == "Change" and "head_branch" not in full:
        changed |= {"head_branch": "hotfix/it", "author": "bob"}
    if group["record"] == "Membership":
        changed["team"] = "owners"
    if group["record"] in ("PlatformEvent", "UsageFact"):
        for name in ("occurred_at", "occurred_on"):
            if name in full:
                changed[name] = full[name] + timedelta(days=7)
    return changed


def test_uses_that_come_later_rebuild_only_whom_they_tell_of(
    writers: tuple[DuckDBPyConnection, DuckDBPyConnection], content: models.Content
) -> None:
    case = tomllib.loads((FOLDER / "adoption_states.toml").read_text(encoding="utf-8"))
    stepwise, whole = writers
    late = {"capability": "paved-road", "action": "deploy", "person": "zoe", "service": "b"}
    more = {
        "record": "PlatformEvent",
        "source": "portal",
        "scope": "late",
        "rows": [
            {**late, "ext_id": "late-1", "occurred_at": datetime(2026, 3, 11, 10, tzinfo=UTC)},
            {**late, "ext_id": "late-2", "occurred_at": datetime(2026, 3, 25, 10, tzinfo=UTC)},
        ],
    }
    groups = placed(case)
    land(stepwise, {"given": groups}, case["as_of"])
    build(stepwise, content, case)
    land(stepwise, {"given": [more]}, case["as_of"])
    modes = {model.name: model.mode for model in build(stepwise, content, case).models}
    by_key = ("uses", "weeks", "states", "adoptions")
    assert {name: modes[f"core.capability_{name}"] for name in by_key} == dict.fromkeys(by_key, "incremental")
    land(whole, {"given": [*groups, more]}, case["as_of"])
    build(whole, content, case)
    assert_same(tables(stepwise, content, case), tables(whole, content, case))
