"""A case's records carried down the whole line: landed, built, published, and asked for through the metrics API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import models, records, warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.metrics import Metrics
from dxmetrics.models.header import MetricHeader
from dxmetrics.models.nodes import GIVEN, Node
from dxmetrics.pipeline import derivations
from dxmetrics.settings import Settings, variables

ROOT = Path(__file__).parents[2]
RECORDS = {record.__name__: record for record in records.RECORDS}

Line = Callable[[Mapping[str, Any]], Metrics]


@pytest.fixture(scope="session")
def content() -> models.Content:
    """The models and checks of the repository."""
    return models.read([ROOT])


@pytest.fixture
def line(tmp_path: Path, content: models.Content) -> Line:
    """`line(case)`: the metrics of a warehouse that holds just the case's records."""

    def carry(case: Mapping[str, Any]) -> Metrics:
        as_of = case["as_of"]
        settings = Settings.model_validate(case.get("settings", {}))
        connection = warehouse.open_writer(tmp_path)
        try:
            land(connection, case, as_of)
            with warehouse.transaction(connection):
                warehouse.set_fact(connection, "as_of", as_of.isoformat())
                warehouse.set_fact(connection, "reporting_zone", settings.organisation.reporting_zone)
            nodes = needed([*content.models, *derivations(settings)], {one["metric"] for one in case.get("expect", ())})
            made = [node for node in nodes.values() if isinstance(node, models.Model)]
            derived = [node for node in nodes.values() if isinstance(node, models.Derivation)]
            models.build(connection, made, variables(settings), derived, clock=lambda: as_of)
            checks = [check for check in content.checks if (nodes.keys() | GIVEN).issuperset(check.query.inputs)]
            results = models.run_checks(connection, checks, clock=lambda: as_of)
            failed = {
                result.name: result.sample for result in results if result.failures and result.severity == "error"
            }
            assert not failed
            warehouse.publish(connection, tmp_path, lambda: as_of)
        finally:
            connection.close()
        return Metrics.open(tmp_path)

    return carry


def needed(made: Sequence[Node], metrics: Collection[str]) -> dict[str, Node]:
    """What these metrics are made of and counted against, by name; all there is where none is named."""
    by_name = {node.name: node for node in made}
    open_ends = ["core.observations", *(f"metrics.{name}" for name in metrics)] if metrics else list(by_name)
    found: dict[str, Node] = {}
    while open_ends:
        name = open_ends.pop()
        if name in by_name and name not in found:
            node = found[name] = by_name[name]
            open_ends += node.inputs
            if isinstance(node, models.Model) and isinstance(node.header, MetricHeader):
                open_ends += [f"metrics.{other}" for other in (node.header.per, node.header.coverage) if other]
    return found


def land(connection: Any, case: Mapping[str, Any], as_of: datetime) -> None:
    """Write the case's records: `[[given]]` with `record`, `rows` and perhaps `source`, and those of `[[weeks]]`.

    `covers = {Deployment = from}` of a group says that nothing is missing from that instant to the case's `as_of`.
    """
    for place, group in enumerate([*case.get("given", ()), *map(weekly, case.get("weeks", ()))]):
        record = RECORDS[group["record"]]
        defaults = group.get("each", {})
        rows = [{**defaults, **row} for row in group["rows"]]
        if record is records.Commit:
            rows = [{"ext_id": f"{row['repository']}@{row['sha']}", **row} for row in rows]
        covers = {RECORDS[name]: (start, as_of) for name, start in group.get("covers", {}).items()}
        loader = warehouse.Loader(connection, group.get("source", "files"), clock=lambda: as_of)
        scope = group.get("scope", f"group {place}")
        counts = loader.write(Scope(scope, scope), Page({record: rows}, covers=covers))
        assert counts.refused == 0, f"{group['record']}: a row is not one"


def weekly(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Deployments at noon of the first days of each week: `days` a week from the Monday `first`, `per_day` on each,
    `every_minutes` (90) apart."""
    rows: list[dict[str, Any]] = []
    every = plan.get("every_minutes", 90)
    for week, days in enumerate(plan["days"]):
        for day in range(days):
            for number in range(plan.get("per_day", 1)):
                finished_at = plan["first"] + timedelta(weeks=week, days=day, hours=12, minutes=every * number)
                name = f"{plan['service']}-{week}-{day}-{number}"
                row = {"ext_id": name, "service": plan["service"], "sha": name, "status": "success"}
                rows.append({**row, "finished_at": finished_at})
    return {"record": "Deployment", "rows": rows, "covers": plan.get("covers", {})}


def chosen(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """These columns of the rows, sorted; numbers rounded as far as a case states them."""
    return sorted((tuple(rounded(row[name]) for name in columns) for row in rows), key=repr)


def rounded(value: Any) -> Any:
    """A float with three decimals; everything else as it is."""
    return round(value, 3) if isinstance(value, float) else value
