"""The page Does it help: every service a dot, and words that claim no cause, can be bad news, and know too few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from dxmetrics.metrics import Cell, Metrics, complete_weeks
from dxmetrics.metrics.adopters import Confounder
from dxmetrics.palette import LIGHT
from dxmetrics.ui import charts
from dxmetrics.ui.comparison import figures, verdicts, words
from dxmetrics.ui.comparison.figures import Arm, Dot
from dxmetrics.ui.comparison.sides import Capability, Sides
from dxmetrics.ui.comparison.verdicts import Finding

from .conftest import NOW, OpenPage, cell, html

WINDOW = complete_weeks(13, NOW, "UTC")


# -- on the sample ----------------------------------------------------------------------------------------------------


def test_the_page_compares_the_services_the_metrics_api_tells_of(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("does_it_help")
    assert not app.exception
    assert [one.value for one in app.title] == ["Does it help"]
    capability = app.selectbox(key="capability").value
    states = [
        {
            one.dimensions["service"]: one.dimensions["state"] == "adopted"
            for one in metrics.query(
                "market_share",
                start=monday,
                end=monday + (WINDOW.end - WINDOW.start) / 13,
                where={"capability": [capability]},
                by=["service", "state"],
            )
            if one.n
        }
        for monday in (WINDOW.start, WINDOW.end - (WINDOW.end - WINDOW.start) / 13)
    ]
    first, last = states
    stayed = [adopted for service, adopted in last.items() if first.get(service, adopted) is adopted]
    drawn = html(app)
    assert f"{stayed.count(True)} services with " in drawn
    assert f", {stayed.count(False)} without" in drawn


def test_selection_is_always_spoken_of_and_no_cause_is_claimed(open_page: OpenPage) -> None:
    drawn = html(open_page("does_it_help"))
    assert "Associated with, not caused by." in drawn
    assert "What else differs" in drawn
    for verb in ("improves", "reduces", "makes services", "no effect"):
        assert verb not in drawn


# -- its parts on invented cells --------------------------------------------------------------------------------------


def side(values: Sequence[float], prefix: str) -> Mapping[str, Cell]:
    return {f"{prefix}{place}": cell(value=value) for place, value in enumerate(values)}


def shares(k: int, n: int, services: int, prefix: str) -> Mapping[str, Cell]:
    return {f"{prefix}{place}": cell(value=100 * k / n, n=n, k=k, unit="%") for place in range(services)}


def test_five_a_side_are_dots_without_a_verdict(metrics: Metrics) -> None:
    lead = metrics.definition("change_lead_time")
    one = verdicts.contrast(lead, side([2, 4, 6, 8, 10], "a"), side([6, 8, 10, 14, 20], "b"))
    assert one.verdict.shown == "dots"
    said = verdicts.sizes(one, "hours")
    assert said.startswith("Difference -4.0 h · Hodges-Lehmann -4.0 h · Cliff's delta -0.64")


def test_bad_news_is_said_first_and_as_an_association(metrics: Metrics) -> None:
    lead, fails = metrics.definition("change_lead_time"), metrics.definition("change_fail_rate")
    faster = verdicts.contrast(lead, side(range(1, 11), "a"), side(range(40, 50), "b"))
    failing = verdicts.contrast(fails, shares(30, 100, 10, "a"), shares(5, 100, 10, "b"))
    assert failing.verdict.change == "worse"
    nothing = (Arm("Adopters", (), None), Arm("Others", (), None))
    found = [Finding(lead, faster, nothing), Finding(fails, failing, nothing)]
    assert verdicts.summary(found) == ("Adoption is associated with worse: change fail rate; better: change lead time")
    assert found[1].verdict == "Adoption is associated with higher change fail rate: worse"
    assert "+25.0 points" in verdicts.sizes(failing, "%")
    assert verdicts.summary(()) == "No difference that can be told at this n"


def test_too_few_services_are_counted_and_not_drawn(metrics: Metrics) -> None:
    lead = metrics.definition("change_lead_time")
    one = Finding(lead, verdicts.contrast(lead, side([1, 2], "a"), side([3] * 9, "b")), (ADOPTERS, OTHERS))
    assert not one.is_shown
    assert "Too few to compare: 2 adopters, 9 others" in one.verdict
    assert verdicts.sizes(one.contrast, "hours") == ""


ADOPTERS = Arm("Adopters", (Dot("<b>", 2.0, "9 changes"), Dot("near", 2.01, "9 changes")), 2.0)
OTHERS = Arm("Others", (Dot("far", 60.0, "5 changes"),), 60.0)


@pytest.mark.parametrize("unit", ["hours", "%", "days/week"])
def test_every_service_is_a_dot_and_near_ones_lie_side_by_side(unit: str) -> None:
    figure = figures.dots((ADOPTERS, OTHERS), unit, LIGHT)
    above, below = figure["data"]
    assert len(above["x"]) == 2
    assert above["y"][0] != above["y"][1]
    assert below["y"] == [0]
    assert above["customdata"][0][0] == "&lt;b&gt;"
    assert (figure["layout"]["xaxis"].get("type") == "log") is (unit == "hours")
    assert len(figure["layout"]["shapes"]) == 2
    assert charts.validated(figure)


def test_who_changed_sides_is_told_and_a_mandate_too() -> None:
    who = Sides(frozenset("abc"), frozenset("de"), frozenset("f"))
    said = words.answer(Capability("path", "Golden path", is_mandated=True), who)
    assert said.startswith("3 services with Golden path, 2 without; 1 service that adopted or left in between")
    assert said.endswith("mandated: who adopts is no choice")


def test_what_else_differs_is_told_with_how_many_it_is_known_of() -> None:
    drawn = words.differences(
        [Confounder("Language", "Go", 9, 8, 0.5, 0.25, 0.25), Confounder("Age in years", None, 9, 7, 1.5, 3.0, -0.4)]
    )
    assert "<td>Language: Go</td><td>50 %</td><td>25 %</td><td>9 and 8</td>" in drawn
    assert "<td>Age in years</td><td>1.5</td><td>3</td>" in drawn
