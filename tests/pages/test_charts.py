"""Charts as data: what is drawn, what is left empty, and what adds up."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from dxmetrics.palette import DARK, LIGHT
from dxmetrics.ui import charts, sparkline, stages

from .conftest import cell


def test_bars_split_deployments_into_those_that_needed_a_fix_and_the_rest() -> None:
    weeks = [cell(0, 10.0, 20, k=2), cell(1, 0.0, 5, k=0)]
    fine, failed = charts.deployments(weeks, weeks, LIGHT)["data"]
    assert (fine["y"], failed["y"]) == ([18, 5], [2, 0])
    assert fine["x"] == ["2026-09-07", "2026-09-14"]


def test_the_running_week_is_hollow() -> None:
    weeks = [cell(0, n=20, k=2), cell(1, n=4, k=0, is_partial=True)]
    fine = charts.deployments(weeks, weeks, LIGHT)["data"][0]
    assert fine["marker"]["color"] == [LIGHT.bars, LIGHT.card]
    assert fine["marker"]["line"]["width"][1] > 0
    line = charts.lead_time(weeks, [], LIGHT)["data"][-1]
    assert line["marker"]["color"] == [LIGHT.accent, LIGHT.card]


def test_a_week_nobody_observed_is_shaded_and_an_observed_week_without_deployments_is_not() -> None:
    counted = [cell(0, None, 0, reason="no data"), cell(1, 0.0, 0), cell(2, 3.0, 3)]
    figure = charts.deployments([cell(2, n=3, k=0)], counted, LIGHT)
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == ["2026-09-03T12:00:00"]


def test_median_and_band_break_where_a_week_has_too_few_changes() -> None:
    known = {"p25": 5.0, "p75": 20.0}
    weeks = [cell(0, 10.0, **known), cell(1, 11.0, **known), cell(2, None, 2), cell(3, 12.0, **known)]
    *bands, _dots, median = charts.lead_time(weeks, [], LIGHT)["data"]
    assert median["y"] == [10.0, 11.0, None, 12.0]
    assert [band["y"] for band in bands] == [[20.0, 20.0, 5.0, 5.0], [20.0, 20.0, 5.0, 5.0]]
    assert bands[0]["x"][:2] == ["2026-09-07T00:00:00", "2026-09-14T00:00:00"]


def test_one_very_long_change_does_not_flatten_the_others_and_is_counted() -> None:
    seen = datetime(2026, 9, 8, 9, tzinfo=UTC)
    events = [
        {"entity_id": str(hours), "title": "x", "occurred_at": seen, "measure": hours, "excluded_because": None}
        for hours in [*range(1, 40), 50_000]
    ]
    layout = charts.lead_time([cell(0, 20.0, p25=10.0, p75=30.0)], events, LIGHT)["layout"]
    assert layout["yaxis"]["range"][1] * 24 < 60
    assert layout["annotations"][0]["text"] == "1 change above"


def test_long_lead_times_are_drawn_in_days() -> None:
    figure = charts.lead_time([cell(0, 96.0, p25=48.0, p75=240.0)], [], LIGHT)
    assert figure["data"][-1]["y"] == [4.0]
    assert figure["layout"]["yaxis"]["ticksuffix"] == " d"


def test_the_last_complete_value_is_labelled_not_the_running_one() -> None:
    weeks = [cell(0, 10.0, p75=12.0), cell(1, 3.0, p75=4.0, is_partial=True)]
    (label,) = charts.lead_time(weeks, [], LIGHT)["layout"]["annotations"]
    assert label["x"] == "2026-09-07"
    assert "10.0 h" in label["text"]


def test_nothing_known_is_drawn_as_an_empty_chart() -> None:
    figure = charts.lead_time([cell(0, None, 0), cell(1, None, 0)], [], LIGHT)
    assert figure["data"][-1]["y"] == [None, None]
    assert figure["layout"]["annotations"] == []
    assert charts.lead_time([], [], LIGHT)["data"][-1]["y"] == []


@pytest.mark.parametrize("colour", [LIGHT, DARK])
def test_the_segments_of_a_bar_add_up_to_its_label(colour: charts.Tokens) -> None:
    parts = stages.parts(colour)[:2]
    rows = {"Slow": {parts[0].name: 20.0, parts[1].name: 10.0}, "Fast": {parts[0].name: 4.0, parts[1].name: 2.0}}
    figure = charts.stages(rows, parts, colour)
    ends = [sum(hours) for hours in zip(*(trace["x"] for trace in figure["data"]), strict=True)]
    assert figure["data"][0]["y"] == ["Fast", "Slow"]  # Plotly draws upwards: the longest is on top
    assert ends == [6.0, 30.0]
    assert [label["text"] for label in figure["layout"]["annotations"]] == ["<b>6.0 h</b>", "<b>30.0 h</b>"]


def test_a_sparkline_leaves_the_running_week_out_and_breaks_at_unknown_ones() -> None:
    weeks = [cell(0, 1.0), cell(1, None, 0), cell(2, 3.0), cell(3, 2.0), cell(4, 99.0, is_partial=True)]
    drawing = unquote(sparkline.drawn(weeks, "by week"))
    line, dots = re.findall(r' d="([^"]*)"', drawing)
    assert (line.count("M"), line.count("L")) == (1, 1)
    assert dots == "M0.0 37.0h0"
    assert 'aria-label="by week"' in drawing


def test_one_known_value_makes_no_sparkline() -> None:
    assert "mask" not in sparkline.drawn([cell(0, 1.0), cell(1, None, 0)], "x")


def test_text_of_others_cannot_leave_its_attribute() -> None:
    weeks = [cell(0, 1.0), cell(1, 2.0)]
    assert "<b>" not in sparkline.drawn(weeks, '"><b>')


def test_a_handful_of_changes_are_dots_and_those_left_out_are_none() -> None:
    seen = datetime(2026, 9, 8, 9, tzinfo=UTC)
    events = [
        {"entity_id": "1", "title": "Fix <b>", "occurred_at": seen, "measure": 30.0, "excluded_because": None},
        {"entity_id": "2", "title": "Skewed", "occurred_at": seen, "measure": -2.0, "excluded_because": "clock_skew"},
    ]
    dots = charts.lead_time([cell(0, None, 2)], events, LIGHT)["data"][0]
    assert (dots["x"], dots["y"]) == (["2026-09-07"], [30.0])
    assert dots["text"] == ["Fix &lt;b&gt;"]


def test_the_axis_spans_the_window_also_where_its_ends_are_empty() -> None:
    weeks = [cell(week, None, 0) for week in range(4)]
    axis = charts.deployments(weeks, [], LIGHT)["layout"]["xaxis"]
    assert axis["range"] == ["2026-09-03T12:00:00", "2026-10-01T12:00:00"]
