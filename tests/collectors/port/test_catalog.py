"""The catalogue: what becomes of services, teams and people, as they come, change, vanish and come back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.errors import CollectError
from dxmetrics.records import Identity, Membership, Service, Team
from tests.fakes.port import Port

from .support import CATALOG, DAY, HOUR, NOW, collect, notes, read, rows


@pytest.fixture
def account() -> Port:
    """An account with a team of two in a division, and a service of theirs."""
    made = Port(NOW)
    made.team("division")
    made.team("team-a", "Team A", parent="division")
    made.person("ada", "team-a")
    made.person("grace", "team-a")
    made.service(
        "pay", "team-a", title="Payments", type="backend", lifecycle="production", tier="tier-2", language="go",
        system="shop", repository="https://github.com/acme/pay", template="service", template_version="1.4.0",
    )  # fmt: skip
    return made


def test_an_entity_is_a_service_with_its_team_system_repository_and_template(
    account: Port, connection: DuckDBPyConnection
) -> None:
    collect(account, connection)
    told = rows(connection, Service)["pay"]
    assert {name: told[name] for name in told if told[name] not in (None, [])} == {
        "ext_id": "pay", "url": "https://app.port.io/serviceEntity?identifier=pay", "name": "pay", "type": "backend",
        "lifecycle": "production", "tier": 2, "language": "go", "team": "team-a", "system": "shop",
        "repository": "github.com/acme/pay", "template": "service", "template_version": "1.4.0",
    }  # fmt: skip


def test_a_team_stands_below_its_parent_and_a_person_is_known_by_address_and_by_account(
    account: Port, connection: DuckDBPyConnection
) -> None:
    account.person("deployer", kind="Service Account")
    collect(account, connection)
    assert {key: (row["name"], row["parent"]) for key, row in rows(connection, Team).items()} == {
        "division": ("Division", None), "team-a": ("Team A", "division"),
    }  # fmt: skip
    people = rows(connection, Identity)
    assert {key: (row["name"], row["email"], row["kind"]) for key, row in people.items() if "grace" not in key} == {
        "ada@example.org": ("Ada", "ada@example.org", "human"),
        "auth0|ada": ("Ada", "ada@example.org", "human"),
        "deployer@example.org": ("Deployer", "deployer@example.org", "service"),
        "auth0|deployer": ("Deployer", "deployer@example.org", "service"),
    }
    members = rows(connection, Membership).values()
    assert {(row["team"], row["person"], row["valid_from"]) for row in members} == {
        ("team-a", "ada@example.org", None), ("team-a", "grace@example.org", None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("owners", "team"),
    [
        (["team-a"], "team-a"),
        (["Team A"], "team-a"),
        (["gone", "team-a"], "team-a"),
        (["ada@example.org"], None),
        (["ada@example.org", "team-a"], "team-a"),
        (["gone"], "gone"),
        ([], None),
    ],
)
def test_the_owner_is_the_first_team_by_identifier_or_title(
    account: Port, connection: DuckDBPyConnection, owners: list[str], team: str | None
) -> None:
    account.service("search", *owners)
    collect(account, connection)
    assert rows(connection, Service)["search"]["team"] == team


def test_the_owner_may_stand_in_a_relation_of_ones_own(account: Port, connection: DuckDBPyConnection) -> None:
    account.service("search", "gone", owner="team-a")
    collect(account, connection, team="owner")
    assert {key: row["team"] for key, row in rows(connection, Service).items()} == {"pay": None, "search": "team-a"}


def test_what_is_odd_about_owners_is_told_without_the_name_of_anybody(account: Port) -> None:
    account.service("alone")
    account.service("mine", "ada@example.org")
    account.service("lost", "gone")
    found = notes(account)
    assert found == (
        "services without a team: alone: name a team in '$team'",
        "services that a person owns: mine: name a team in '$team'",
        "services whose team is not in Port: lost (gone): add the team, or correct '$team'",
    )
    assert not any("ada" in note for note in found)


def test_a_circle_of_teams_has_no_parents_and_is_told(account: Port, connection: DuckDBPyConnection) -> None:
    account.team("a", parent="c")
    account.team("b", parent="a")
    account.team("c", parent="b")
    account.team("below", parent="a")
    collect(account, connection)
    parents = {key: row["parent"] for key, row in rows(connection, Team).items()}
    assert parents == {"a": None, "b": None, "c": None, "below": "a", "division": None, "team-a": "division"}
    assert notes(account) == ("teams above themselves: a, b, c: without a parent until one's is mended",)


def test_services_of_several_blueprints_have_keys_of_their_own(account: Port, connection: DuckDBPyConnection) -> None:
    account.blueprint("_website")
    account.service("pay", "team-a", blueprint="_website")
    account.service("shop", "team-a", blueprint="_website")
    settings: dict[str, Any] = {"services": ("service", "_website")}
    collect(account, connection, **settings)
    told = {key: (row["name"], row["type"]) for key, row in rows(connection, Service).items()}
    assert told == {
        "pay": ("pay", "backend"),
        "_website/pay": ("_website/pay", "website"),
        "_website/shop": ("shop", "website"),
    }


def test_a_service_may_go_by_its_title_where_no_other_does(account: Port, connection: DuckDBPyConnection) -> None:
    account.service("e_1", "team-a", title="search")
    account.service("e_2", "team-a", title="Cart")
    account.service("e_3", "team-a", title="cart")
    collect(account, connection, name="$title")
    assert {key: row["name"] for key, row in rows(connection, Service).items()} == {
        "pay": "Payments", "e_1": "search", "e_2": "e_2", "e_3": "e_3",
    }  # fmt: skip
    assert notes(account, name="$title") == ("names of several services: cart: these go by their identifiers",)


def test_a_tier_may_be_a_word_and_one_that_is_not_understood_is_told(
    account: Port, connection: DuckDBPyConnection
) -> None:
    account.service("search", "team-a", tier="Mission Critical")
    account.service("cart", "team-a", tier="whatever")
    account.service("basket", "team-a", tier=3)
    settings = {"tiers": {"mission critical": 1}}
    collect(account, connection, **settings)
    tiers = {key: row["tier"] for key, row in rows(connection, Service).items()}
    assert tiers == {"pay": 2, "search": 1, "cart": None, "basket": 3}
    assert notes(account, **settings) == (
        "services whose tier is no number: cart (whatever): say in `tiers` which it is",
    )


@pytest.mark.parametrize(
    ("told", "repository"),
    [
        ("https://gitlab.example.org/acme/shop/pay.git", "gitlab.example.org/acme/shop/pay"),
        ("https://github.com/acme/mono/tree/main/pay", "github.com/acme/mono"),
        ("https://gitlab.com/acme/shop/mono/-/tree/main/pay", "gitlab.com/acme/shop/mono"),
        ({"url": "https://github.com/acme/pay", "displayText": "the code"}, "github.com/acme/pay"),
        ("acme/pay", "github.com/acme/pay"),
        ("git.example.org/acme/pay", "git.example.org/acme/pay"),
        (["acme/pay", "acme/other"], "github.com/acme/pay"),
        (None, None),
    ],
)
def test_a_repository_is_read_however_it_is_named(
    account: Port, connection: DuckDBPyConnection, told: Any, repository: str | None
) -> None:
    account.service("search", "team-a", repository=told)
    collect(account, connection, repository_host="github.com")
    assert rows(connection, Service)["search"]["repository"] == repository


def test_when_a_service_was_made_is_known_only_where_a_property_tells_it(
    account: Port, connection: DuckDBPyConnection
) -> None:
    account.service("search", "team-a", born="2024-05-02T08:00:00Z")
    collect(account, connection)
    assert {row["created_at"] for row in rows(connection, Service).values()} == {None}
    collect(account, connection, created_at="born")
    made = {key: row["created_at"] for key, row in rows(connection, Service).items()}
    assert made == {"pay": None, "search": datetime(2024, 5, 2, 8, tzinfo=UTC)}
    collect(account, connection, created_at="$createdAt")
    assert {row["created_at"] for row in rows(connection, Service).values()} == {NOW}


def test_a_setting_that_names_no_property_is_told_and_a_default_that_does_is_not(account: Port) -> None:
    account.blueprints["service"]["schema"]["properties"].pop("lifecycle")
    assert notes(account) == ()
    assert notes(account, tier="criticality", language="mirrored") == (
        "settings that name no property and no relation: tier = 'criticality' (service): correct them",
    )


def test_a_blueprint_that_is_not_there_is_told_with_the_setting_that_names_it(
    account: Port, connection: DuckDBPyConnection
) -> None:
    with pytest.raises(CollectError, match=r"no blueprint is called 'micro/service': name yours in `services`"):
        collect(account, connection, services=("micro/service",), **CATALOG)
    assert account.requests[-1].url.raw_path == b"/v1/blueprints/micro%2Fservice"


def test_a_look_at_which_nothing_is_new_lands_nothing(account: Port, connection: DuckDBPyConnection) -> None:
    assert collect(account, connection).inserted == 9
    account.now += HOUR
    account.entities["service"]["pay"]["properties"]["links"] = "something that is not read"
    counts = collect(account, connection, **CATALOG)
    assert (counts.read, counts.changed) == (0, 0)


def test_only_what_changed_lands(account: Port, connection: DuckDBPyConnection) -> None:
    collect(account, connection)
    account.entities["service"]["pay"]["properties"]["lifecycle"] = "deprecated"
    counts = collect(account, connection)
    assert (counts.read, counts.updated) == (1, 1)
    assert rows(connection, Service)["pay"]["lifecycle"] == "deprecated"


def test_what_vanishes_is_let_go_at_the_second_look_and_comes_back(
    account: Port, connection: DuckDBPyConnection
) -> None:
    collect(account, connection)
    gone = account.remove("service", "pay")
    assert collect(account, connection).changed == 0
    assert set(rows(connection, Service)) == {"pay"}
    assert collect(account, connection).deleted == 1
    assert rows(connection, Service) == {}
    assert collect(account, connection).changed == 0
    account.restore("service", gone)
    assert collect(account, connection).updated == 1
    assert set(rows(connection, Service)) == {"pay"}


def test_who_leaves_was_a_member_until_that_day(account: Port, connection: DuckDBPyConnection) -> None:
    collect(account, connection)
    account.entities["_user"]["ada@example.org"]["team"] = ["division"]
    account.remove("_user", "grace@example.org")
    account.now += DAY
    collect(account, connection)
    account.now += DAY
    collect(account, connection)
    members = rows(connection, Membership).values()
    spans = [(row["person"], row["team"], row["valid_from"], row["valid_to"]) for row in members]
    assert sorted(spans, key=str) == [
        ("ada@example.org", "division", date(2026, 11, 24), None),
        ("ada@example.org", "team-a", None, date(2026, 11, 24)),
        ("grace@example.org", "team-a", None, date(2026, 11, 25)),
    ]


def test_a_catalogue_of_several_pages_is_read_to_its_end_though_entities_come_and_go(
    connection: DuckDBPyConnection,
) -> None:
    account = Port(NOW)
    for number in range(1_203):
        account.service(f"service-{number:04}", "team-a")

    def change(request: httpx2.Request) -> None:
        if request.url.path.endswith("service/entities/search") and b'"from"' in request.read():
            account.remove("service", f"service-{len(account.requests):04}")
            account.service(f"new-{len(account.requests)}", "team-a")

    account.before = change
    collect(account, connection, **CATALOG)
    assert account.asked().count("blueprints/service/entities/search") == 3
    account.before = lambda _: None
    for _ in range(2):
        collect(account, connection, **CATALOG)
    assert set(rows(connection, Service)) == set(account.entities["service"])


def test_a_cursor_that_comes_again_is_a_loop(account: Port, connection: DuckDBPyConnection) -> None:
    account.is_stuck = True
    with pytest.raises(CollectError, match="page token 'stuck' comes again: paging is in a loop"):
        collect(account, connection, **CATALOG)


def test_a_look_that_is_killed_halfway_is_made_up_for(account: Port, connection: DuckDBPyConnection) -> None:
    next(read(account, connection))
    assert rows(connection, Membership) == {}
    assert collect(account, connection).inserted == 2


def test_a_row_that_cannot_be_read_costs_no_other(account: Port, connection: DuckDBPyConnection) -> None:
    account.service("odd", "team-a", born="last summer")
    refused = sum(counts.refused for _, counts in read(account, connection, created_at="born"))
    assert (refused, set(rows(connection, Service))) == (1, {"pay"})


def test_a_catalogue_that_is_suddenly_empty_lets_nothing_go(account: Port, connection: DuckDBPyConnection) -> None:
    collect(account, connection)
    for there in account.entities.values():
        there.clear()
    for _ in range(3):
        with pytest.raises(CollectError, match="none of the blueprints has an entity any more"):
            collect(account, connection, **CATALOG)
    assert len(rows(connection, Team)) == 2


def test_a_catalogue_that_was_always_empty_is_told(connection: DuckDBPyConnection) -> None:
    (note,) = notes(Port(NOW))
    assert note.startswith("none of the blueprints has an entity: ")
