"""Random organisations: of no group below k, and of nobody in a small group of one mind, does anything follow.

Looked at over teams and tenure together, measure by measure, from the shown cells alone.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.survey.attacks.adversary import smallest_known
from tests.survey.attacks.organisation import BANDS, Organisation, Person, organisations
from tests.survey.attacks.published import Attack

MEASURES = ("focus_v1", "wait_v1", "advice_v1", "tool_v1.editor", "devex")


@settings(max_examples=80, deadline=None)
@given(organisations(), st.sampled_from(MEASURES), st.integers(5, 8))
def test_of_no_group_below_k_does_a_sum_follow(organisation: Organisation, measure: str, k: int) -> None:
    """Ten who openly are of one mind may be known one by one; of the others nothing follows from that either."""
    seen = Attack.on(organisation, measure, k)
    assert all(len(cell) >= k for cell in seen.sets)
    assert smallest_known([cell - seen.evident for cell in seen.sets], k) is None


@settings(max_examples=80, deadline=None)
@given(organisations(), st.sampled_from(MEASURES), st.integers(5, 8))
def test_no_small_group_of_one_mind_is_given_away(organisation: Organisation, measure: str, k: int) -> None:
    seen = Attack.on(organisation, measure, k)
    assert seen.unanimous() is None


@settings(max_examples=80, deadline=None)
@given(organisations(), st.sampled_from(MEASURES), st.integers(5, 8))
def test_with_the_bounds_of_the_scale_too_nothing_follows(organisation: Organisation, measure: str, k: int) -> None:
    """Whose answer is certain is one of ten who openly are of one mind; of few of the others no sum follows."""
    seen = Attack.on(organisation, measure, k)
    found = seen.certain()
    assert found.people <= seen.evident
    assert smallest_known([cell - found.people for cell in seen.sets], k) is None


def people(team: str, tenure: str, likes: int, others: int) -> list[Person]:
    """So many of a team and band who like it, and so many who do not."""
    return [Person(team, tenure, {"focus_v1": code}) for code in [4] * likes + [2] * others]


TWO_TEAMS: dict[str, str | None] = {"a": None, "b": None}
EARLY, LATE, _ = BANDS


def test_a_team_and_a_band_that_hardly_differ_do_not_tell_of_those_who_differ() -> None:
    """Eight of 13 like it in the team, five of 13 in the band, ten are in both: all three of the team alone like it."""
    crossed = [
        *people("a", EARLY, 5, 5), *people("a", LATE, 3, 0), *people("b", EARLY, 0, 3), *people("b", LATE, 5, 5),
    ]  # fmt: skip
    seen = Attack.on(Organisation(TWO_TEAMS, tuple(crossed)), "focus_v1", 5)
    assert seen.unanimous() is None


def test_a_team_that_likes_it_and_a_band_that_does_not_tell_of_nobody_in_both() -> None:
    """Nine of 11 like it in the team, one of 11 in the band, three are in both: the eight of the team alone like it."""
    crossed = [*people("a", EARLY, 1, 2), *people("a", LATE, 8, 0), *people("b", EARLY, 0, 8), *people("b", LATE, 9, 9)]
    seen = Attack.on(Organisation(TWO_TEAMS, tuple(crossed)), "focus_v1", 5)
    found = seen.certain()
    assert not found.people


def mixed(team: str, count: int) -> list[Person]:
    """People of a team, over all bands alike, every second of whom likes it."""
    return [
        Person(team, BANDS[number % len(BANDS)], {"focus_v1": 4 if number // 3 % 2 else 2}) for number in range(count)
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(12, 20), min_size=1, max_size=4), st.integers(5, 8))
def test_teams_of_ten_and_more_with_mixed_answers_are_all_shown(sizes: list[int], k: int) -> None:
    parents: dict[str, str | None] = {"product": None} | {f"team-{n}": "product" for n in range(len(sizes))}
    people = [one for number, size in enumerate(sizes) for one in mixed(f"team-{number}", size)]
    seen = Attack.on(Organisation(parents, tuple(people)), "focus_v1", k)
    teams = {key for cut, key in seen.cells if cut == "team"}
    assert ("all", "") in seen.cells
    assert teams == set(parents)


def test_example_22_hides_b_too_and_shows_a_and_the_total() -> None:
    people = [Person(team, None, {"focus_v1": 4 if number % 3 else 2}) for team, size in
              (("a", 12), ("b", 7), ("c", 4)) for number in range(size)]  # fmt: skip
    seen = Attack.on(Organisation({"a": None, "b": None, "c": None}, tuple(people)), "focus_v1", 5)
    assert set(seen.cells) == {("all", ""), ("team", "a")}


def test_ten_openly_of_one_mind_in_either_cut_tell_of_nobody_else() -> None:
    """All ten outside of the team like it, and all eleven outside of the band: the three who are told apart do too."""
    crossed = [
        *people("a", EARLY, 3, 2), *people("a", LATE, 2, 0), *people("b", EARLY, 1, 0), *people("b", LATE, 9, 0),
    ]  # fmt: skip
    seen = Attack.on(Organisation(TWO_TEAMS, tuple(crossed)), "focus_v1", 5)
    assert seen.smallest_known(5) is not None, "two less one, of which each is openly known"
    assert smallest_known([cell - seen.evident for cell in seen.sets], 5) is None
