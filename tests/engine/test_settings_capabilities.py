"""[[capabilities]] and [[exemptions]] of dx.toml: what may be written, and what is made of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from duckdb import DuckDBPyConnection, connect

from dxmetrics.errors import SettingsError
from dxmetrics.pipeline import derivations
from dxmetrics.settings import resolve


def rows(table: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table that is made of the settings alone."""
    (made,) = (one for one in derivations(resolve(document, {})) if one.name == table)
    connection: DuckDBPyConnection = connect()
    found = made.run(connection, {})
    connection.close()
    return list(found.to_pylist())


def test_a_capability_needs_a_name_and_serves_all_services_by_default() -> None:
    (row,) = rows("core.capabilities", {"capabilities": [{"name": "Deploy"}]})
    assert {key: value for key, value in row.items() if value not in (None, False)} == {
        "capability": "Deploy",
        "key": "deploy",
        "position": 1,
        "capability_title": "Deploy",
        "unit": "service",
    }


def test_patterns_are_globs_or_regular_expressions_and_several_are_one_or_the_other() -> None:
    (row,) = rows("core.capabilities", {"capabilities": [{"name": "a", "types": ["web*", "/^svc$/"], "tiers": [1, 2]}]})
    assert row["type_pattern"] == "(?:(?i)^(?:web.*)$)|(?:^svc$)"
    assert row["tiers"] == [1, 2]
    with connect() as connection:
        found = connection.execute(
            "select list(regexp_matches(word, ?)) from unnest(['Website', 'svc', 'svcs', 'my web']) as one (word)",
            [row["type_pattern"]],
        ).fetchone()
    assert found == ([True, True, False, False],)


def test_exceptions_and_exemptions_keep_their_reasons() -> None:
    excluded = [
        {"services": ["old-*"], "reason": "Runs on a mainframe."},
        {"teams": ["Data"], "reason": "Has its own."},
    ]
    exemption = {"standard": "has_owner", "service": "old-*", "until": date(2027, 1, 1), "reason": "Handed over soon."}
    document = {"capabilities": [{"name": "a", "excluded": excluded}], "exemptions": [exemption]}
    assert [
        (row["service_pattern"], row["team_pattern"], row["reason"])
        for row in rows("core.capability_exclusions", document)
    ] == [
        ("(?:(?i)^(?:old\\-.*)$)", None, "Runs on a mainframe."),
        (None, "(?:(?i)^(?:Data)$)", "Has its own."),
    ]
    (kept,) = rows("core.standard_exemptions", document)
    assert (kept["standard"], kept["until_on"], kept["reason"]) == ("has_owner", date(2027, 1, 1), "Handed over soon.")


@pytest.mark.parametrize(
    ("capabilities", "message"),
    [
        ([{"name": "a", "unit": "team"}], "unit = 'team': input should be 'service' or 'person'"),
        ([{"name": "a", "types": ["/(/"]}], "is not a regular expression"),
        ([{"name": "a", "excluded": [{"reason": "So."}]}], "names neither `services` nor `teams`"),
        ([{"name": "a", "excluded": [{"teams": ["Data"]}]}], "reason is missing: add it"),
        ([{"name": "a", "unit": "person", "tiers": [1]}], "people, who have no tiers"),
        (
            [{"name": "a", "unit": "person", "excluded": [{"services": ["x"], "reason": "So."}]}],
            "people, who have no excluded services",
        ),
        ([{"name": "Deploy"}, {"name": "deploy"}], "deploy is there twice"),
    ],
)
def test_a_capability_that_cannot_be_is_refused_with_what_is_wrong(
    capabilities: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        resolve({"capabilities": capabilities}, {})


def test_an_exemption_ends() -> None:
    with pytest.raises(SettingsError, match="until is missing"):
        resolve({"exemptions": [{"standard": "has_owner", "service": "a", "reason": "So."}]}, {})
