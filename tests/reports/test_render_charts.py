"""Charts on paper: their numbers, the rules of the screen, and the same series as there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from dxmetrics.metrics.results import Cell
from dxmetrics.palette import LIGHT
from dxmetrics.reports.document import Chart, Series
from dxmetrics.reports.render import paper
from dxmetrics.ui import charts as screen
from tests.reports import example

Rows = list[dict[str, object]]


def data(chart: Chart, name: str) -> Rows:
    """The rows a chart is drawn from."""
    (found,) = [one["values"] for one in paper.specification(chart)["data"] if one["name"] == name]
    return list(found)


def column(rows: Rows, name: str) -> list[object]:
    return [row[name] for row in rows]


def written(chart: Chart) -> list[str]:
    """Every text in the picture."""
    root = ElementTree.fromstring(paper.svg(chart))  # noqa: S314  (our own)
    return [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]


def one(kind: str, *values: float | None, unit: str = "hours", **more: object) -> Chart:
    """A chart of one series."""
    series = {"name": "a", "tone": "accent", "values": values} | {
        name: more.pop(name) for name in ("low", "high") if name in more
    }
    names = tuple(f"c{place}" for place in range(len(values)))
    return Chart.model_validate({"kind": kind, "categories": names, "series": (series,), "unit": unit, **more})


def test_columns_stand_on_each_other_and_have_the_values_of_the_document() -> None:
    rows = data(example.DEPLOYMENTS.chart, "segments")
    fine, failed = ([row for row in rows if row["series"] == name] for name in ("Did not need a fix", "Needed a fix"))
    assert column(fine, "from") == [0.0] * 12
    assert column(failed, "from") == column(fine, "to")
    for drawn, series in zip((fine, failed), example.DEPLOYMENTS.chart.series, strict=True):
        heights = [row["to"] - row["from"] for row in drawn]  # type: ignore[operator]
        assert heights == [value for value in series.values if value is not None]


def test_what_is_not_over_is_hollow_and_only_tops_are_round() -> None:
    rows = data(example.DEPLOYMENTS.chart, "segments")
    assert [row["fill"] for row in rows[-2:]] == [LIGHT.card, LIGHT.card]
    assert [row["stroke"] for row in rows[-2:]] == [LIGHT.bars, LIGHT.bad]
    assert {row["fill"] for row in rows[:-2]} == {LIGHT.bars, LIGHT.bad}
    assert [bool(row["radius"]) for row in rows] == [False, True] * 12


def test_a_period_nobody_observed_is_shaded() -> None:
    assert column(data(example.DEPLOYMENTS.chart, "gaps"), "index") == [2]
    assert column(data(example.LEAD_TIME.chart, "gaps"), "index") == [3, 5]


def test_the_last_complete_value_is_written_with_its_unit() -> None:
    assert "12.7 h" in written(example.LEAD_TIME.chart)
    assert "11.0 h" not in written(example.LEAD_TIME.chart)
    assert "221" in written(example.DEPLOYMENTS.chart)
    assert {"0 h", "10 h", "20 h"} <= set(written(example.LEAD_TIME.chart))


def test_a_line_and_its_band_break_where_nothing_is_known() -> None:
    points = data(example.LEAD_TIME.chart, "points")
    assert list(dict.fromkeys(column(points, "run"))) == ["Median/0", "Median/4", "Median/6"]
    assert column(points, "value") == [value for value in example.LEAD_TIME.chart.series[0].values if value]
    assert column(data(example.LEAD_TIME.chart, "alone"), "index") == [4]
    assert column(data(example.LEAD_TIME.chart, "band"), "high")[-1] == 19.0


def test_bars_end_with_their_totals_and_a_dash_where_nothing_is_known() -> None:
    ends = column(data(example.STAGES.chart, "ends"), "text")
    assert ends[0] == "22.2 h"
    assert ends[-1] == "–"
    assert {"Mobile", "22.2 h", "Πληρωμές", "Платежи", "תשלומים", "支付服务", "–"} <= set(written(example.STAGES.chart))


def test_dots_have_their_interval_behind_them() -> None:
    assert column(data(example.SCORES.chart, "dots"), "value") == [41.0, 55.5, 71.2]
    intervals = data(example.SCORES.chart, "intervals")
    assert list(zip(column(intervals, "low"), column(intervals, "high"), strict=True)) == [
        (30.1, 52.8), (44.0, 66.1), (60.9, 79.6),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "drawn", "label"), [(0.5, 30.0, "30 min"), (12.0, 12.0, "12.0 h"), (96.0, 4.0, "4.0 d")]
)
def test_hours_are_drawn_in_the_unit_people_say_them_in(hours: float, drawn: float, label: str) -> None:
    chart = one("line", hours)
    assert column(data(chart, "points"), "value") == [drawn]
    assert label in written(chart)


def test_counts_have_whole_ticks() -> None:
    ticks = [text for text in written(one("columns", 1.0, 2.0, unit="rollbacks")) if not text.startswith("c")]
    assert ticks == ["0", "1", "2", "2", "2"]  # three ticks, and the last value on its rim


def test_names_that_are_the_same_are_rows_of_their_own() -> None:
    twins = one("bars", 1.0, 2.0).model_copy(update={"categories": ("a", "a")})
    assert written(twins).count("a") == 2


def test_there_are_as_many_dates_as_fit() -> None:
    wide = paper.specification(example.DEPLOYMENTS.chart, width=800)["axes"][1]["values"]
    narrow = paper.specification(example.DEPLOYMENTS.chart, width=250)["axes"][1]["values"]
    assert wide == list(range(13))
    assert narrow == [0, 3, 6, 9, 12]


def test_many_rows_are_drawn_in_pieces_and_time_never_is() -> None:
    chart = one("bars", *map(float, range(70)), low=tuple(map(float, range(70))), high=tuple(map(float, range(70))))
    parts = paper.slices(chart, 30)
    assert [len(part.categories) for part in parts] == [30, 30, 10]
    assert [value for part in parts for value in part.series[0].values] == list(range(70))
    assert [value for part in parts for value in part.series[0].high] == list(range(70))
    assert len(paper.slices(one("line", *map(float, range(70))), 30)) == 1


def test_no_axis_has_a_title_and_only_values_have_a_grid() -> None:
    for figure in example.figures():
        values, names = paper.specification(figure.chart)["axes"]
        assert "title" not in values | names
        assert (values.get("grid"), names.get("grid")) == (True, None)
        assert not values["domain"]
        assert not names["ticks"]


def test_a_sparkline_breaks_where_a_point_is_unknown() -> None:
    assert paper.sparkline((1.0, 2.0, None, 3.0)).count("M") == 2
    assert paper.sparkline((1.0, None)) == ""
    assert paper.sparkline((2.0, 2.0)).startswith("<svg")


def cells(values: list[tuple[int, int]]) -> list[Cell]:
    """Weeks of `change_fail_rate`: (k, n)."""
    start = date(2026, 8, 3)
    return [
        Cell(
            metric="change_fail_rate",
            version=1,
            period="week",
            dimensions={},
            unit="%",
            period_start=start + timedelta(weeks=place),
            period_end=start + timedelta(weeks=place + 1),
            value=100 * k / n,
            n=n,
            k=k,
            is_partial=place == len(values) - 1,
        )
        for place, (k, n) in enumerate(values)
    ]


def test_paper_and_screen_draw_the_same_line_and_band() -> None:
    weeks = [
        replace(cell, value=hours, p25=hours / 2, p75=hours * 2, unit="hours")
        for cell, hours in zip(cells([(1, 9)] * 4), (30.0, 20.0, 12.5, 11.0), strict=True)
    ]
    *_, band, _, line = screen.lead_time(weeks, [], LIGHT)["data"]
    chart = one(
        "line",
        *(cell.value for cell in weeks),
        low=tuple(cell.p25 for cell in weeks),
        high=tuple(cell.p75 for cell in weeks),
        is_partial=tuple(cell.is_partial for cell in weeks),
    )
    points = data(chart, "points")
    assert column(points, "value") == line["y"]
    assert column(points, "fill") == line["marker"]["color"]
    assert [*column(points, "high"), *reversed(column(points, "low"))] == band["y"]


def test_paper_and_screen_draw_the_same_series_from_the_same_cells() -> None:
    weeks = cells([(20, 212), (21, 199), (11, 221), (5, 98)])
    on_screen = screen.deployments(weeks, weeks, LIGHT)["data"]
    chart = Chart(
        kind="columns",
        categories=tuple(f"{cell.period_start:%d %b}" for cell in weeks),
        series=(
            Series(
                name="Did not need a fix", tone="bars", values=tuple(float(cell.n - (cell.k or 0)) for cell in weeks)
            ),
            Series(name="Needed a fix", tone="bad", values=tuple(float(cell.k or 0) for cell in weeks)),
        ),
        unit="deployments",
        starts=tuple(cell.period_start for cell in weeks),
        is_partial=tuple(cell.is_partial for cell in weeks),
    )
    on_paper = data(chart, "segments")
    for trace in on_screen:
        rows = [row for row in on_paper if row["series"] == trace["name"]]
        assert [row["to"] - row["from"] for row in rows] == trace["y"]  # type: ignore[operator]
        assert [row["fill"] for row in rows] == trace["marker"]["color"]
        assert [chart.starts[row["index"]].isoformat() for row in rows] == trace["x"]  # type: ignore[index]
