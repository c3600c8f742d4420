"""The catalogue: what becomes of components, groups and users, as they come, change, vanish and come back."""

from __future__ import annotations

from datetime import date

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.errors import CollectError
from dxmetrics.records import Identity, Membership, Service, Team
from tests.fakes.backstage import Backstage

from .support import DAY, HOUR, NOW, collect, notes, read, rows

TEMPLATE = {"backstage.io/source-template": "template:default/service", "backstage.io/template-version": "1.4.0"}


@pytest.fixture
def portal() -> Backstage:
    """A portal with a team of two in a division, and a service of theirs."""
    made = Backstage(NOW)
    made.group("division")
    made.group("team-a", parent="division", profile={"displayName": "Team A"})
    made.user("ada", "team-a", email="ada@example.org", displayName="Ada Lovelace")
    made.user("grace", "team-a", email="grace@example.org")
    marks = {**TEMPLATE, "github.com/project-slug": "acme/pay"}
    made.component("Pay", annotations=marks, labels={"tier": "tier-2"}, tags=["money", "Go", "java"], system="shop")
    return made


def test_a_component_is_a_service_with_its_team_system_repository_and_template(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    collect(portal, connection)
    told = rows(connection, Service)["pay"]
    assert {name: told[name] for name in told if told[name] not in (None, [])} == {
        "ext_id": "pay", "name": "Pay", "type": "service", "lifecycle": "production", "tier": 2, "language": "Go",
        "team": "team-a", "system": "shop", "repository": "github.com/acme/pay", "template": "service",
        "template_version": "1.4.0",
    }  # fmt: skip


def test_a_group_is_a_team_below_its_parent_and_a_user_an_account_in_it(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    collect(portal, connection)
    teams = rows(connection, Team)
    assert {key: (row["name"], row["parent"]) for key, row in teams.items()} == {
        "division": ("division", None), "team-a": ("Team A", "division"),
    }  # fmt: skip
    ada = rows(connection, Identity)["user:default/ada"]
    assert (ada["login"], ada["name"], ada["email"], ada["kind"]) == ("ada", "Ada Lovelace", "ada@example.org", "human")
    members = rows(connection, Membership).values()
    assert {(row["team"], row["person"], row["valid_from"]) for row in members} == {
        ("team-a", "user:default/ada", None), ("team-a", "user:default/grace", None),
    }  # fmt: skip


def test_a_parent_may_name_its_children_and_a_group_its_members(connection: DuckDBPyConnection) -> None:
    portal = Backstage(NOW)
    portal.group("division", children=["team-b"], members=["ada"])
    portal.group("team-b")
    portal.user("ada", "team-b")
    collect(portal, connection)
    assert rows(connection, Team)["team-b"]["parent"] == "division"
    assert {row["team"] for row in rows(connection, Membership).values()} == {"division", "team-b"}


@pytest.mark.parametrize(
    ("owner", "team"),
    [
        ("team-a", "team-a"),
        ("group:team-a", "team-a"),
        ("group:default/Team-A", "team-a"),
        ("group:shop/team-a", "shop/team-a"),
        ("user:ada", None),
        ("gone", "gone"),
        (None, None),
    ],
)
def test_every_form_of_an_owner_is_read(
    portal: Backstage, connection: DuckDBPyConnection, owner: str | None, team: str | None
) -> None:
    portal.component("search", owner)
    collect(portal, connection)
    assert rows(connection, Service)["search"]["team"] == team


def test_what_is_odd_about_owners_is_told_without_the_name_of_anybody(portal: Backstage) -> None:
    portal.component("alone", None)
    portal.component("mine", "user:default/ada")
    portal.component("lost", "gone")
    found = notes(portal)
    assert found == (
        "components without an owner: alone: name a group in `spec.owner`",
        "components that a person owns: mine: name a group in `spec.owner`",
        "components whose owner is not in the catalogue: lost (gone): add the group, or correct `spec.owner`",
    )
    assert not any("ada" in note for note in found)


def test_of_many_odd_ones_ten_are_named(portal: Backstage) -> None:
    for number in range(13):
        portal.component(f"alone-{number:02}", None)
    (note,) = notes(portal)
    assert note.startswith("components without an owner: alone-00, alone-01, ")
    assert ", alone-09 and 3 more: " in note


def test_a_circle_of_groups_has_no_parents_and_is_told(portal: Backstage, connection: DuckDBPyConnection) -> None:
    portal.group("a", parent="c")
    portal.group("b", parent="a")
    portal.group("c", parent="b")
    portal.group("below", parent="a")
    collect(portal, connection)
    parents = {key: row["parent"] for key, row in rows(connection, Team).items()}
    assert parents == {"a": None, "b": None, "c": None, "below": "a", "division": None, "team-a": "division"}
    (note,) = notes(portal)
    assert note.startswith("groups above themselves: a, b, c: without a parent until ")


def test_one_name_in_two_namespaces_is_two_services(portal: Backstage, connection: DuckDBPyConnection) -> None:
    portal.component("pay", "group:default/team-a", namespace="shop")
    portal.component("cart", "group:default/team-a", namespace="shop")
    collect(portal, connection)
    names = {key: row["name"] for key, row in rows(connection, Service).items()}
    assert names == {"pay": "Pay", "shop/pay": "shop/pay", "shop/cart": "cart"}
    assert notes(portal) == ("names in several namespaces: pay: all but those of 'default' go by NAMESPACE/NAME",)


def test_a_tier_may_be_a_word_and_one_that_is_not_understood_is_told(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    portal.component("search", annotations={"acme.test/criticality": "Gold"})
    portal.component("cart", labels={"acme.test/criticality": "bronze"})
    settings = {"tier": "acme.test/criticality", "tiers": {"gold": 1}}
    collect(portal, connection, **settings)
    tiers = {key: row["tier"] for key, row in rows(connection, Service).items()}
    assert tiers == {"pay": None, "search": 1, "cart": None}
    assert notes(portal, **settings) == (
        "components whose tier is no number: cart (bronze): say in `tiers` which it is",
    )


def test_the_template_may_stand_in_the_spec_or_an_annotation_of_ones_own(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    portal.component("search", scaffoldedFrom="template:default/quarkus")
    portal.component("cart", annotations={"acme.test/path": "golden", "acme.test/version": "7"})
    collect(portal, connection, template="acme.test/path", template_version="acme.test/version")
    made_from = {key: (row["template"], row["template_version"]) for key, row in rows(connection, Service).items()}
    assert made_from == {"pay": (None, None), "search": ("quarkus", None), "cart": ("golden", "7")}


def test_of_a_repository_with_several_components_each_has_its_folder(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    for name in ("one", "two"):
        address = f"url:https://github.com/acme/mono/tree/main/services/{name}/"
        portal.component(name, annotations={"backstage.io/source-location": address})
    own = "url:https://github.com/acme/search/tree/main/.backstage/"
    portal.component("search", annotations={"backstage.io/source-location": own})
    collect(portal, connection)
    found = {key: (row["repository"], row["paths"]) for key, row in rows(connection, Service).items() if key != "pay"}
    assert found == {
        "one": ("github.com/acme/mono", ["services/one"]),
        "two": ("github.com/acme/mono", ["services/two"]),
        "search": ("github.com/acme/search", []),
    }


def test_a_look_at_which_nothing_is_new_lands_nothing(portal: Backstage, connection: DuckDBPyConnection) -> None:
    assert collect(portal, connection).inserted == 7
    portal.now += HOUR
    portal.entities["component:default/pay"]["metadata"]["etag"] = "another"  # something that is not read has changed
    counts = collect(portal, connection)
    assert (counts.read, counts.changed) == (0, 0)


def test_only_what_changed_lands(portal: Backstage, connection: DuckDBPyConnection) -> None:
    collect(portal, connection)
    portal.entities["component:default/pay"]["spec"]["lifecycle"] = "deprecated"
    counts = collect(portal, connection)
    assert (counts.read, counts.updated) == (1, 1)
    assert rows(connection, Service)["pay"]["lifecycle"] == "deprecated"


def test_another_setting_is_applied_to_what_has_not_changed(portal: Backstage, connection: DuckDBPyConnection) -> None:
    collect(portal, connection)
    assert collect(portal, connection, languages=("java",)).updated == 1
    assert rows(connection, Service)["pay"]["language"] == "java"


def test_what_vanishes_is_let_go_at_the_second_look_and_comes_back(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    collect(portal, connection)
    gone = portal.remove("component:default/pay")
    assert collect(portal, connection).changed == 0
    assert set(rows(connection, Service)) == {"pay"}
    assert collect(portal, connection).deleted == 1
    assert rows(connection, Service) == {}
    assert collect(portal, connection).changed == 0
    portal.restore(gone)
    assert collect(portal, connection).updated == 1
    assert set(rows(connection, Service)) == {"pay"}


def test_what_is_missing_only_once_was_never_away(portal: Backstage, connection: DuckDBPyConnection) -> None:
    collect(portal, connection)
    for _ in range(3):
        gone = portal.remove("component:default/pay")
        assert collect(portal, connection).changed == 0
        portal.restore(gone)
        assert collect(portal, connection).changed == 0


def test_who_leaves_was_a_member_until_that_day(portal: Backstage, connection: DuckDBPyConnection) -> None:
    collect(portal, connection)
    portal.entities["user:default/ada"]["spec"]["memberOf"] = ["division"]
    gone = portal.remove("user:default/grace")
    portal.now += DAY
    collect(portal, connection)
    portal.now += DAY
    collect(portal, connection)
    portal.restore(gone)
    portal.now += DAY
    collect(portal, connection)
    members = rows(connection, Membership).values()
    spans = [(row["person"], row["team"], row["valid_from"], row["valid_to"]) for row in members]
    assert sorted(spans, key=str) == [
        ("user:default/ada", "division", date(2026, 11, 24), None),
        ("user:default/ada", "team-a", None, date(2026, 11, 24)),
        ("user:default/grace", "team-a", None, date(2026, 11, 25)),
        ("user:default/grace", "team-a", date(2026, 11, 26), None),
    ]


def test_a_catalogue_of_several_pages_is_read_to_its_end(connection: DuckDBPyConnection) -> None:
    portal = Backstage(NOW)
    for number in range(1_203):
        portal.component(f"service-{number}")
    collect(portal, connection, reads=("catalog",))
    assert len(rows(connection, Service)) == 1_203
    first, *others = portal.requests
    assert first.url.params.get_list("filter") == ["kind=component", "kind=group", "kind=user"]
    assert [request.url.params["limit"] for request in portal.requests] == ["500"] * 3
    assert all("cursor" in request.url.params and "filter" not in request.url.params for request in others)
    assert {request.url.params["fields"] for request in portal.requests} == {first.url.params["fields"]}


def test_what_comes_and_goes_between_two_pages_costs_no_other_row(connection: DuckDBPyConnection) -> None:
    portal = Backstage(NOW)
    for number in range(1_100):
        portal.component(f"service-{number}")

    def change(request: httpx2.Request) -> None:
        if "cursor" in request.url.params:
            number = len(portal.requests)
            portal.remove(f"component:default/service-{number}")
            portal.component(f"new-{number}")

    portal.before = change
    collect(portal, connection, reads=("catalog",))
    portal.before = lambda _: None
    for _ in range(2):
        collect(portal, connection, reads=("catalog",))
    assert {f"component:default/{key}" for key in rows(connection, Service)} == set(portal.entities)


def test_a_look_that_is_killed_halfway_is_made_up_for(portal: Backstage, connection: DuckDBPyConnection) -> None:
    next(read(portal, connection))
    assert rows(connection, Membership) == {}
    assert collect(portal, connection).inserted == 2
    portal.remove("component:default/pay")
    collect(portal, connection)
    next(read(portal, connection))
    assert rows(connection, Service) == {}
    collect(portal, connection)
    assert collect(portal, connection).changed == 0


def test_a_row_that_cannot_be_read_costs_no_other(portal: Backstage, connection: DuckDBPyConnection) -> None:
    portal.component("odd", labels={"tier": "1"}, type=["service"])
    refused = sum(counts.refused for _, counts in read(portal, connection))
    assert (refused, set(rows(connection, Service))) == (1, {"pay"})
    portal.entities["component:default/odd"]["spec"]["type"] = "service"
    collect(portal, connection)
    assert set(rows(connection, Service)) == {"pay", "odd"}


def test_a_catalogue_that_is_suddenly_empty_lets_nothing_go(portal: Backstage, connection: DuckDBPyConnection) -> None:
    collect(portal, connection)
    portal.entities.clear()
    for _ in range(3):
        with pytest.raises(CollectError, match="the catalogue is empty, which it was not before"):
            collect(portal, connection, reads=("catalog",))
    assert len(rows(connection, Team)) == 2


def test_a_catalogue_that_was_always_empty_is_told(connection: DuckDBPyConnection) -> None:
    portal = Backstage(NOW)
    for _ in range(2):
        collect(portal, connection, reads=("catalog",))
    (note,) = notes(portal)
    assert note.startswith("the catalogue is empty: it may have just started")
