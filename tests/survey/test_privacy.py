"""Suppression: the worked example, each rule alone, and the shapes a tree can have."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dxmetrics.survey.privacy import Answer, Shown, shown

FLAT = {"A": None, "B": None, "C": None}


def mixed(sizes: Mapping[str | None, int], tenure: str | None = None) -> list[Answer]:
    """So many answers of each team, alternating."""
    return [Answer(team, tenure, number % 2) for team, size in sizes.items() for number in range(size)]


def test_example_22_a_lone_hidden_team_takes_the_next_smallest_with_it() -> None:
    found = shown(mixed({"A": 12, "B": 7, "C": 4}), FLAT, 5)
    assert found == Shown(whole=True, teams=frozenset({"A"}))


def test_nothing_is_hidden_where_everybody_is_many() -> None:
    found = shown(mixed({"A": 12, "B": 7, "C": 5}), FLAT, 5)
    assert found.teams == {"A", "B", "C"}


def test_two_small_teams_hide_each_other() -> None:
    found = shown(mixed({"A": 12, "B": 3, "C": 4}), FLAT, 5)
    assert found.teams == {"A"}


def test_fewer_than_k_in_all_show_nothing() -> None:
    assert shown(mixed({"A": 4}), FLAT, 5) == Shown()
    assert shown([], FLAT, 5) == Shown()


def test_a_team_without_answers_hides_nobody_else() -> None:
    assert shown(mixed({"A": 12, "B": 7}), FLAT, 5).teams == {"A", "B"}


def test_those_of_no_team_count_as_one_more_group() -> None:
    found = shown(mixed({"A": 12, "B": 7, None: 2}), FLAT, 5)
    assert found == Shown(whole=True, teams=frozenset({"A"}))
    assert shown(mixed({"A": 12, "B": 7, "gone": 6}), FLAT, 5).teams == {"A", "B"}


def test_it_goes_up_the_tree() -> None:
    # Group G has A (6) and B (3): A would tell B, so both are hidden, and G stays as 9 of 29.
    parents = {"G": None, "A": "G", "B": "G", "D": None}
    found = shown(mixed({"A": 6, "B": 3, "D": 20}), parents, 5)
    assert found.teams == {"G", "D"}


def test_those_directly_in_an_inner_team_are_a_group_too() -> None:
    # G has 2 people of its own: showing G and both teams below would tell what those two said.
    parents = {"G": None, "A": "G", "B": "G"}
    assert shown(mixed({"G": 2, "A": 6, "B": 8}), parents, 5).teams == {"G", "B"}
    assert shown(mixed({"G": 5, "A": 6, "B": 8}), parents, 5).teams == {"G", "A", "B"}


def test_teams_in_a_circle_stand_at_the_top() -> None:
    found = shown(mixed({"A": 12, "B": 7, "C": 6}), {"A": "B", "B": "A", "C": "B"}, 5)
    assert found.whole
    assert "A" in found.teams


@pytest.mark.parametrize(("size", "is_shown"), [(5, False), (9, False), (10, True)])
def test_a_unanimous_team_is_shown_from_ten_people_on(size: int, is_shown: bool) -> None:
    agreed = [Answer("A", None, 1) for _ in range(size)]
    found = shown([*agreed, *mixed({"B": 12, "C": 12})], FLAT, 5)
    assert ("A" in found.teams) is is_shown
    assert found.whole


def test_a_unanimous_rest_is_not_told_by_subtraction() -> None:
    rest = [Answer(None, None, 1) for _ in range(6)]
    assert len(shown([*rest, *mixed({"A": 12, "B": 12, "C": 12})], FLAT, 5).teams) == 2


def test_a_band_of_tenure_that_tells_a_team_is_hidden() -> None:
    # The band is team A and three more: the difference would be those three.
    answers = [*mixed({"A": 10}, "old"), *mixed({"B": 3}, "old"), *mixed({"B": 12, "C": 9}, "new")]
    found = shown(answers, FLAT, 5)
    assert found.teams == {"A", "B", "C"}
    assert found.tenures == frozenset()


def test_bands_that_cut_through_every_team_stay() -> None:
    answers = [answer for band in ("old", "new") for answer in mixed({"A": 10, "B": 10, "C": 10}, band)]
    assert shown(answers, FLAT, 5).tenures == {"old", "new"}


def test_a_breakdown_can_be_left_out() -> None:
    answers = [answer for band in ("old", "new") for answer in mixed({"A": 10, "B": 10}, band)]
    assert shown(answers, FLAT, 5, with_tenures=False) == Shown(whole=True, teams=frozenset("AB"))
    assert shown(answers, FLAT, 5, with_teams=False) == Shown(whole=True, tenures=frozenset({"old", "new"}))


def test_a_thousand_teams_take_no_time() -> None:
    parents = {f"T{number}": f"G{number % 40}" for number in range(1_000)} | {f"G{n}": None for n in range(40)}
    sizes = {f"T{number}": number % 13 for number in range(1_000)}
    answers = [Answer(one.team, f"band {place % 5}", one.said) for place, one in enumerate(mixed(sizes))]
    found = shown(answers, parents, 5)
    assert len(found.teams) > 500
