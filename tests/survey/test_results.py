"""Results: what a wave comes to, worked out by hand, and what is left out of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest

from dxmetrics.survey import Cell, Comment, Facts, Instrument, Response, Results, TeamNode, compute
from dxmetrics.survey.themes import Themes
from tests.survey.conftest import document

DAY = date(2026, 10, 6)
TEAMS = ("Mobile", "Payments", "Search")


def facts(**more: Any) -> Facts:
    said: dict[str, Any] = {
        "wave": "2026-Q4",
        "opened_on": date(2026, 10, 5),
        "closed_on": date(2026, 10, 19),
        "teams": [TeamNode(name=name) for name in TEAMS],
        "team_of": lambda text: {name.lower(): name for name in TEAMS}.get(text.lower()),
        "invited": {"Mobile": 14, "Payments": 10, "Search": 4},
        **more,
    }
    return Facts(**said)


def wave(team: str | None, codes: Sequence[int | None], item: str = "fast_v1") -> list[Response]:
    return [Response(DAY, team, None, {} if code is None else {item: code}) for code in codes]


def cell(results: Results, measure: str, key: str = "") -> Cell:
    return next(one for one in results.cells if one.measure == measure and one.key == key)


MOBILE = [5, 5, 4, 4, 4, 4, 4, 3, 2, 1, 1, 1]  # 7 of 12 favourable
PAYMENTS = [4, 4, 4, 2, 2, 1, 1]  # 3 of 7
SEARCH = [1, 2, 2, 4]  # four people: hidden, and Payments with them


@pytest.fixture
def results(instrument: Instrument) -> Results:
    responses = [*wave("mobile", MOBILE), *wave("Payments", PAYMENTS), *wave("Search", SEARCH)]
    return compute(instrument, facts(), responses, [])


def test_shares_are_whole_percents_with_their_interval(results: Results) -> None:
    whole = cell(results, "fast_v1")
    assert (whole.value, whole.low, whole.high, whole.n) == (48, 29, 67, "23")  # 11 of 23
    assert cell(results, "fast_v1", "Mobile").value == 58


def test_example_22_the_small_team_and_the_next_one_are_hidden(results: Results) -> None:
    for team in ("Payments", "Search"):
        hidden = cell(results, "fast_v1", team)
        assert not hidden.shown
        assert (hidden.value, hidden.low, hidden.high, hidden.n) == (None, None, None, None)
        assert hidden.reason == "fewer than 5 answered, or showing it would give away what so few said"
    assert cell(results, "fast_v1", "Mobile").shown


def test_a_count_below_ten_is_not_told(instrument: Instrument) -> None:
    results = compute(instrument, facts(), [*wave("Mobile", MOBILE), *wave("Payments", PAYMENTS)], [])
    assert cell(results, "fast_v1", "Payments").n == "5–9"
    assert cell(results, "fast_v1", "Mobile").n == "12"


def test_participation_is_of_those_who_were_asked(results: Results) -> None:
    told = {one.team: (one.invited, one.answered, one.shown) for one in results.participation}
    assert told == {
        None: (28, 23, True),
        "Mobile": (14, 12, True),
        "Payments": (None, None, False),
        "Search": (None, None, False),
    }
    assert (results.invited, results.answered) == (28, 23)


def test_who_was_asked_may_be_unknown(instrument: Instrument) -> None:
    results = compute(instrument, facts(invited=None), wave("Mobile", MOBILE), [])
    assert (results.invited, results.answered, results.participation) == (None, 12, ())


def test_a_reversed_item_is_flipped(instrument: Instrument) -> None:
    results = compute(instrument, facts(), wave("Mobile", [1, 1, 2, 2, 2, 4, 5, 5, 5, 5], "interrupted_v1"), [])
    assert cell(results, "interrupted_v1").value == 50  # five are hardly interrupted


def test_a_recommend_score_goes_from_minus_to_plus_100(instrument: Instrument) -> None:
    ten_points = [9, 10, 9, 8, 7, 6, 3, 10, 9, 0]
    found = cell(compute(instrument, facts(), wave("Mobile", ten_points, "likely_v1"), []), "likely_v1")
    assert (found.value, found.low, found.high) == (20, -34, 74)


def test_options_are_shares_of_those_who_chose(instrument: Instrument) -> None:
    chosen = [Response(DAY, "Mobile", None, {"editor_v1": "vim" if one < 3 else "other"}) for one in range(12)]
    results = compute(instrument, facts(), chosen, [])
    assert (cell(results, "editor_v1.vim").value, cell(results, "editor_v1.other").value) == (25, 75)


def test_an_index_is_shown_only_where_its_items_hang_together(instrument: Instrument) -> None:
    def both(first: int, second: int) -> Response:
        return Response(DAY, "Mobile", None, {"fast_v1": first, "interrupted_v1": second})

    agreeing = [both(code, 6 - code) for code in (1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 3, 4)]
    shown = cell(compute(instrument, facts(), agreeing, []), "devex")
    assert (shown.value, shown.shown) == (52, True)  # mean code 37 / 12 -> 52.1
    scattered = [both(first, second) for first in (1, 3, 5) for second in (1, 2, 4, 5)]
    hidden = cell(compute(instrument, facts(), scattered, []), "devex")
    assert hidden.reason is not None
    assert not hidden.shown
    assert "Cronbach's alpha" in hidden.reason


@pytest.mark.parametrize("odd", [6, 0, 2.5, "often", True, None])
def test_what_is_on_no_point_of_the_scale_is_left_out(odd: Any, instrument: Instrument) -> None:
    said = [*wave("Mobile", MOBILE), *(Response(DAY, "Mobile", None, {"fast_v1": odd}) for _ in range(6))]
    results = compute(instrument, facts(), said, [])
    if odd is True:  # 1 to Python; a form sends no truth values, and other tools say 1
        assert cell(results, "fast_v1").n == "18"
        return
    assert cell(results, "fast_v1").n == "12"
    assert results.unusable == (0 if odd is None else 6)


def comments(count: int, text: str = "The build is slow", *, shared: int | None = None) -> list[Comment]:
    return [
        Comment("fix_v1", f"{text} {number}", may_share=shared is None or number < shared) for number in range(count)
    ]


def test_comments_of_fewer_than_ten_people_are_not_even_counted(instrument: Instrument) -> None:
    results = compute(instrument, facts(), wave("Mobile", MOBILE), comments(9))
    assert (results.comments, results.quotes, results.themes) == (None, (), ())


def test_only_comments_whose_writers_agreed_are_quoted_and_without_names(instrument: Instrument) -> None:
    said = [
        *comments(12, shared=0),
        Comment("fix_v1", "Ask Ada Lovelace, ada@example.org or @ada.l about the build", may_share=True),
    ]
    themes = Themes({"Builds": ["build*"], "Tests": ["test*"]})
    known = facts(names={"Ada Lovelace"}, themes=themes)
    results = compute(instrument, known, wave("Mobile", MOBILE), said)
    (quote,) = results.quotes
    assert quote.text == "Ask [name], [contact] or [contact] about the build"
    assert quote.themes == ("Builds",)
    assert [(one.name, one.count) for one in results.themes] == [("Builds", 13)]
    assert results.comments == 13


def test_quotes_are_in_no_order(instrument: Instrument) -> None:
    orders = {
        tuple(one.text for one in compute(instrument, facts(), wave("Mobile", MOBILE), comments(12)).quotes)
        for _ in range(6)
    }
    assert len(orders) > 1


def test_nobody_answered_is_a_result_too(instrument: Instrument) -> None:
    results = compute(instrument, facts(), [], [])
    assert results.answered is None
    assert not any(one.shown for one in results.cells)


def test_results_hold_no_number_of_a_hidden_cell_and_come_back_as_they_were(results: Results) -> None:
    text = json.dumps(results.model_dump(mode="json"))
    assert Results.model_validate(json.loads(text)) == results
    for one in results.cells:
        assert one.shown or (one.n, one.value, one.low, one.high) == (None, None, None, None)


def test_teams_above_hold_those_below(instrument: Instrument) -> None:
    tree = [TeamNode(name="Product"), *(TeamNode(name=name, parent="Product") for name in TEAMS)]
    results = compute(instrument, facts(teams=tree), [*wave("Mobile", MOBILE), *wave("Payments", PAYMENTS)], [])
    assert cell(results, "fast_v1", "Product").n == "19"
    assert "Product" in {one.team for one in results.participation}


def test_a_survey_may_show_no_breakdown(instrument: Instrument, make: Callable[..., Instrument]) -> None:
    plain = make(privacy={"breakdowns": []})
    results = compute(plain, facts(), wave("Mobile", MOBILE), [])
    assert {one.cut for one in results.cells} == {"all"}


@pytest.fixture
def make() -> Callable[..., Instrument]:
    return lambda **sections: Instrument.model_validate(document(**sections))
