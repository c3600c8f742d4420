"""Which deployment ships a commit first: by ancestry, once, and never older than what is covered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dxmetrics import linkage

START = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = {name: name for name in linkage.DERIVATION.inputs}
Commits = Mapping[str, Iterable[str]]  # sha -> parents
Releases = Iterable[tuple[str, str]]  # service, sha: one a day in this order

SCHEMA = """
create schema landing;
create schema core;
create table landing.commits (
    source varchar, repository varchar, sha varchar, parents varchar[], cherry_pick_of varchar,
    committed_at timestamptz, deleted_at timestamptz
);
create table core.repository_keys (source varchar, key varchar, repository_id varchar);
create table core.deployment_attempts (
    attempt_id varchar, repository_id varchar, service_id varchar, sha varchar, previous_sha varchar,
    status varchar, is_production boolean, finished_at timestamptz
);
create table core.rollouts (attempt_id varchar, deployment_id varchar, finished_at timestamptz);
create table core.deployment_coverage (service_id varchar, covered_from timestamptz);
insert into core.repository_keys values ('git', 'r', 'acme/r'), ('*', 'acme/r', 'acme/r');
"""


class World:
    """A repository's history and the deployments of it."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("set timezone = 'UTC'")
        self.connection.execute(SCHEMA)
        self.deployments = 0

    def commits(self, history: Commits, picks: Mapping[str, str] | None = None, **where: str) -> None:
        """Commits a day apart, in the given order; `picks` maps a cherry-pick to its original."""
        for day, (sha, parents) in enumerate(history.items()):
            self.connection.execute(
                "insert into landing.commits values (?, ?, ?, ?, ?, ?, null)",
                [where.get("source", "git"), where.get("repository", "r"), sha, list(parents),
                 (picks or {}).get(sha), START + timedelta(days=day)],
            )  # fmt: skip

    def deploy(self, *releases: tuple[str, str], **values: Any) -> None:
        """Successful production deployments d1, d2 ... an hour apart."""
        for service, sha in releases:
            self.deployments += 1
            row = {
                "repository_id": "acme/r",
                "previous_sha": None,
                "status": "success",
                "is_production": True,
                **values,
            }
            self.connection.execute(
                "insert into core.deployment_attempts values (?, ?, ?, ?, ?, ?, ?, ?)",
                [f"d{self.deployments}", row["repository_id"], service, sha, row["previous_sha"], row["status"],
                 row["is_production"], START + timedelta(days=100, hours=self.deployments)],
            )  # fmt: skip

    def cover(self, service: str, covered_from: datetime) -> None:
        """State that the service's deployments are known from then on."""
        self.connection.execute("insert into core.deployment_coverage values (?, ?)", [service, covered_from])

    def claims(self, column: str = "service_id") -> dict[tuple[str, str], str]:
        """(service, sha) -> deployment."""
        rows = linkage.first_deployments(self.connection, TABLES).to_pylist()
        found = {(row[column], row["sha"]): row["deployment_id"] for row in rows}
        assert len(found) == len(rows), "a commit is claimed twice"
        return found


@pytest.fixture
def world() -> World:
    return World()


LINE = {"base": [], "a": ["base"], "b": ["a"], "c": ["b"]}


def test_each_deployment_claims_what_no_earlier_one_contained(world: World) -> None:
    world.commits(LINE)
    world.deploy(("svc", "base"), ("svc", "b"), ("svc", "c"))
    assert world.claims() == {("svc", "a"): "d2", ("svc", "b"): "d2", ("svc", "c"): "d3"}


def test_both_sides_of_a_merge_are_claimed_once(world: World) -> None:
    world.commits({"base": [], "main": ["base"], "side1": ["base"], "side2": ["side1"], "merge": ["main", "side2"]})
    world.deploy(("svc", "base"), ("svc", "main"), ("svc", "merge"))
    assert world.claims() == {
        ("svc", "main"): "d2", ("svc", "side1"): "d3", ("svc", "side2"): "d3", ("svc", "merge"): "d3",
    }  # fmt: skip


def test_an_octopus_merge_brings_all_its_parents(world: World) -> None:
    world.commits({"base": [], "x": ["base"], "y": ["base"], "z": ["base"], "octopus": ["base", "x", "y", "z"]})
    world.deploy(("svc", "base"), ("svc", "octopus"))
    assert {sha for _, sha in world.claims()} == {"x", "y", "z", "octopus"}


def test_the_first_known_deployment_claims_nothing_without_coverage(world: World) -> None:
    world.commits(LINE)
    world.deploy(("svc", "c"))
    assert world.claims() == {}


def test_the_first_known_deployment_claims_what_was_committed_since_its_coverage(world: World) -> None:
    world.commits(LINE)
    world.deploy(("svc", "c"))
    world.cover("svc", START + timedelta(days=2))
    assert world.claims() == {("svc", "b"): "d1", ("svc", "c"): "d1"}


def test_the_first_known_deployment_claims_what_lies_after_its_stated_predecessor(world: World) -> None:
    world.commits(LINE)
    world.deploy(("svc", "c"), previous_sha="a")
    assert world.claims() == {("svc", "b"): "d1", ("svc", "c"): "d1"}


def test_a_deployment_of_an_unknown_commit_claims_nothing_and_hides_nothing(world: World) -> None:
    world.commits(LINE)
    world.deploy(("svc", "base"), ("svc", "unknown"), ("svc", "c"))
    assert set(world.claims().values()) == {"d3"}


def test_rollbacks_and_redeployments_claim_nothing(world: World) -> None:
    world.commits(LINE)
    world.deploy(("svc", "base"), ("svc", "b"), ("svc", "a"), ("svc", "b"), ("svc", "c"))
    assert world.claims() == {("svc", "a"): "d2", ("svc", "b"): "d2", ("svc", "c"): "d5"}


@pytest.mark.parametrize("other", [{"status": "failure"}, {"is_production": False}])
def test_only_successful_production_deployments_claim(world: World, other: dict[str, Any]) -> None:
    world.commits(LINE)
    world.deploy(("svc", "base"))
    world.deploy(("svc", "b"), **other)
    world.deploy(("svc", "c"))
    assert set(world.claims().values()) == {"d3"}


def test_each_service_of_a_repository_claims_for_itself(world: World) -> None:
    world.commits(LINE)
    world.deploy(("one", "base"), ("two", "base"), ("one", "a"), ("two", "b"))
    assert world.claims() == {("one", "a"): "d3", ("two", "a"): "d4", ("two", "b"): "d4"}


def test_release_lines_claim_side_by_side(world: World) -> None:
    world.commits({"v1": [], "fix": ["v1"], "new": ["v1"], "newer": ["new"], "fix2": ["fix"]})
    world.deploy(("svc", "v1"), ("svc", "new"), ("svc", "fix"), ("svc", "newer"), ("svc", "fix2"))
    assert world.claims() == {
        ("svc", "new"): "d2", ("svc", "fix"): "d3", ("svc", "newer"): "d4", ("svc", "fix2"): "d5",
    }  # fmt: skip


def test_a_cherry_pick_counts_as_its_original_and_is_not_counted_again(world: World) -> None:
    world.commits({"base": [], "w": ["base"], "x": ["w"], "picked": ["base"], "later": ["x"]}, picks={"picked": "x"})
    world.deploy(("svc", "base"), ("svc", "picked"), ("svc", "later"))
    assert world.claims() == {("svc", "x"): "d2", ("svc", "w"): "d3", ("svc", "later"): "d3"}


def test_a_cherry_pick_of_a_cherry_pick_counts_as_the_first_original(world: World) -> None:
    world.commits(
        {"base": [], "x": ["base"], "once": ["base"], "twice": ["base"]}, picks={"once": "x", "twice": "once"}
    )
    world.deploy(("svc", "base"), ("svc", "twice"))
    assert world.claims() == {("svc", "x"): "d2"}


def test_a_cherry_pick_of_something_never_collected_counts_as_itself(world: World) -> None:
    world.commits({"base": [], "picked": ["base"]}, picks={"picked": "elsewhere"})
    world.deploy(("svc", "base"), ("svc", "picked"))
    assert world.claims() == {("svc", "picked"): "d2"}


def test_cherry_picks_in_a_circle_are_left_as_they_are(world: World) -> None:
    world.commits({"base": [], "x": ["base"], "y": ["x"]}, picks={"x": "y", "y": "x"})
    world.deploy(("svc", "base"), ("svc", "y"))
    assert set(world.claims()) == {("svc", "x"), ("svc", "y")}


def test_a_repository_told_of_by_two_sources_is_walked_once(world: World) -> None:
    world.commits(LINE)
    world.commits(LINE, source="host", repository="acme/r")
    world.deploy(("svc", "base"), ("svc", "b"))
    assert world.claims() == {("svc", "a"): "d2", ("svc", "b"): "d2"}


def test_a_fork_claims_the_commits_it_shares_for_itself(world: World) -> None:
    world.commits(LINE)
    world.commits(LINE, repository="fork")
    world.deploy(("svc", "base"), ("svc", "b"))
    world.deploy(("forked", "base"), ("forked", "a"), repository_id="fork")
    assert world.claims("repository_id") == {
        ("acme/r", "a"): "d2", ("acme/r", "b"): "d2", ("fork", "a"): "d4",
    }  # fmt: skip


def test_histories_too_large_to_hold_at_once_give_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.commits(LINE)
    world.commits({"f0": [], "f1": ["f0"]}, repository="other")
    world.deploy(("svc", "base"), ("svc", "b"))
    world.deploy(("forked", "f0"), ("forked", "f1"), repository_id="other")
    at_once = world.claims()
    monkeypatch.setattr(linkage, "COMMITS_AT_ONCE", 1)
    assert world.claims() == at_once == {("svc", "a"): "d2", ("svc", "b"): "d2", ("forked", "f1"): "d4"}


def test_no_deployments_and_no_commits_give_no_rows(world: World) -> None:
    assert world.claims() == {}
    world.deploy(("svc", "a"))
    assert world.claims() == {}


@st.composite
def histories(draw: Callable[[Any], Any]) -> tuple[dict[str, list[str]], list[str]]:
    """A history whose commits have up to three earlier parents, and the commits deployed from it in order."""
    count = draw(st.integers(1, 12))
    commits: dict[str, list[str]] = {}
    for number in range(count):
        parents = draw(st.lists(st.sampled_from(sorted(commits)), max_size=3, unique=True)) if commits else []
        commits[f"c{number:02}"] = parents
    return commits, draw(st.lists(st.sampled_from(sorted(commits)), max_size=6))


@settings(max_examples=60, deadline=None)
@given(histories())
def test_a_commit_belongs_to_the_first_deployment_whose_ancestors_it_is_among(
    drawn: tuple[dict[str, list[str]], list[str]],
) -> None:
    commits, deployed = drawn
    world = World()
    world.commits(commits)
    world.deploy(*(("svc", sha) for sha in deployed))
    expected: dict[tuple[str, str], str] = {}
    seen: set[str] = set()
    for number, head in enumerate(deployed, start=1):
        ancestors = _ancestors(commits, head)
        if number > 1:
            expected |= {("svc", sha): f"d{number}" for sha in ancestors - seen}
        seen |= ancestors
    assert world.claims() == expected


def _ancestors(commits: Commits, head: str) -> set[str]:
    found = {head}
    for parent in commits[head]:
        found |= _ancestors(commits, parent)
    return found
