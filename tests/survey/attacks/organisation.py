"""Made-up organisations that answer a made-up survey: hypothesis draws them, attacks take them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from hypothesis import strategies as st

BANDS = ("under 1 year", "1 to 3 years", "over 3 years")
DEPTH = 4
MOST = 60  # people of one organisation
NOT_APPLICABLE = None  # an answer that is in no score


@dataclass(frozen=True)
class Person:
    """Somebody who answered; `answers` has what was answered, by item."""

    team: str | None
    tenure: str | None
    answers: Mapping[str, int | str | None]


@dataclass(frozen=True)
class Organisation:
    """Teams with the team each is in, and everybody who answered."""

    parents: Mapping[str, str | None]
    people: tuple[Person, ...]

    def within(self, team: str) -> frozenset[str]:
        """The team and all teams in it."""
        inside = {team}
        while more := {slug for slug, parent in self.parents.items() if parent in inside} - inside:
            inside |= more
        return frozenset(inside)

    def cell(self, measure: str, cut: str, key: str) -> frozenset[int]:
        """Whose answers are in a cell: the numbers of those of its team or band that the measure counts."""
        teams = self.within(key) if cut == "team" else frozenset()
        return frozenset(
            number
            for number, person in enumerate(self.people)
            if score(measure, person) is not None
            and (cut == "all" or (cut == "team" and person.team in teams) or (cut == "tenure" and person.tenure == key))
        )

    def scores(self, measure: str) -> dict[int, Fraction]:
        """By the number of everybody the measure counts, what each adds to it."""
        found = {number: score(measure, person) for number, person in enumerate(self.people)}
        return {number: value for number, value in found.items() if value is not None}


def bounds(measure: str) -> tuple[Fraction, Fraction]:
    """The least and the most that one person can add."""
    return (Fraction(-100) if measure == "advice_v1" else Fraction(0)), Fraction(100)


def score(measure: str, person: Person) -> Fraction | None:
    """What a person adds to a measure, as scores count it; None: the person is not counted."""
    if measure == "devex":
        flow, wait = (_code(person, item) for item in ("focus_v1", "wait_v1"))
        return None if flow is None or wait is None else Fraction(flow - 1 + 5 - wait, 8) * 100
    item, _, option = measure.partition(".")
    if option:
        chosen = person.answers.get(item)
        return None if chosen is None else Fraction(100 * (chosen == option))
    code = _code(person, item)
    if code is None:
        return None
    if item == "advice_v1":
        return Fraction(100 * ((code >= 9) - (code <= 6)))
    return Fraction(100 * ((code <= 2) if item == "wait_v1" else (code >= 4)))


def _code(person: Person, item: str) -> int | None:
    code = person.answers.get(item)
    return code if isinstance(code, int) else None


def _answers(dice: Random, mood: str, blanks: float) -> dict[str, int | str | None]:
    like = {"all": 1.0, "none": 0.0}.get(mood, {"most": 0.9, "few": 0.1}.get(mood, 0.5))
    likes = dice.random() < like
    said: dict[str, int | str | None] = {
        "focus_v1": dice.choice((4, 5) if likes else (1, 2, 3)),
        "wait_v1": dice.choice((1, 2) if dice.random() < like else (3, 4, 5)),
        "advice_v1": dice.choice((9, 10) if likes else (0, 3, 6, 7, 8) if mood == "mixed" else (0, 3, 6)),
        "tool_v1": "editor" if dice.random() < like else "terminal",
    }
    for item in tuple(said):
        if dice.random() < blanks:
            if item == "focus_v1" and dice.random() < 0.3:
                said[item] = NOT_APPLICABLE
            else:
                del said[item]
    return said


@st.composite
def organisations(draw: st.DrawFn) -> Organisation:
    """Uneven trees up to four deep, empty teams, people in inner teams, unknown teams and bands, teams of one mind."""
    parents: dict[str, str | None] = {}
    depth: dict[str, int] = {}
    for number in range(draw(st.integers(1, 9))):
        possible = [None, *(slug for slug in parents if depth[slug] < DEPTH)]
        parent = draw(st.sampled_from(possible))
        slug = f"team-{number}"
        parents[slug], depth[slug] = parent, 1 + (depth[parent] if parent else 0)
    dice = Random(draw(st.integers(0, 2**32)))  # noqa: S311  # answers, not secrets
    blanks = draw(st.sampled_from((0.0, 0.05, 0.4)))
    unknown = draw(st.sampled_from((0.0, 0.0, 0.1)))
    bands = BANDS[: draw(st.integers(1, len(BANDS)))]
    people: list[Person] = []
    for slug in parents:
        count = draw(st.one_of(st.integers(0, 9), st.sampled_from((0, 4, 5, 10, 11, 12, 20, 30))))
        mood = draw(st.sampled_from(("mixed", "mixed", "all", "none", "most", "few")))
        for _ in range(min(count, MOST - len(people))):
            team = None if dice.random() < unknown else slug
            tenure = None if dice.random() < unknown else dice.choice(bands)
            people.append(Person(team, tenure, _answers(dice, mood, blanks)))
    return Organisation(parents, tuple(people))
