"""The adversary itself: it finds the leaks that are known by hand, all that a brute force finds, and no others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.survey.attacks.adversary import certain, known, smallest_known, unanimous

K = 5
NO, YES = Fraction(0), Fraction(1)


def people(first: int, count: int) -> frozenset[int]:
    return frozenset(range(first, first + count))


A, B, C = people(0, 12), people(12, 7), people(19, 4)
EVERYBODY = A | B | C


def test_a_shown_cell_of_four_is_found() -> None:
    assert smallest_known([C], K) == C
    assert smallest_known([B], K) is None


def test_the_only_hidden_team_follows_from_the_total() -> None:
    assert smallest_known([EVERYBODY, A, B], K) == C


def test_with_the_next_smallest_hidden_too_nothing_follows() -> None:
    """Example 22: A 12, B 7, C 4; A and the total are shown, B and C are 11 together."""
    assert smallest_known([EVERYBODY, A], K) is None
    assert [one.people for one in known([EVERYBODY, A], 12)] == [B | C]


def test_two_hidden_teams_of_two_are_four_people() -> None:
    assert smallest_known([people(0, 14), people(0, 10)], K) == people(10, 4)


def test_two_filters_that_differ_by_one_person_tell_of_that_person() -> None:
    """Example 22: all 23, and 22 without contractors."""
    assert smallest_known([people(0, 23), people(0, 22)], K) == people(22, 1)


def test_members_directly_in_an_inner_team_follow_from_the_team_and_its_parts() -> None:
    department, inside = people(0, 30), people(0, 27)
    assert smallest_known([department, inside], K) == people(27, 3)


def test_a_small_crossing_follows_from_teams_and_tenure_together() -> None:
    """X is A and three others; one band is A without two of its people: only both cuts together tell of the two."""
    team, band = people(0, 12), people(2, 10)
    assert smallest_known([team], K) is None
    assert smallest_known([band], K) is None
    assert smallest_known([team, band], K) == people(0, 2)


def test_a_weighted_sum_is_a_leak_though_no_plain_one_is() -> None:
    """Any two of three pairs, beside the same ten: the difference of two sums is one pair less another."""
    ten, a, b, c = people(0, 10), people(10, 2), people(12, 2), people(14, 2)
    found = {one.people: set(one.weights.values()) for one in known([ten | a | b, ten | b | c, ten | a | c], K)}
    assert found == {a | b: {1, -1}, b | c: {1, -1}, a | c: {1, -1}}
    assert smallest_known([a | b, b | c, a | c], K) in (a, b, c)


def test_a_unanimous_team_below_ten_is_found_and_one_of_ten_may_be_known() -> None:
    scores = dict.fromkeys(EVERYBODY, YES) | dict.fromkeys(A, NO)
    assert unanimous([EVERYBODY, B], scores, NO, YES) == B
    assert unanimous([EVERYBODY, A], scores, NO, YES) is None  # A is twelve people, B and C are eleven


def test_a_unanimous_remainder_below_ten_is_found() -> None:
    scores = dict.fromkeys(people(0, 20), NO) | dict.fromkeys(people(20, 6), YES)
    assert unanimous([people(0, 26), people(0, 20)], scores, NO, YES) == people(20, 6)


def test_a_remainder_with_one_other_answer_is_none() -> None:
    scores = dict.fromkeys(people(0, 20), NO) | dict.fromkeys(people(20, 6), YES) | {20: NO}
    assert unanimous([people(0, 26), people(0, 20)], scores, NO, YES) is None


def test_bounds_tell_what_sums_alone_do_not() -> None:
    """Nine of eleven like it in the team, one of eleven in the band, three are in both: one of the three does."""
    team, band = people(0, 11), people(8, 11)
    scores = dict.fromkeys(people(0, 19), NO) | dict.fromkeys(people(0, 9), YES)
    assert smallest_known([team, band], K) is None
    found = certain([team, band], scores, NO, YES)
    assert found.highest == people(0, 8)
    assert found.lowest == people(11, 8)


def test_bounds_tell_nothing_of_mixed_answers() -> None:
    scores = {person: Fraction(person % 2) for person in EVERYBODY}
    assert not certain([EVERYBODY, A], scores, NO, YES).people


def test_nothing_shown_tells_nothing() -> None:
    assert smallest_known([], K) is None
    assert not certain([], {}, NO, YES).people


def rank(rows: Sequence[Sequence[Fraction]]) -> int:
    """By elimination in fractions, written apart from the adversary's."""
    left, found = [list(row) for row in rows], 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((number for number in range(found, len(left)) if left[number][column]), None)
        if pivot is None:
            continue
        left[found], left[pivot] = left[pivot], left[found]
        for number in range(found + 1, len(left)):
            factor = left[number][column] / left[found][column]
            left[number] = [a - factor * b for a, b in zip(left[number], left[found], strict=True)]
        found += 1
    return found


def brute(cells: Sequence[Collection[int]], everybody: Sequence[int], below: int) -> set[frozenset[int]]:
    """The smallest groups about which something follows: without their columns the cells have a lower rank."""
    rows = [[Fraction(person in cell) for person in everybody] for cell in cells]
    whole, found = rank(rows), set[frozenset[int]]()
    for size in range(1, below):
        for group in map(frozenset, combinations(everybody, size)):
            if any(one <= group for one in found):
                continue
            rest = [[row[column] for column, person in enumerate(everybody) if person not in group] for row in rows]
            if rank(rest) < whole:
                found.add(group)
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(1, 8).flatmap(
        lambda count: st.tuples(
            st.just(count), st.lists(st.frozensets(st.integers(0, count - 1), min_size=1), max_size=5)
        )
    ),
    st.integers(2, 5),
)
def test_it_finds_exactly_what_trying_every_group_finds(case: tuple[int, list[frozenset[int]]], below: int) -> None:
    count, cells = case
    assert {one.people for one in known(cells, below)} == brute(cells, range(count), below)
    smallest = smallest_known(cells, below)
    assert len(smallest or ()) == min(map(len, brute(cells, range(count), below)), default=0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.booleans(), min_size=1, max_size=7).flatmap(
        lambda answers: st.tuples(
            st.just(answers), st.lists(st.frozensets(st.integers(0, len(answers) - 1), min_size=1), max_size=4)
        )
    )
)
def test_certain_is_who_answered_alike_in_every_way_that_makes_the_sums(
    case: tuple[list[bool], list[frozenset[int]]],
) -> None:
    """Tried out over all answers there can be. Whole numbers may tell more than fractions, never less."""
    answers, cells = case
    everybody = range(len(answers))
    worlds = [
        world
        for world in ([bool(number >> person & 1) for person in everybody] for number in range(2 ** len(answers)))
        if all(sum(world[person] for person in cell) == sum(answers[person] for person in cell) for cell in cells)
    ]
    sure = {person for person in everybody if len({world[person] for world in worlds}) == 1}
    found = certain(cells, {person: Fraction(answers[person]) for person in everybody}, NO, YES)
    assert found.people <= sure
    assert all(answers[person] for person in found.highest)
    if len(cells) <= 2:  # any two sets make a totally unimodular matrix
        assert found.people == sure & frozenset().union(*cells)
