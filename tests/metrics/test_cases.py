"""Every case of `golden/` (the worked examples) and of this folder gives the numbers it states."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.metrics import Metrics

from .conftest import Line, chosen, rounded

FOLDER = Path(__file__).parent
CASES = sorted(FOLDER.rglob("*.toml"))
OF_A_CELL = {"value", "n", "k", "p75", "p90", "coverage", "is_partial", "unit"}
KNOWN = OF_A_CELL | {
    "metric", "start", "end", "period", "by", "where", "bots", "dimensions", "values", "ci", "flags", "reason", "band",
    "exclusions", "columns", "rows", "partial",
}  # fmt: skip


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_case_gives_the_numbers_worked_out_by_hand(path: Path, line: Line) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    metrics = line(case)
    assert case["expect"], "a case that expects nothing cannot fail"
    for expected in case["expect"]:
        assert set(expected) <= KNOWN, set(expected) - KNOWN
        window = {name: expected.get(name, case.get(name)) for name in ("start", "end")}
        asked = {**window, "where": expected.get("where", {})}
        compare(metrics, expected, asked)


def compare(metrics: Metrics, expected: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Assert what one `[[expect]]` says."""
    name, bots = expected["metric"], expected.get("bots")
    where = f"{name} {dict(asked)}"
    cells = metrics.query(name, period=expected.get("period"), by=expected.get("by", ()), bots=bots, **asked)
    if "dimensions" in expected:
        cells = tuple(cell for cell in cells if dict(cell.dimensions) == expected["dimensions"])
    if "values" in expected:
        found = [rounded(cell.value) if cell.value is not None else "none" for cell in cells]
        assert found == expected["values"], where
    if "partial" in expected:
        assert [cell.is_partial for cell in cells] == expected["partial"], where
    stated = OF_A_CELL & set(expected)
    if stated | ({"ci", "flags", "reason"} & set(expected)):
        assert len(cells) == 1, where
        (cell,) = cells
        for part in sorted(stated):
            wanted = None if expected[part] == "none" else expected[part]
            assert getattr(cell, part) == pytest.approx(wanted, abs=0.005), f"{part} of {where}: {cell}"
        if "ci" in expected:
            interval = [cell.ci_low, cell.ci_high] if cell.ci_low is not None else []
            assert interval == pytest.approx(expected["ci"], abs=0.05), where
        assert set(expected.get("flags", ())) <= set(cell.quality_flags), f"{where}: {cell.quality_flags}"
        assert expected.get("reason", "") in (cell.reason or ""), f"{where}: {cell.reason}"
    if "band" in expected:
        band = metrics.band(name, **asked)
        assert band is not None
        assert (band.code or "none") == expected["band"], f"{where}: {band}"
    compare_receipt(metrics, expected, asked)


def compare_receipt(metrics: Metrics, expected: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Assert what is said of the rows behind the number."""
    if not {"rows", "exclusions"} & set(expected):
        return
    receipt = metrics.explain(expected["metric"], bots=expected.get("bots"), **asked)
    if "exclusions" in expected:
        assert dict(receipt.exclusions) == expected["exclusions"], expected["metric"]
    if "rows" in expected:
        wanted = sorted(
            (tuple(None if value == "none" else rounded(value) for value in row) for row in expected["rows"]), key=repr
        )
        assert chosen(receipt.rows, expected["columns"]) == wanted, expected["metric"]
