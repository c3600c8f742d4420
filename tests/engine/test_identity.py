"""Who is who: the ladder, machines, and what dx.toml and CSV files declare."""

from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.identity.declared import declared
from dxmetrics.identity.people import Rules, identities, suggestions
from dxmetrics.records import Identity, Membership, Record, Service, Team
from dxmetrics.settings import Settings, resolve

COLUMNS = ("source", "ext_id", "login", "name", "email", "kind", "person")
GIT, GITHUB, GITLAB = "git", "github", "gitlab"
ADA_SINCE_JANUARY = {"person": "ada", "valid_from": date(2026, 1, 1)}
KINDS = {GIT: "git", GITHUB: "github", GITLAB: "gitlab"}


def account(source: str, ext_id: str, **values: str) -> dict[str, Any]:
    return {"kind": "unknown", **values, "source": source, "ext_id": ext_id}


def table(*rows: dict[str, Any]) -> pa.Table:
    schema = pa.schema([pa.field(name, pa.string()) for name in COLUMNS])
    return pa.Table.from_pylist([{name: row.get(name) for name in COLUMNS} for row in rows], schema=schema)


def resolved(*rows: dict[str, Any], settings: Settings | None = None, **rules: Any) -> dict[str, dict[str, Any]]:
    """The result of each account, by `source:account`."""
    chosen = Rules.of(settings) if settings else Rules(kinds=KINDS, **rules)
    found = identities(table(*rows), chosen).to_pylist()
    return {f"{row['source']}:{row['account']}": row for row in found}


def people(*rows: dict[str, Any], **rules: Any) -> dict[str, str]:
    return {key: row["person_id"] for key, row in resolved(*rows, **rules).items()}


def declared_rows(settings: Settings) -> list[dict[str, Any]]:
    records = declared(settings, Path())[Identity]
    return [{**record.model_dump(), "source": "project"} for record in records]


def test_equal_addresses_are_one_person_in_any_case() -> None:
    found = resolved(
        account(GIT, "Ada@Example.org", email="Ada@Example.org"), account(GITHUB, "7", email="ada@example.org")
    )
    assert {row["person_id"] for row in found.values()} == {"git:Ada@Example.org"}
    assert {row["reason"] for row in found.values()} == {"email"}


def test_accounts_without_shared_evidence_stay_apart() -> None:
    found = resolved(
        account(GIT, "a@x.org", email="a@x.org", name="Ada"), account(GIT, "b@x.org", email="b@x.org", name="Ada")
    )
    assert {row["person_id"] for row in found.values()} == {"git:a@x.org", "git:b@x.org"}
    assert {row["reason"] for row in found.values()} == {"alone"}


def test_plus_tags_are_dropped_only_for_the_named_domains() -> None:
    rows = [
        account(GIT, address, email=address) for address in ("ada@x.org", "ada+work@x.org", "bob@y.org", "bob+z@y.org")
    ]
    found = people(*rows, plus_tag_domains=["X.org"])
    assert found["git:ada@x.org"] == found["git:ada+work@x.org"]
    assert found["git:bob@y.org"] != found["git:bob+z@y.org"]


@pytest.mark.parametrize("address", ["noreply@example.org", "root@localhost", "ada@laptop", "", "not an address"])
def test_addresses_shared_by_many_join_nobody(address: str) -> None:
    found = people(account(GIT, "1", email=address), account(GITHUB, "2", email=address))
    assert len(set(found.values())) == 2


def test_a_noreply_address_names_the_account_by_id_or_login() -> None:
    found = resolved(
        account(GIT, "by-id", email="7+old-login@users.noreply.github.com"),
        account(GIT, "by-login", email="Ada@users.noreply.github.com"),
        account(GITHUB, "7", login="ada"),
        account(GITLAB, "7", login="ada"),
    )
    joined = {key for key, row in found.items() if row["person_id"] == "git:by-id"}
    assert joined == {"git:by-id", "git:by-login", "github:7"}, "GitLab's account 7 is another host's"
    assert found["git:by-id"]["reason"] == "noreply"


def test_a_gitlab_noreply_address_is_read_too() -> None:
    found = people(account(GIT, "x", email="12-ada@users.noreply.gitlab.com"), account(GITLAB, "12", login="ada"))
    assert len(set(found.values())) == 1


def test_equal_logins_are_one_person_only_across_equivalent_sources() -> None:
    rows = [account(GITHUB, "1", login="ada"), account(GITLAB, "2", login="Ada"), account("jira", "3", login="ada")]
    found = people(*rows, same_logins=[(GITHUB, GITLAB)])
    assert found["github:1"] == found["gitlab:2"] != found["jira:3"]
    assert len(set(people(*rows).values())) == 3


def test_equal_account_ids_are_one_person_only_in_equivalent_sources_of_one_kind() -> None:
    rows = [account("cloud", "42"), account("cloud-2", "42"), account("other", "42")]
    rules = Rules(
        kinds={"cloud": "gitlab", "cloud-2": "gitlab", "other": "jira"}, same_logins=[("cloud", "cloud-2", "other")]
    )
    by_account = {row["source"]: row["person_id"] for row in identities(table(*rows), rules).to_pylist()}
    assert by_account["cloud"] == by_account["cloud-2"] != by_account["other"]


def test_the_source_itself_may_say_who_it_is() -> None:
    found = resolved(
        account("sample", "1", person="p1"), account("sample", "2", person="p1"), account("other", "3", person="p1")
    )
    assert found["sample:1"]["person_id"] == found["sample:2"]["person_id"] == "sample:p1"
    assert found["sample:1"]["reason"] == "source"
    assert found["other:3"]["person_id"] == "other:p1", "two sources may use one key for two people"


def test_equal_names_are_suggested_and_never_merged() -> None:
    landing = table(
        account(GIT, "a@x.org", email="a@x.org", name="Ada Lovelace"),
        account(GIT, "b@y.org", email="b@y.org", name="ada  lovelace"),
        account(GIT, "c@y.org", email="c@y.org", name="Grace Hopper"),
    )
    result = identities(landing, Rules())
    assert len(set(result.column("person_id").to_pylist())) == 3
    assert suggestions(result).to_pylist() == [
        {"display_name": "Ada Lovelace", "person_ids": ["git:a@x.org", "git:b@y.org"]}
    ]


def test_dx_toml_merges_accounts_by_address_login_and_source() -> None:
    settings = resolve(
        {
            "people": [
                {"name": "Ada Lovelace", "email": "ada@x.org", "accounts": ["ada@home.org", "github:ada", "countess"]}
            ]
        },
        {},
    )
    found = resolved(
        *declared_rows(settings),
        account(GIT, "ada@home.org", email="ada@home.org", name="A. L."),
        account(GITHUB, "7", login="Ada"),
        account(GITLAB, "9", login="countess"),
        account(GITLAB, "10", login="ada"),
        settings=settings,
    )
    joined = {key for key, row in found.items() if row["person_id"] == "project:Ada Lovelace"}
    assert joined >= {"git:ada@home.org", "github:7", "gitlab:9", "project:ada@x.org"}
    assert found["gitlab:10"]["person_id"] == "gitlab:10"
    assert found["github:7"]["reason"] == "config"
    assert found["github:7"]["display_name"] == "Ada Lovelace"


def test_dx_toml_keeps_people_apart_whom_an_address_would_join() -> None:
    settings = resolve(
        {"people": [{"name": "Ada", "accounts": ["github:ada"]}, {"name": "Bob", "accounts": ["github:bob"]}]}, {}
    )
    found = resolved(
        *declared_rows(settings),
        account(GITHUB, "1", login="ada", email="shared@x.org"),
        account(GITHUB, "2", login="bob", email="shared@x.org"),
        settings=settings,
    )
    assert found["github:1"]["person_id"] == "project:Ada"
    assert found["github:2"]["person_id"] == "project:Bob"


def test_a_membership_finds_its_person_by_address() -> None:
    settings = resolve({"teams": [{"name": "Payments", "members": ["ada@x.org"]}]}, {})
    found = people(*declared_rows(settings), account(GIT, "ada@x.org", email="ada@x.org"), settings=settings)
    assert found["project:ada@x.org"] == found["git:ada@x.org"] == "git:ada@x.org"


def test_the_result_does_not_depend_on_the_order_of_rows() -> None:
    rows = [
        account(GIT, "ada@x.org", email="ada@x.org", name="Ada"),
        account(GITHUB, "7", email="ada@x.org", login="ada"),
        account(GIT, "n", email="7+ada@users.noreply.github.com"),
        account(GITLAB, "9", login="grace"),
    ]
    results = {identities(table(*order), Rules(kinds=KINDS)).to_pandas().to_csv() for order in permutations(rows)}
    assert len(results) == 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"login": "dependabot[bot]"}, "bot"),
        ({"email": "49699333+dependabot[bot]@users.noreply.github.com"}, "bot"),
        ({"login": "Renovate-Acme"}, "bot"),
        ({"login": "copilot-swe-agent"}, "agent"),
        ({"login": "claude[bot]"}, "agent"),
        ({"kind": "service"}, "service"),
        ({"kind": "human", "login": "ada"}, "human"),
        ({"login": "abbot", "name": "Claude Robot"}, "unknown"),
    ],
)
def test_machines_are_told_apart_by_source_and_pattern(values: dict[str, str], kind: str) -> None:
    row = resolved(account(GIT, "1", **values), settings=Settings())["git:1"]
    assert (row["kind"], row["is_bot"]) == (kind, kind in {"bot", "agent", "service"})


def test_one_account_known_as_a_bot_makes_the_person_a_bot() -> None:
    found = resolved(account(GITHUB, "1", kind="bot", email="ci@x.org"), account(GIT, "ci@x.org", email="ci@x.org"))
    assert found["git:ci@x.org"]["is_bot"] is True


def test_dx_toml_has_the_last_word_on_who_is_a_machine() -> None:
    settings = resolve({"people": [{"name": "Ada", "accounts": ["dependabot-fan"]}]}, {})
    found = resolved(*declared_rows(settings), account(GITHUB, "1", login="dependabot-fan"), settings=settings)
    assert found["github:1"]["kind"] == "human"


def test_a_display_name_is_never_a_mail_address() -> None:
    assert resolved(account(GIT, "ada@x.org", email="ada@x.org"))["git:ada@x.org"]["display_name"] == "ada"


def test_no_accounts_give_an_empty_table() -> None:
    assert identities(table(), Rules()).num_rows == 0


def test_settings_become_records_of_teams_memberships_services_and_people() -> None:
    settings = resolve(
        {
            "teams": [
                {
                    "name": "Payments",
                    "parent": "Product",
                    "members": [{"person": "ada", "valid_from": date(2026, 1, 1)}],
                }
            ],
            "services": [
                {"name": "checkout", "team": "Payments", "repository": "shop", "paths": ["checkout/**"], "tier": 1}
            ],
        },
        {},
    )
    records = declared(settings, Path())
    assert records[Team] == [
        Team(ext_id="Product", name="Product"),
        Team(ext_id="Payments", name="Payments", parent="Product"),
    ]
    assert records[Membership] == [
        Membership(ext_id="Payments/ada/2026-01-01", team="Payments", person="ada", valid_from=date(2026, 1, 1))
    ]
    assert records[Service] == [
        Service(ext_id="checkout", name="checkout", team="Payments", repository="shop", paths=("checkout/**",), tier=1)
    ]
    assert records[Identity] == [Identity(ext_id="ada")]


def test_csv_files_say_the_same_as_dx_toml(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name,email,accounts,kind\nAda,ada@x.org,github:ada; ada@home.org,\n")
    (tmp_path / "teams.csv").write_text(
        "team,parent,person,valid_from,valid_to\nPayments,Product,ada,2026-01-01,\nOps,,,,\n"
    )
    (tmp_path / "services.csv").write_text(
        "\ufeffname,team,repository,paths,tier\ncheckout,Payments,shop,a/**;b/**,1\n"
    )
    files = {f"{name}_csv": f"{name}.csv" for name in ("people", "teams", "services")}
    written: dict[type[Record], list[Record]] = declared(
        resolve(
            {
                "people": [{"name": "Ada", "email": "ada@x.org", "accounts": ["github:ada", "ada@home.org"]}],
                "teams": [
                    {
                        "name": "Payments",
                        "parent": "Product",
                        "members": [ADA_SINCE_JANUARY],
                    },
                    {"name": "Ops"},
                ],
                "services": [
                    {"name": "checkout", "team": "Payments", "repository": "shop", "paths": ["a/**", "b/**"], "tier": 1}
                ],
            },
            {},
        ),
        tmp_path,
    )
    assert declared(resolve({"organisation": files}, {}), tmp_path) == written


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,mail\nAda,a@x.org\n", "people.csv line 2: 'mail' is not a setting: did you mean 'email'?"),
        ("name,email\nAda,a@x.org,more\n", "people.csv line 2: more values than columns"),
        ("name\nAda\nAda\n", "people: 'Ada' is named twice"),
    ],
)
def test_a_wrong_csv_file_is_refused_by_name_and_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "people.csv").write_text(content)
    with pytest.raises(SettingsError, match="people") as caught:
        declared(resolve({"organisation": {"people_csv": "people.csv"}}, {}), tmp_path)
    assert message in str(caught.value)


def test_a_missing_csv_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nobody\.csv: cannot be read"):
        declared(resolve({"organisation": {"people_csv": "nobody.csv"}}, {}), tmp_path)


def test_a_membership_that_ends_before_it_begins_is_refused() -> None:
    member = {"person": "ada", "valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 1)}
    with pytest.raises(SettingsError, match="correct valid_from or valid_to"):
        declared(resolve({"teams": [{"name": "Payments", "members": [member]}]}, {}), Path())
