"""Whom a survey asks, what is wrong with a list of people, and that no cohort is of fewer than k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dxmetrics.errors import SettingsError, WarehouseError
from dxmetrics.survey import Instrument, population
from dxmetrics.survey.population import Person, Placed
from dxmetrics.warehouse.surveys import Tree
from tests.survey import staff
from tests.survey.conftest import document

K = 5
DAY = staff.NOW.date()
TREE = Tree({"Search": "Company", "Mobile": "Company", "Company": None}, {"search": "Search", "srch": "Search"})


@pytest.fixture
def data() -> Path:
    return staff.published()


# -- members of teams -------------------------------------------------------------------------------------------------


def test_members_of_teams_are_asked_once_each_and_machines_and_those_who_left_are_not(data: Path) -> None:
    found = population.of_project(staff.project(data.parent, data), DAY)
    assert {person.address for person in found.people} == staff.addresses()
    assert len(found.people) == len(staff.addresses())
    by_address = {person.address: person for person in found.people}
    assert by_address["mobile0@example.org"] == Person("mobile0@example.org", "Mobile")
    assert found.parents == {"Delivery": None, "Mobile": "Delivery", "Search": "Delivery", "Tiny": "Delivery"}


def test_members_without_an_address_are_counted_with_the_remedy(data: Path) -> None:
    (note,) = population.of_project(staff.project(data.parent, data), DAY).notes
    assert note.startswith("1 members of teams have no mail address that is known, and are not asked: name it in")


def test_somebody_who_left_is_asked_as_long_as_they_were_there(data: Path) -> None:
    before = population.of_project(staff.project(data.parent, data), date(2026, 9, 29))
    assert Person("left@example.org", "Search") in before.people


def test_without_a_publication_nobody_is_known(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="nothing is published"):
        population.of_project(staff.project(tmp_path, tmp_path / "data"), DAY)


@pytest.mark.parametrize(
    "address",
    [
        "7+ada@users.noreply.github.com", "noreply@example.org", "root@localhost", "ada@laptop.local", "ada",
        "a@b@c.org", "ada@example", "ada@host.invalid", "",
    ],
)  # fmt: skip
def test_nobody_is_written_to_where_nobody_reads(address: str) -> None:
    assert not population.is_personal(address)


# -- the file ---------------------------------------------------------------------------------------------------------


def read(tmp_path: Path, content: str | bytes) -> population.Population:
    file = tmp_path / "people.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return population.of_file(file, TREE)


def told(tmp_path: Path, content: str | bytes) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, content)
    return str(refused.value).replace(str(tmp_path) + "/", "").splitlines()


def test_the_list_wins_over_what_is_known_of_members(data: Path, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("address,team\nada@example.org,mobile\n")
    found = population.of_project(staff.project(tmp_path, data, surveys={"people_csv": "people.csv"}), DAY)
    assert found.people == (Person("ada@example.org", "Mobile"),)


def test_a_line_says_team_tenure_language_and_slack_and_nothing_is_needed_but_the_address(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "Address, Team ,tenure,language,slack,name\n"
        "Ada@Example.org,srch,2 to 5 years,DE,U012AB3CD,Ada\n"
        "\n"
        'grace@example.org,,,pt_BR,,"Hopper, Grace"\n',
    )
    assert found.people == (
        Person("ada@example.org", "Search", "2 to 5 years", "de", "U012AB3CD"),
        Person("grace@example.org", None, None, "pt-BR", None),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_spreadsheets_may_write_it_their_way(tmp_path: Path, encoding: str) -> None:
    found = read(tmp_path, "address;tenure\r\nada@example.org;über 5 Jahre\r\n".encode(encoding))
    assert found.people == (Person("ada@example.org", None, "über 5 Jahre"),)


def test_another_encoding_is_refused_with_the_remedy(tmp_path: Path) -> None:
    assert told(tmp_path, "address,tenure\nada@example.org,über 5 Jahre\n".encode("latin-1")) == [
        'people.csv: is not UTF-8 text (byte 31): save it as "CSV UTF-8"'
    ]


def test_lines_that_cannot_be_used_are_all_named_and_no_address_is(tmp_path: Path) -> None:
    lines = told(
        tmp_path,
        "address,team,language,slack\n"
        ",Search,,\n"
        "ada.example.org,,,\n"
        "bob@example.org,,Deutsch bitte,\n"
        "eve@example.org,,,eve\n"
        "ann@example.org,Search,,\n"
        "ANN@example.org,,,\n"
        "kim@example.org,Serch,,\n"
        "lee@example.org,Serch,,\n"
        "joe@example.org,Ops,,\n",
    )
    assert lines == [
        "people.csv line 2: has no address: add it, or remove the line",
        "people.csv line 3: address is no mail address: write it as name@example.org",
        "people.csv line 4: language 'Deutsch bitte': use a code such as en or de",
        "people.csv line 5: slack 'eve': use a member's id such as U012AB3CD, or leave it out",
        "people.csv line 7: has the address of line 6 and says something else: keep one",
        "people.csv: 1 person is of team 'Ops', which is not known: use one of Search, Mobile, Company",
        "people.csv: 2 people are of team 'Serch', which is not known: use one of Search, Mobile, Company",
    ]
    assert not any(name in line for line in lines for name in ("ada", "bob", "eve@", "ann"))


def test_a_long_list_of_problems_is_cut(tmp_path: Path) -> None:
    lines = told(tmp_path, "address\n" + "nothing\n" * 30)
    assert len(lines) == 11
    assert lines[-1] == "... and 20 more"


def test_the_same_line_twice_is_one_person_and_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, "address,team\nada@example.org,Search\nAda@example.org,search\n")
    assert found.people == (Person("ada@example.org", "Search"),)
    assert found.notes == ("people.csv: 1 lines say the same as another: each person is asked once",)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "people.csv: columns are missing: use address, team, tenure, language, slack, name"),
        ("address,team\n", "people.csv: names nobody: write one line per person below the line with the columns"),
        ("mail,team\na@b.org,x\n", "people.csv: columns are mail, team: use address, team, tenure"),
        ("address,salary\na@b.org,1\n", "people.csv: columns are address, salary: use address"),
        ("address,team\na@b.org,Search,x\n", "people.csv line 2: more values than columns: quote values with a ,"),
        ('address,team\n"a@b.org"x,Search\n', "people.csv line 2: is not CSV"),
    ],
)
def test_a_file_that_is_no_list_of_people_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    assert told(tmp_path, content)[0].startswith(problem)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[surveys\] people_csv: .*nobody.csv cannot be read \(No such file"):
        population.of_file(tmp_path / "nobody.csv", TREE)


# -- sampling ---------------------------------------------------------------------------------------------------------

CROWD = [Person(f"p{number}@example.org") for number in range(1200)]


def asking(sampling: dict[str, Any], cadence: str = "quarterly") -> Instrument:
    return Instrument.model_validate(document(wave={"cadence": cadence, "sampling": sampling}))


def test_everybody_is_asked_unless_it_says_otherwise() -> None:
    assert population.sampled(CROWD, asking({}), "2026-Q4", DAY) == tuple(CROWD)


@pytest.mark.parametrize(
    ("cadence", "days"),
    [
        ("quarterly", [date(2026, 10, 5), date(2027, 1, 4), date(2027, 4, 30)]),
        ("monthly", [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 31)]),
        ("yearly", [date(2025, 3, 1), date(2026, 2, 1), date(2027, 9, 1)]),
    ],
)
def test_a_rotation_asks_each_person_once_in_three_waves_and_a_third_each_time(cadence: str, days: list[date]) -> None:
    instrument = asking({"method": "rotate", "parts": 3, "seed": 42}, cadence)
    waves = [population.sampled(CROWD, instrument, "any", day) for day in days]
    assert sorted(person.address for wave in waves for person in wave) == sorted(person.address for person in CROWD)
    assert all(340 < len(wave) < 460 for wave in waves)


def test_a_random_share_is_the_same_at_every_look_and_another_in_every_wave() -> None:
    instrument = asking({"method": "random", "share": 0.25, "seed": 1})
    first = population.sampled(CROWD, instrument, "2026-Q4", DAY)
    assert first == population.sampled(CROWD, instrument, "2026-Q4", date(2026, 12, 1))
    assert 240 < len(first) < 360
    second = population.sampled(CROWD, instrument, "2027-Q1", DAY)
    assert 30 < len(set(first) & set(second)) < 130


# -- cohorts ----------------------------------------------------------------------------------------------------------


def team(name: str | None, count: int, tenure: str | None = None) -> list[Person]:
    return [Person(f"{name}-{tenure}-{number}@example.org", name, tenure) for number in range(count)]


PARENTS = {"Company": None, "Search": "Company", "Mobile": "Company", "Index": "Search"}


def sizes(found: Placed) -> Counter[population.Place]:
    return Counter(found.places.values())


def test_teams_and_bands_of_k_people_stay_as_they_are() -> None:
    people = team("Search", 5, "new") + team("Search", 7, "old") + team("Mobile", 6)
    found = population.placed(people, PARENTS, K)
    assert sizes(found) == {("Search", "new"): 5, ("Search", "old"): 7, ("Mobile", None): 6}
    assert found.left_out == frozenset()


def test_tenure_is_dropped_where_too_few_share_it() -> None:
    people = team("Search", 3, "new") + team("Search", 2, "old") + team("Mobile", 9)
    assert sizes(population.placed(people, PARENTS, K)) == {("Search", None): 5, ("Mobile", None): 9}


def test_a_few_with_another_tenure_are_joined_by_as_many_as_it_takes() -> None:
    people = team("Search", 2, "new") + team("Search", 16, "old")
    assert sizes(population.placed(people, PARENTS, K)) == {("Search", None): 5, ("Search", "old"): 13}


def test_a_small_team_speaks_for_the_team_above_with_its_tenure() -> None:
    people = team("Index", 3, "old") + team("Search", 4, "old") + team("Mobile", 8)
    assert sizes(population.placed(people, PARENTS, K)) == {("Search", "old"): 7, ("Mobile", None): 8}


def test_a_small_team_below_small_teams_goes_up_until_there_are_enough() -> None:
    people = team("Index", 1) + team("Search", 2) + team("Mobile", 1) + team("Company", 2) + team(None, 7)
    assert sizes(population.placed(people, PARENTS, K)) == {("Company", None): 6, (None, None): 7}


def test_one_person_of_no_team_is_not_alone_in_a_cohort() -> None:
    people = team(None, 1) + team("Search", 12) + team("Mobile", 6)
    assert sizes(population.placed(people, PARENTS, K)) == {
        (None, None): 5, ("Search", None): 8, ("Mobile", None): 6,
    }  # fmt: skip


def test_whoever_is_of_a_team_that_is_gone_is_of_no_team() -> None:
    assert sizes(population.placed(team("Gone", 5), PARENTS, K)) == {(None, None): 5}


def test_fewer_than_k_people_are_no_cohort_at_all() -> None:
    found = population.placed(team("Search", 4), PARENTS, K)
    assert found.places == {}
    assert len(found.left_out) == 4


def test_whoever_comes_later_joins_a_cohort_that_is_there_and_makes_no_new_one() -> None:
    known = {("Search", "old"), ("Mobile", None)}
    late = team("Search", 1, "old") + team("Search", 1, "new") + team("Mobile", 2, "new")
    found = population.placed(late, PARENTS, K, known)
    assert sizes(found) == {("Search", "old"): 1, ("Mobile", None): 2}
    assert len(found.left_out) == 1


def test_the_order_of_a_list_decides_nothing() -> None:
    people = team("Search", 2, "new") + team("Search", 16, "old") + team(None, 1)
    assert population.placed(people, PARENTS, K) == population.placed(people[::-1], PARENTS, K)


@st.composite
def organisations(draw: st.DrawFn) -> tuple[list[Person], dict[str, str | None]]:
    names = [f"t{number}" for number in range(draw(st.integers(0, 6)))]
    parents = {name: draw(st.sampled_from([None, "elsewhere", *names])) for name in names}  # circles too
    places = st.tuples(st.sampled_from([None, "gone", *names]), st.sampled_from([None, "new", "old", "older"]))
    drawn = draw(st.lists(places, max_size=60))
    return [Person(f"p{number}@x.org", *place) for number, place in enumerate(drawn)], parents


def lineage(name: str | None, parents: dict[str, str | None]) -> Iterator[str | None]:
    seen: set[str | None] = set()
    while name is not None and name not in seen:
        yield name
        seen.add(name)
        name = parents.get(name)
    yield None


@settings(max_examples=150, deadline=None)
@given(organisations(), st.integers(5, 8))
def test_in_any_organisation_no_cohort_is_of_fewer_than_k(
    organisation: tuple[list[Person], dict[str, str | None]], k: int
) -> None:
    people, parents = organisation
    found = population.placed(people, parents, k)
    assert all(count >= k for count in sizes(found).values())
    assert found.places.keys() | found.left_out == {person.address for person in people}
    assert not found.left_out or len(people) < k
    for person in people:
        if person.address in found.places:
            team_told, tenure_told = found.places[person.address]
            assert team_told in set(lineage(person.team, parents))
            assert tenure_told in (None, person.tenure)
