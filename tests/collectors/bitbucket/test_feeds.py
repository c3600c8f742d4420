"""The lists of a Bitbucket repository: what each collection asks of them, and what it must not lose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from dxmetrics.collectors import Page
from dxmetrics.records import Change, ChangeCommit, Deployment, Identity, Issue, Job, PipelineRun, Record, Review
from tests.fakes.bitbucket import ADA, BOB, Bitbucket, Repository

from .support import NOW, Store, again, collect, reading

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def server() -> Bitbucket:
    """A server whose clock stands 60 days before NOW."""
    return Bitbucket(NOW - 60 * DAY)


@pytest.fixture
def shop(server: Bitbucket) -> Repository:
    """An empty repository."""
    return server.add("acme/shop")


def sent(server: Bitbucket, end: str) -> list[httpx2.QueryParams]:
    """The parameters of the requests for a list."""
    return [request.url.params for request in server.requests if request.url.path.endswith(end)]


def said_at(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["comment"]["created_on"])


def covered(pages: list[Page], kind: type[Record]) -> list[Any]:
    return [page.covers[kind] for page in pages if kind in page.covers]


# -- changes and reviews ----------------------------------------------------------------------------------------------


def test_the_first_collection_reads_all_there_is_and_covers_it_since_the_repository_was_made(
    server: Bitbucket, shop: Repository
) -> None:
    for number in range(120):
        opened = shop.open(author=ADA if number else None)
        shop.comment(opened, by=ADA)
        shop.approve(opened)
        if number % 3 == 0:
            shop.merge(opened)
        elif number % 3 == 1:
            shop.decline(opened)
        server.now += 12 * HOUR
    server.now = NOW
    store = collect(server)
    changes = store.of(Change)
    assert len(changes) == 120
    assert {state: sum(change.state == state for change in changes) for state in ("open", "merged", "closed")} == {
        "open": 40, "merged": 40, "closed": 40,
    }  # fmt: skip
    assert len(store.of(Review)) == 240
    assert {row.ext_id for row in store.of(Identity)} == {"{u-ada}", "{u-bob}"}
    assert min(start for start, _ in covered(store.pages, Change)) == shop.created_on
    assert min(start for start, _ in covered(store.pages, Review)) == shop.created_on
    assert max(end for _, end in covered(store.pages, Change)) <= server.now


def test_all_states_are_asked_for_and_no_more_rows_than_are_given(server: Bitbucket, shop: Repository) -> None:
    shop.open()
    collect(server)
    (asked,) = sent(server, "/pullrequests")
    assert asked.get_list("state") == ["OPEN", "MERGED", "DECLINED", "SUPERSEDED"]
    assert (asked["pagelen"], asked["sort"]) == ("50", "-updated_on")
    assert "q" not in asked


def test_later_only_what_was_updated_since_is_asked_for(server: Bitbucket, shop: Repository) -> None:
    server.now = NOW - 2 * HOUR
    for _ in range(60):
        shop.open()
    server.now = NOW - HOUR
    store = collect(server)
    server.now = NOW
    shop.merge(3)
    pages = len(store.pages)
    assert again(server, store).count("pullrequests") == 1
    asked = sent(server, "/pullrequests")[-1]
    assert asked["q"] == 'updated_on >= "2026-01-05T10:50:01.000+00:00"'
    assert [len(page.rows[Change]) for page in store.pages[pages:] if Change in page.rows] == [1]
    assert store.rows[Change]["{r-acme-shop}/3"].merged_at == NOW  # type: ignore[attr-defined]


def test_nothing_older_than_since_is_covered_or_paged_for(server: Bitbucket, shop: Repository) -> None:
    for _ in range(200):
        shop.open()
        server.now += 6 * HOUR
    store = collect(server, since=(NOW - 20 * DAY).date(), reads=("changes",))
    assert min(start for start, _ in covered(store.pages, Change)) == datetime(2025, 12, 16, tzinfo=UTC)
    assert server.asked("/pullrequests").count("repositories/acme/shop/pullrequests") < 4


def test_more_updates_at_one_instant_than_a_page_holds_are_all_read(server: Bitbucket, shop: Repository) -> None:
    for _ in range(130):
        shop.open("Imported")
    server.now = NOW
    shop.open("Later")
    store = collect(server)
    assert len(store.of(Change)) == 131


def test_comments_that_nobody_else_can_read_are_no_reviews(server: Bitbucket, shop: Repository) -> None:
    number = shop.open()
    shop.comment(number, pending=True)
    shop.comment(number, deleted=True)
    kept = shop.comment(number)
    assert collect(server).one(Review).ext_id == f"{{r-acme-shop}}/1/comment/{kept}"


def test_an_edited_comment_that_stands_where_its_time_does_not_hides_nothing(
    server: Bitbucket, shop: Repository
) -> None:
    number = shop.open()
    for _ in range(300):
        server.now += 4 * HOUR
        shop.comment(number)
    server.now += 2 * HOUR
    shop.activity += [shop.activity.pop(5), shop.activity.pop(5)]
    shop.activity.insert(-49, shop.activity.pop(5))  # the last one of the first page
    pages = reading(server, store := Store())
    for page in pages:
        covers = page.covers.get(Review)
        newer = [one for one in shop.activity if "comment" in one and covers and said_at(one) > covers[0]]
        assert {f"{{r-acme-shop}}/1/comment/{one['comment']['id']}" for one in newer} <= store.rows[Review].keys()
    assert len(store.of(Review)) == 300


def test_an_approval_taken_back_and_given_again_is_two_reviews(server: Bitbucket, shop: Repository) -> None:
    number = shop.open()
    shop.approve(number)
    server.now += HOUR
    shop.request_changes(number)
    server.now += HOUR
    shop.approve(number)
    assert [row.verdict for row in collect(server).of(Review)] == ["approved", "approved", "changes_requested"]


def test_commits_are_read_only_where_they_are_wanted(server: Bitbucket, shop: Repository) -> None:
    number = shop.open()
    assert "commits" not in "".join(server.asked())
    assert collect(server).one(Change).first_commit_at is None
    store = collect(server, commits=True)
    change, commit = store.one(Change), store.one(ChangeCommit)
    assert change.first_commit_at == commit.authored_at == server.now.replace(second=0) - 3 * HOUR
    assert (commit.change, len(commit.sha)) == (f"{{r-acme-shop}}/{number}", 40)


def test_a_force_push_leaves_no_stale_commits(server: Bitbucket, shop: Repository) -> None:
    number = shop.open()
    store = collect(server, commits=True)
    shop.commits[number] = [{"hash": sha * 40, "date": "2025-11-06T10:00:00+00:00"} for sha in "ab"]
    server.now += HOUR
    shop.comment(number)
    collect(server, store, commits=True)
    assert [row.sha for row in store.of(ChangeCommit)] == ["a" * 40, "b" * 40]


def test_commits_of_a_deleted_fork_leave_those_known_before(server: Bitbucket, shop: Repository) -> None:
    number = shop.open()
    store = collect(server, commits=True)
    del shop.commits[number]
    server.now += HOUR
    shop.merge(number)
    collect(server, store, commits=True)
    assert (store.one(Change).state, len(store.of(ChangeCommit))) == ("merged", 1)


# -- pipelines and deployments ----------------------------------------------------------------------------------------


def test_the_order_of_pipelines_is_asked_for_on_every_page(server: Bitbucket, shop: Repository) -> None:
    for _ in range(250):
        shop.finish(shop.run())
        server.now += 5 * HOUR
    store = collect(server)
    assert len(store.of(PipelineRun)) == 250
    assert [(asked["sort"], asked.get("page")) for asked in sent(server, "/pipelines")] == [
        ("-created_on", None), ("-created_on", "2"), ("-created_on", "3"),
    ]  # fmt: skip


def runs_asked_for(server: Bitbucket, store: Store) -> list[str]:
    """The runs that another collection asks for by their ids."""
    return [path for path in again(server, store) if path.startswith("pipelines/")]


def test_a_run_that_is_going_on_is_looked_at_until_it_ends(server: Bitbucket, shop: Repository) -> None:
    server.now = NOW - 10 * DAY
    uuid = shop.run()
    for _ in range(120):
        server.now += 2 * HOUR
        shop.finish(shop.run())
    store = collect(server)
    server.now += HOUR
    assert runs_asked_for(server, store) == [f"pipelines/{uuid}"]
    shop.finish(uuid, "FAILED")
    server.now += HOUR
    assert runs_asked_for(server, store) == [f"pipelines/{uuid}"]
    assert store.rows[PipelineRun][f"{uuid}/1"].result == "failure"  # type: ignore[attr-defined]
    server.now += HOUR
    assert runs_asked_for(server, store) == []


def test_a_new_run_that_is_going_on_costs_no_request_of_its_own(server: Bitbucket, shop: Repository) -> None:
    server.now = NOW
    uuid = shop.run()
    store = collect(server)
    server.now += HOUR
    shop.finish(uuid)
    assert runs_asked_for(server, store) == []
    assert store.one(PipelineRun).result == "success"


def test_a_run_that_is_gone_is_not_looked_at_for_ever(server: Bitbucket, shop: Repository) -> None:
    server.now = NOW
    uuid = shop.run()
    store = collect(server)
    shop.pipelines.clear()
    server.now += HOUR
    assert runs_asked_for(server, store) == [f"pipelines/{uuid}"]
    server.now += HOUR
    assert runs_asked_for(server, store) == []


def waiting_below_others(server: Bitbucket, shop: Repository) -> str:
    """A run that waits for a person, below more runs than a page holds; its id."""
    server.now = NOW
    uuid = shop.run()
    shop.wait(uuid)
    for _ in range(120):
        server.now += 4 * MINUTE
        shop.finish(shop.run())
    return uuid


def test_what_waits_for_a_person_costs_no_request_and_is_found_the_day_after_it_went_on(
    server: Bitbucket, shop: Repository
) -> None:
    uuid = waiting_below_others(server, shop)
    store = collect(server)
    for _ in range(3):
        server.now += 12 * HOUR
        assert runs_asked_for(server, store) == []
    assert store.rows[PipelineRun][f"{uuid}/1"].result is None  # type: ignore[attr-defined]
    shop.finish(uuid)
    server.now += DAY
    collect(server, store)
    assert store.rows[PipelineRun][f"{uuid}/1"].result == "success"  # type: ignore[attr-defined]


def test_a_run_that_is_started_again_is_another_attempt(server: Bitbucket, shop: Repository) -> None:
    server.now = NOW
    uuid = shop.run()
    shop.finish(uuid, "FAILED")
    store = collect(server)
    server.now += 2 * DAY
    shop.rerun(uuid)
    shop.finish(uuid)
    collect(server, store)
    assert [(row.ext_id, row.attempt, row.result) for row in store.of(PipelineRun)] == [
        (f"{uuid}/1", 1, "failure"), (f"{uuid}/2", 2, "success"),
    ]  # fmt: skip


def test_steps_are_read_only_where_they_are_wanted_and_once(server: Bitbucket, shop: Repository) -> None:
    server.now = NOW
    uuid = shop.run(pull_request=shop.open())
    server.now += 5 * MINUTE
    shop.finish(uuid)
    server.now += 5 * MINUTE
    assert collect(server).of(Job) == []
    assert not server.asked("steps")
    store = collect(server, steps=True)
    run, job = store.one(PipelineRun), store.one(Job)
    assert (job.pipeline_run, job.result, job.billable_seconds) == (run.ext_id, "success", 40)
    assert run.started_at == job.started_at == NOW + timedelta(seconds=20)
    assert run.change == "{r-acme-shop}/1"
    server.now += 2 * HOUR
    assert not [path for path in again(server, store, steps=True) if "steps" in path]
    assert store.one(PipelineRun).started_at is not None


def test_steps_of_a_run_that_waited_for_days_are_read_when_it_has_gone_on(server: Bitbucket, shop: Repository) -> None:
    uuid = waiting_below_others(server, shop)
    store = collect(server, steps=True)
    for hours in range(60):
        server.now += HOUR
        if hours == 30:
            shop.finish(uuid)
        shop.push()
        collect(server, store, steps=True)
    assert store.rows[PipelineRun][f"{uuid}/1"].result == "success"  # type: ignore[attr-defined]
    assert [row.pipeline_run for row in store.of(Job)].count(f"{uuid}/1") == 1
    assert len(store.of(Job)) == 121


def test_deployments_that_wait_for_a_person_never_happened(server: Bitbucket, shop: Repository) -> None:
    for _ in range(3):
        shop.deploy(status=None)
        shop.deploy("Staging")
        shop.deploy("Production", "FAILED")
        server.now += DAY
    store = collect(server)
    assert [(row.environment, row.status) for row in store.of(Deployment)] == [
        ("Staging", "success"), ("Production", "failure"),
    ] * 3  # fmt: skip
    assert {row.actor for row in store.of(Deployment)} == {"{u-bob}"}
    assert [asked["state.name"] for asked in sent(server, "/deployments")] == ["COMPLETED"]


def test_a_deployment_that_took_hours_is_found_where_it_began(server: Bitbucket, shop: Repository) -> None:
    server.now = NOW
    shop.deploy()
    store = collect(server)
    server.now += 10 * HOUR
    slow = shop.deploy(minutes=9 * 60 + 30)
    shop.push()
    collect(server, store)
    assert slow in store.rows[Deployment]


# -- issues -----------------------------------------------------------------------------------------------------------


def test_issues_are_read_where_there_is_a_tracker(server: Bitbucket, shop: Repository) -> None:
    collect(server)
    assert "issues" not in "".join(server.asked())
    number = shop.report(assignee=BOB)
    store = collect(server)
    server.now += DAY
    shop.settle(number)
    collect(server, store)
    issue = store.one(Issue)
    assert (issue.key, issue.status_category, issue.assignee) == ("acme/shop#1", "done", "{u-bob}")
