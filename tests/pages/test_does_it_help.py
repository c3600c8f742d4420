"""The page Does it help: every service a dot, and words that claim no cause, can be bad news, and know too few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import pytest

from dxmetrics.metrics import Cell, Metrics, complete_weeks
from dxmetrics.metrics.adopters import Confounder, Estimate, Outcome
from dxmetrics.metrics.before_after import BeforeAfter, before_after
from dxmetrics.metrics.periods import Window
from dxmetrics.palette import LIGHT
from dxmetrics.ui import charts
from dxmetrics.ui.comparison import around, event_time, figures, verdicts, words
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


def test_what_became_of_adopters_stands_beside_what_became_of_the_others(open_page: OpenPage) -> None:
    app = open_page("does_it_help")
    drawn = html(app)
    assert "Before and after each adoption" in drawn
    said = drawn + " ".join(str(one.value) for one in app.caption)
    assert "Each point is three weeks" in said or "Too few services to show" in said


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


# -- before and after -------------------------------------------------------------------------------------------------

ADOPTION = date(2026, 3, 2)
LEAD_TIME = Outcome("change lead time", "hours", "lower")


def became(before: float, after: float, services: int, noise: float = 0.0) -> BeforeAfter:
    """Adopters that went from one level to the other on one Monday, while as many others went from 44 to 38 hours."""
    adopted_on: dict[str, date | None] = {f"a{place}": ADOPTION for place in range(services)}
    adopted_on |= {f"b{place}": None for place in range(services)}

    def hours(start: date, _end: date) -> dict[str, float | None]:
        mine, theirs = (before, 44.0) if start < ADOPTION else (after, 38.0)
        return {
            name: (mine if name[0] == "a" else theirs)
            * (1 + 0.01 * int(name[1:]) + noise * ((start.toordinal() // 7) ** 2 * (2 + int(name[1:])) % 11))
            for name in adopted_on
        }

    return before_after(adopted_on, Window(date(2025, 9, 1), date(2026, 11, 23)), hours, LEAD_TIME)


def test_25_the_effect_is_told_against_what_the_others_did_meanwhile() -> None:
    levels, effect = around.sentences(became(40.0, 20.0, 5))
    assert levels == "5 adopters: 40.8 h before, 20.4 h after. 5 others in the same weeks: 44.9 h before, 38.8 h after."
    assert effect == "Lead time 42 % shorter than it would be had adopters changed as the others did."


def test_five_a_side_have_points_without_intervals_and_no_verdict() -> None:
    found = became(40.0, 20.0, 5)
    assert verdicts.sentence(found.verdict) == "No verdict: 5 adopters, 5 others; it takes 8 services a side"
    before, after = event_time.chart(found.trend, LIGHT)["data"]
    assert before["y"] == pytest.approx([0.0] * 4)
    assert after["y"] == pytest.approx([-42.1] * 4, abs=0.05)
    assert after["error_y"]["array"] == [0.0] * 4


def test_adopters_that_became_slower_are_said_to_be_worse() -> None:
    found = became(40.0, 60.0, 8)
    assert verdicts.sentence(found.verdict) == "Adoption is associated with higher change lead time: worse"
    assert "74 % longer (95 %: 7" in around.sentences(found)[1]


def test_fewer_than_five_are_counted_and_who_is_left_out_is_told() -> None:
    late: dict[str, date | None] = {f"a{place}": date(2026, 11, 2) for place in range(3)}
    found = before_after(late, Window(date(2025, 9, 1), date(2026, 11, 23)), lambda *_: {}, LEAD_TIME)
    assert around.sentences(found) == ("Left out: 3 adopted less than 15 weeks ago.",)
    assert "Too few to compare: 0 adopters" in verdicts.sentence(found.verdict)


def test_points_lie_at_their_weeks_from_adoption_with_their_intervals() -> None:
    found = became(40.0, 20.0, 9, noise=0.02)
    figure = event_time.chart(found.trend, LIGHT)
    before, after = figure["data"]
    assert before["x"] == [-12.5, -9.5, -6.5, -3.5]
    assert after["x"] == [4.5, 7.5, 10.5, 13.5]
    assert all(reach > 0 for reach in (*after["error_y"]["array"], *after["error_y"]["arrayminus"]))
    assert all(words[0].endswith(" h") for words in after["customdata"])
    assert charts.validated(figure)


def test_a_stretch_without_values_has_no_point() -> None:
    found = became(40.0, 20.0, 8)
    gap = [replace(point, ratio=None) if point.weeks == -9.5 else point for point in found.trend]
    assert event_time.chart(gap, LIGHT)["data"][0]["x"] == [-12.5, -6.5, -3.5]
    assert charts.validated(event_time.chart((), LIGHT))


def test_an_effect_is_in_words_that_say_which_way() -> None:
    assert around.effect(Estimate(0.8, (0.69, 1.05))) == "Lead time 20 % shorter (95 %: 31 % shorter to 5 % longer)"
    assert around.effect(Estimate(0.8, (0.69, 0.92))) == "Lead time 20 % shorter (95 %: 31 to 8 % shorter)"
