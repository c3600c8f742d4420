"""The document of results: nothing in it that few people's answers can be read from, by whatever detour."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dxmetrics.survey.answers import Comment
from dxmetrics.survey.instrument import Instrument
from dxmetrics.survey.results import Cell, Results
from tests.survey.attacks.adversary import smallest_known
from tests.survey.attacks.line import instrument
from tests.survey.attacks.organisation import BANDS, Organisation, Person, organisations
from tests.survey.attacks.published import Attack, results

A_FEW = "5–9"


def shown(found: Results, measure: str) -> list[Cell]:
    return [cell for cell in found.cells if cell.measure == measure and cell.shown]


def hidden(found: Results, cut: str, key: str) -> list[Cell]:
    return [cell for cell in found.cells if (cell.cut, cell.key) == (cut, key) and not cell.shown]


def people(team: str, codes: Sequence[int], tenure: str | None = None) -> list[Person]:
    """People who answered one question."""
    return [Person(team, tenure, {"focus_v1": code}) for code in codes]


MIXED = (4, 2, 5, 1, 4, 3, 2, 5, 4, 4, 1, 2)


@settings(max_examples=30, deadline=None)
@given(organisations(), st.integers(5, 8))
def test_nothing_about_few_follows_from_the_document(organisation: Organisation, k: int) -> None:
    found = results(organisation, instrument(k))
    for measure in found.measures:
        seen = Attack.of(organisation, found, measure.id)
        assert seen.smallest_known(k) is None
        assert seen.unanimous() is None
        sure = seen.certain().people
        assert sure <= seen.evident
        assert smallest_known([cell - sure for cell in seen.sets], k) is None


@settings(max_examples=30, deadline=None)
@given(organisations())
def test_what_is_shown_is_true_and_told_no_more_exactly_than_allowed(organisation: Organisation) -> None:
    """The attacks above look at whom a cell is about; here its numbers show that it is about them."""
    found = results(organisation)
    for cell in found.cells:
        if not cell.shown:
            assert (cell.n, cell.value, cell.low, cell.high) == (None, None, None, None)
            continue
        people = organisation.cell(cell.measure, cell.cut, cell.key)
        scores = organisation.scores(cell.measure)
        truth = sum((scores[one] for one in people), Fraction()) / len(people)
        assert cell.value is not None
        assert abs(cell.value - truth) <= Fraction(1, 2)
        assert cell.n == (str(len(people)) if len(people) >= 10 else A_FEW)


@settings(max_examples=60, deadline=None)
@given(organisations(), st.data())
def test_who_took_part_does_not_follow_for_few(organisation: Organisation, data: st.DataObject) -> None:
    """Invited people of shown teams, differenced: how many of fewer than five answered is not known."""
    answered = {team: sum(one.team == team for one in organisation.people) for team in (*organisation.parents, None)}
    invited = {team: count + data.draw(st.integers(0, 6)) for team, count in answered.items()}
    found = results(organisation, invited=invited)
    asked = [team for team, count in invited.items() for _ in range(count)]
    sets = []
    for one in found.participation:
        if not one.shown:
            assert one.invited is one.answered is None
            continue
        teams = {*organisation.parents, None} if one.team is None else organisation.within(one.team)
        sets.append({number for number, team in enumerate(asked) if team in teams})
        assert one.invited == len(sets[-1])
    assert smallest_known(sets, 5) is None


def test_a_team_of_four_is_hidden_and_so_is_what_would_give_it_away() -> None:
    organisation = Organisation(
        {"a": None, "b": None, "c": None},
        (*people("a", MIXED), *people("b", (4, 2, 4, 5, 1, 3, 4)), *people("c", (5, 5, 4, 1))),
    )
    found = results(organisation)
    assert {(cell.cut, cell.key) for cell in shown(found, "focus_v1")} == {("all", ""), ("team", "a")}
    (cell,) = [cell for cell in hidden(found, "team", "c") if cell.measure == "focus_v1"]
    assert cell.reason is not None
    assert "fewer than 5" in cell.reason


@pytest.mark.parametrize("code", [5, 1])
def test_a_team_of_one_mind_is_hidden_and_looks_like_any_other_hidden_team(code: int) -> None:
    """That all of a team said the same is not even said as the reason why it is hidden."""
    parents: dict[str, str | None] = {"a": None, "b": None, "c": None, "d": None}
    organisation = Organisation(
        parents,
        (*people("a", MIXED), *people("b", MIXED), *people("c", [code] * 7), *people("d", (4, 2, 1))),
    )
    found = results(organisation)
    of_one_mind, of_three = (
        next(cell for cell in hidden(found, "team", key) if cell.measure == "focus_v1") for key in ("c", "d")
    )
    assert of_one_mind.model_copy(update={"key": "d"}) == of_three


def test_ten_of_one_mind_are_shown() -> None:
    found = results(Organisation({"a": None, "b": None}, (*people("a", [5] * 10), *people("b", MIXED))))
    (cell,) = [cell for cell in shown(found, "focus_v1") if cell.key == "a"]
    assert (cell.value, cell.n) == (100, "10")


def test_an_index_is_of_one_mind_however_its_parts_are_added_up() -> None:
    """A sum of sevenths in another order differs in its last bit; six people of 50 points are still of one mind."""
    items = [{"id": f"part{number}_v1", "text": "?", "scale": "seven", "index": "devex"} for number in range(3)]
    survey = instrument().to_json() | {
        "scales": {"seven": {"min": 1, "max": 7, "ends": {"low": "no", "high": "yes"}, "favourable": [6, 7]}},
        "items": items,
        "indices": [{"id": "devex", "title": "Index", "items_by_tag": "devex"}],
    }

    def of(team: str, codes: Sequence[int]) -> Person:
        return Person(team, None, {item["id"]: code for item, code in zip(items, codes, strict=True)})

    alike = [of("a", codes) for codes in itertools.permutations((2, 3, 4))]
    others = [of(team, (code, code, code)) for team in ("b", "c") for code in (1, 2, 3, 4, 5, 6, 7, 2, 3, 6)]
    found = results(
        Organisation({"a": None, "b": None, "c": None}, (*alike, *others)), Instrument.model_validate(survey)
    )
    assert [cell.key for cell in shown(found, "devex") if cell.cut == "team"]
    assert [cell.measure for cell in hidden(found, "team", "a") if cell.measure == "devex"] == ["devex"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(("x", "y", "z")), max_size=14), min_size=1, max_size=4))
def test_the_share_of_a_hidden_option_does_not_follow_from_the_others(teams: list[list[str]]) -> None:
    """All shares are 100 together: where all but one are shown, the last is too."""
    survey = instrument().to_json()
    options = {"x": "X", "y": "Y", "z": "Z"}
    survey["items"] = [{"id": "tool_v1", "text": "Which one?", "type": "choice", "options": options}]
    survey["indices"] = []
    everybody = tuple(
        Person(f"team-{number}", None, {"tool_v1": option}) for number, said in enumerate(teams) for option in said
    )
    organisation = Organisation({f"team-{number}": None for number in range(len(teams))}, everybody)
    told: dict[tuple[str, str], int] = defaultdict(int)
    for cell in results(organisation, Instrument.model_validate(survey)).cells:
        told[cell.cut, cell.key] += cell.shown
    assert set(told.values()) <= {0, 1, len(options)}


def test_that_a_lone_newcomer_answered_is_not_told_by_naming_the_band() -> None:
    """Bands of fewer than five are not named: whoever is alone in one would be seen to have answered, or not."""
    staff = (*people("a", MIXED, BANDS[1]), *people("a", MIXED, BANDS[2]))
    with_newcomer = results(Organisation({"a": None}, (*staff, *people("a", [4], BANDS[0]))))
    without = results(Organisation({"a": None}, (*staff, *people("a", [4]))))
    assert with_newcomer == without


def said(text: str, item: str = "notes_v1", *, share: bool = True) -> Comment:
    return Comment(item, text, share)


STAFF = Organisation({"a": None}, tuple(people("a", MIXED)))


def test_nine_comments_are_not_shown_not_even_counted() -> None:
    found = results(STAFF, comments=[said(f"canary {number}") for number in range(9)])
    assert found.comments is None
    assert not found.quotes
    assert not found.themes
    assert "canary" not in found.model_dump_json()


def test_three_comments_of_each_of_four_people_are_not_twelve_peoples() -> None:
    """k counts people. One person has one comment for a question, so it is counted question by question."""
    survey = instrument().to_json()
    survey["items"] += [{"id": f"more{number}_v1", "text": "More?", "type": "text"} for number in range(2)]
    items = ("notes_v1", "more0_v1", "more1_v1")
    comments = [said(f"canary {number} {item}", item) for number in range(4) for item in items]
    found = results(STAFF, Instrument.model_validate(survey), comments)
    assert "canary" not in found.model_dump_json()


def test_a_comment_is_shown_only_where_its_writer_allowed_it() -> None:
    comments = [said(f"canary {number}", share=number % 2 == 0) for number in range(12)]
    shown = {quote.text for quote in results(STAFF, comments=comments).quotes}
    assert shown == {f"canary {number}" for number in range(0, 12, 2)}


def test_comments_are_in_another_order_every_time_and_know_no_team() -> None:
    comments = [said(f"canary {number}") for number in range(40)]
    orders = {tuple(quote.text for quote in results(STAFF, comments=comments).quotes) for _ in range(3)}
    assert len(orders) == 3
    for quote in results(STAFF, comments=comments).quotes:
        assert set(quote.model_dump()) == {"item", "text", "themes"}


def test_addresses_handles_and_numbers_are_taken_out_of_comments() -> None:
    secrets = (
        "ada@example.org", "@ada_l", "https://chat.example.org/ada", "+49 170 1234567", "<@U012AB3CD>",
        "ada.lovelace+work@mail.example.co.uk",
    )  # fmt: skip
    comments = [said(f"Ask {secret} about it") for secret in secrets] + [said("plain") for _ in range(10)]
    document = results(STAFF, comments=comments).model_dump_json()
    for secret in secrets:
        assert secret not in document


def test_no_instant_and_no_order_is_in_the_document() -> None:
    document = results(STAFF).model_dump_json()
    assert not re.search(r"\d\d:\d\d", document)


def test_the_same_answers_in_another_order_give_the_same_cells() -> None:
    """A cell that depended on the order in which people answered would tell something of it."""
    one = results(STAFF)
    other = results(Organisation(STAFF.parents, STAFF.people[::-1]))
    assert one.cells == other.cells
