"""What one or more collections ask of a server, and what lands of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.errors import AuthError, NotFoundError
from dxmetrics.records import (
    Change,
    Deployment,
    Identity,
    Issue,
    Job,
    Membership,
    PipelineRun,
    Repository,
    Review,
    Team,
)
from tests.fakes.forgejo import Forgejo, Refused
from tests.fakes.forgejo import Repository as Shop

from .support import TOKEN, again, collected, forgejo, pages, records, rows, source

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Forgejo:
    """A server with an organisation."""
    return Forgejo(NOW, token=TOKEN)


@pytest.fixture
def shop(server: Forgejo) -> Shop:
    """Its repository acme/shop."""
    return server.add("acme/shop")


def busy(shop: Shop, changes: int, *, hours: float = 7, first: str = "ada") -> None:
    """Changes that are opened one after the other, every second one reviewed and merged."""
    for place in range(changes):
        number = shop.open(by=first)
        if place % 2:
            shop.review(number)
            shop.merge(number)
        shop.server.now += timedelta(hours=hours)


# -- which repositories -----------------------------------------------------------------------------------------------


def scopes(server: Forgejo, **settings: Any) -> list[tuple[str, str]]:
    return [(scope.id, scope.title) for scope in source(server, **settings).scopes()]


def test_the_repositories_of_an_organisation_are_listed_the_last_changed_first(server: Forgejo, shop: Shop) -> None:
    pay = server.add("acme/pay")
    server.add("elsewhere/shop")
    pay.push()
    server.now += timedelta(hours=1)
    shop.push()
    assert scopes(server) == [
        (str(shop.id), "acme/shop"), (str(pay.id), "acme/pay"), ("teams:acme", "acme (teams)"),
    ]  # fmt: skip


def test_a_person_has_repositories_too_but_no_teams(server: Forgejo) -> None:
    mine = server.add("ada/notes")
    assert scopes(server, organisations=("ada",)) == [(str(mine.id), "ada/notes")]


def test_single_repositories_come_beside_and_one_that_is_named_twice_once(server: Forgejo, shop: Shop) -> None:
    tools = server.add("elsewhere/tools")
    shop.rename("acme/store")
    named = ("elsewhere/tools", "acme/shop", "acme/store")
    assert [name for name, _ in scopes(server, repositories=named, reads=("changes",))] == [str(shop.id), str(tools.id)]


def test_forks_and_what_is_excluded_are_left_out(server: Forgejo, shop: Shop) -> None:
    server.add("acme/fork", fork=True)
    server.add("acme/sandbox-1")
    left = scopes(server, excluded=("acme/sandbox-*",), reads=("changes",))
    assert left == [(str(shop.id), "acme/shop")]
    assert len(scopes(server, forks=True, reads=("changes",))) == 3


def test_a_mirror_is_a_scope_of_its_own_where_there_is_something_to_clone(server: Forgejo, shop: Shop) -> None:
    server.add("acme/new", empty=True)
    named = [scope for scope in scopes(server, mirror=True) if scope[0].endswith("/git")]
    assert named == [(f"{shop.id}/git", "acme/shop (git)")]


def test_an_organisation_that_is_not_there_says_what_to_correct(server: Forgejo) -> None:
    with pytest.raises(NotFoundError, match=r"'nobody' is neither an organisation nor a person on git\.test.*correct"):
        scopes(server, organisations=("nobody",))


def test_a_single_repository_that_is_not_there_fails_alone(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    shop.open()
    failures = collected(server, connection, repositories=("acme/gone",))
    assert [failure.partition(":")[2][:30] for failure in failures] == [" 404 on /api/v1/repos/acme/gon"]
    assert rows(connection, "select count(*) from landing.changes") == [(1,)]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "https://git.test"}, "set `organisations"),
        ({"url": "https://git.test", "repositories": ("shop",)}, "'shop' is not `owner/name`"),
        ({"organisations": ("acme",)}, "url"),
    ],
)
def test_settings_that_name_nothing_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        forgejo.ForgejoSettings.model_validate({"kind": "forgejo", **settings})


def test_the_address_may_name_the_api_or_a_path_of_its_own(server: Forgejo, shop: Shop) -> None:
    assert scopes(server, url="https://git.test/api/v1/", reads=("changes",)) == [(str(shop.id), "acme/shop")]
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return httpx2.Response(200, json=[])

    one = source(server, httpx2.MockTransport(answer), url="https://acme.test/git", reads=("changes",))
    assert list(one.scopes()) == []
    assert asked[0] == "/git/api/v1/orgs/acme/repos"


def test_a_refused_token_stops_the_source_and_names_its_variable(server: Forgejo, shop: Shop) -> None:
    with pytest.raises(AuthError, match="create a new one and set DX_FORGEJO__TOKEN"):
        scopes(server, token="expired")  # noqa: S106 - the fake's


# -- repositories, owners, teams, people ------------------------------------------------------------------------------


def test_a_renamed_repository_keeps_its_earlier_name(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    collected(server, connection)
    shop.rename("acme/store")
    collected(server, connection)
    assert rows(connection, "select ext_id, name, aliases from landing.repositories") == [
        (str(shop.id), "git.test/acme/store", ["git.test/acme/shop"])
    ]


@pytest.mark.parametrize("file", ["CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS", ".forgejo/CODEOWNERS"])
def test_the_team_that_owns_everything_owns_the_repository(server: Forgejo, shop: Shop, file: str) -> None:
    shop.files[file] = "# whose it is\n.* @ada @acme/payments\ndocs/.* @acme/writers\n"
    (repository,) = records(server, Repository)
    assert repository.team == "acme/payments"


def test_owners_are_looked_up_once_a_day_and_only_after_a_change(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    shop.files["CODEOWNERS"] = ".* @acme/payments"
    collected(server, connection)
    shop.push()
    shop.files["CODEOWNERS"] = ".* @acme/search"
    assert not any("contents" in path for path in again(server, connection))
    server.now += timedelta(days=1)
    assert any("contents" in path for path in again(server, connection))
    assert rows(connection, "select team from landing.repositories") == [("acme/search",)]
    server.now += timedelta(days=1)
    assert not any("contents" in path for path in again(server, connection))


def test_teams_have_members_from_the_day_they_are_met(server: Forgejo, connection: DuckDBPyConnection) -> None:
    made = server.team("payments", "ada", "bob")
    collected(server, connection)
    server.teams[made]["members"] = ["bob", "cleo"]
    server.now += timedelta(days=1)
    collected(server, connection)
    assert rows(connection, "select ext_id, name from landing.teams") == [("acme/payments", "payments")]
    known = {login: str(number) for login, number in server.people.items()}
    found = rows(connection, "select person, valid_from, valid_to from landing.memberships order by person")
    assert found == [
        (known["ada"], None, date(2026, 1, 6)),
        (known["bob"], None, None),
        (known["cleo"], date(2026, 1, 6), None),
    ]


def test_an_address_that_a_list_leaves_out_is_asked_for_once(server: Forgejo, shop: Shop) -> None:
    number = shop.open(by="ada")
    shop.merge(number, by="bob")  # who merged is always told without
    found = {one.login: one.email for one in records(server, Identity)}
    assert found == {"ada": "ada@acme.test", "bob": "bob@acme.test"}
    assert server.asked("users/") == ["users/bob"]


def test_who_may_not_ask_for_people_is_told_what_lists_tell(server: Forgejo, shop: Shop) -> None:
    server.lacks = {"read:user"}
    for merger in ("bob", "cleo"):
        shop.merge(shop.open(by="ada"), by=merger)
    assert {one.login for one in records(server, Identity)} == {"ada", "bob", "cleo"}
    assert len(server.asked("users/")) == 1


# -- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_gitea", [False, True], ids=["forgejo", "gitea"])
def test_a_change_comes_with_its_commits_reviews_and_lines(server: Forgejo, shop: Shop, is_gitea: bool) -> None:
    server.is_gitea = is_gitea
    for _ in range(5):
        number = shop.open("WIP: Carts", by="ada", branch="carts")
        server.now += timedelta(hours=2)
        shop.retitle(number, "Carts")
        shop.review(number, "REQUEST_CHANGES", by="bob")
        shop.review(number, "PENDING", by="cleo")
        shop.review(number, "REQUEST_REVIEW", by="cleo")
        shop.label(number, "urgent")
        merged = shop.merge(number, by="bob")
    change = records(server, Change)[-1]
    assert (change.state, change.merge_sha, change.labels) == ("merged", merged, ("urgent",))
    assert (change.lines_added, change.lines_deleted, change.commits_count) == (10, 3, 1)
    assert change.ready_at == change.opened_at + timedelta(hours=2)
    assert change.first_commit_at == change.opened_at - timedelta(hours=3)
    assert Counter(review.verdict for review in records(server, Review)) == {"changes_requested": 5}


def test_reviews_are_asked_for_only_where_there_are_some(server: Forgejo, shop: Shop) -> None:
    shop.open()
    reviewed = shop.open()
    shop.review(reviewed)
    pages(server)
    assert server.asked("/reviews") == [f"repos/acme/shop/pulls/{reviewed}/reviews"]


def test_a_thousand_changes_take_what_the_documentation_says(server: Forgejo, shop: Shop) -> None:
    server.now -= timedelta(days=300)
    busy(shop, 300)
    pages(server, reads=("changes",))
    assert len(server.requests) - len(server.asked("/reviews")) <= 2.15 * 300
    assert len(server.asked("/reviews")) <= 1.05 * 150


def test_a_repository_without_news_is_not_asked(server: Forgejo, shop: Shop, connection: DuckDBPyConnection) -> None:
    busy(shop, 3)
    shop.report()
    server.now += timedelta(hours=1)
    collected(server, connection)
    server.now += timedelta(minutes=15)
    assert again(server, connection) == ["orgs/acme/repos", "repos/issues/search"]


def test_news_lead_to_the_repository_that_has_them(server: Forgejo, shop: Shop, connection: DuckDBPyConnection) -> None:
    pay = server.add("acme/pay")
    busy(shop, 3)
    busy(pay, 3)
    collected(server, connection)
    server.now += timedelta(minutes=15)
    shop.comment(1)
    server.now += timedelta(minutes=15)
    asked = again(server, connection)
    assert asked[2:] == [
        "repos/acme/shop/issues", "repos/acme/shop/pulls/1", "repos/acme/shop/pulls/1/commits",
        "repos/acme/shop/issues/1/timeline",
    ]  # fmt: skip


def test_after_a_long_pause_repositories_are_asked_themselves(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    busy(shop, 3)
    collected(server, connection)
    server.now += timedelta(days=2)
    shop.comment(1)
    server.now += timedelta(days=2)
    assert "repos/acme/shop/pulls/1" in again(server, connection)


def test_a_force_push_leaves_no_commit_behind(server: Forgejo, shop: Shop, connection: DuckDBPyConnection) -> None:
    number = shop.open()
    collected(server, connection)
    server.now += timedelta(minutes=15)
    sha = shop.commit(number, forces=True)
    server.now += timedelta(minutes=15)
    collected(server, connection)
    assert rows(connection, "select sha from landing.change_commits where deleted_at is null") == [(sha,)]


def test_a_deleted_request_is_found_within_a_week(server: Forgejo, shop: Shop, connection: DuckDBPyConnection) -> None:
    busy(shop, 4)
    for _ in range(2):
        collected(server, connection)
        server.now += timedelta(days=8)
    shop.delete(2)
    collected(server, connection)
    assert rows(connection, "select number from landing.changes where deleted_at is not null") == [(2,)]


def test_a_long_timeline_is_read_to_its_end_though_each_page_calls_itself_the_last(server: Forgejo, shop: Shop) -> None:
    number = shop.open("WIP: Carts")
    for place in range(120):
        shop.comment(number, on_line=place % 2 == 0)
    server.now += timedelta(hours=1)
    shop.retitle(number, "Carts")
    (change,) = records(server, Change)
    assert change.ready_at == change.opened_at + timedelta(hours=1)


def test_a_request_with_many_commits_is_told_with_all_of_them(server: Forgejo, shop: Shop) -> None:
    number = shop.open()
    for hours in range(120):
        shop.commit(number, hours_ago=hours)
    (change,) = records(server, Change)
    assert change.commits_count == 121
    assert change.first_commit_at == change.opened_at - timedelta(hours=119)


def test_a_request_the_server_breaks_at_is_told_by_its_row_and_asked_for_again(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    number = shop.open("Carts")
    shop.open("Fine")
    shop.issues[number]["pull"]["is_damaged"] = True
    (noted,) = [page.notes[0] for _, page in pages(server) if page.notes]
    assert noted.startswith("acme/shop#1: forgejo: 500 on /api/v1/repos/acme/shop/pulls/1")
    collected(server, connection)
    known = "select number, title, lines_added, commits_count from landing.changes order by number"
    assert rows(connection, known) == [(1, "Carts", None, 1), (2, "Fine", 10, 1)]
    shop.issues[number]["pull"]["is_damaged"] = False
    server.now += timedelta(minutes=15)
    assert "repos/acme/shop/pulls/1" in again(server, connection)
    assert rows(connection, known)[0] == (1, "Carts", 10, 1)
    server.now += timedelta(minutes=15)
    assert "repos/acme/shop/pulls/1" not in again(server, connection)


def test_a_server_in_trouble_fails_the_feed_and_loses_nothing(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    shop.open()
    shop.report()

    def break_down(request: httpx2.Request) -> None:
        if "/pulls/" in request.url.path:
            raise Refused(503, "Down for maintenance")

    server.before = break_down
    (failure,) = collected(server, connection)
    assert "503 on /api/v1/repos/acme/shop/pulls/1" in failure
    assert rows(connection, "select count(*) from landing.issues") == [(1,)]
    server.before = lambda _: None
    assert collected(server, connection) == []
    assert rows(connection, "select count(*) from landing.changes") == [(1,)]


def test_a_list_that_takes_too_long_is_asked_for_less(server: Forgejo, shop: Shop) -> None:
    busy(shop, 60, hours=1)

    def be_slow(request: httpx2.Request) -> None:
        if request.url.path.endswith("/pulls") and int(request.url.params["limit"]) > 20:
            raise Refused(504, "Gateway timeout")

    server.before = be_slow
    assert len(records(server, Change)) == 60
    assert server.asked("pulls/1") == [
        path for path in server.asked("pulls/1") if path.endswith(("commits", "reviews"))
    ]


@pytest.mark.parametrize("is_gitea", [False, True], ids=["forgejo", "gitea"])
def test_many_rows_of_one_second_are_all_read(server: Forgejo, shop: Shop, is_gitea: bool) -> None:
    server.is_gitea = is_gitea
    server.now -= timedelta(days=40)
    for _ in range(130):
        shop.report()
    busy(shop, 2)
    assert len(records(server, Issue)) == 130


@pytest.mark.parametrize("is_gitea", [False, True], ids=["forgejo", "gitea"])
def test_history_ends_where_there_is_none(server: Forgejo, shop: Shop, is_gitea: bool) -> None:
    server.is_gitea = is_gitea
    shop.about["original_url"] = "https://elsewhere.test/shop"  # imported: older than the repository itself
    server.now = NOW - timedelta(days=3_000)
    busy(shop, 60, hours=20)
    server.now = NOW
    found = records(server, Change, reads=("changes",))
    assert len(found) == 60
    lists = [path for path in server.asked() if path.endswith("shop/issues")]
    assert len(lists) < (40 if is_gitea else 10)


def test_nothing_is_read_from_before_the_day_that_is_set(server: Forgejo, shop: Shop) -> None:
    server.now = NOW - timedelta(days=300)
    busy(shop, 100, hours=48)
    found = records(server, Change, since=date(2025, 9, 1), reads=("changes",))
    assert min(change.updated_at for change in found) >= datetime(2025, 9, 1, tzinfo=UTC)
    assert 10 < len(found) < 50


def test_a_part_that_is_switched_off_is_not_asked_for(server: Forgejo, shop: Shop) -> None:
    shop.about |= {"has_issues": False, "has_pull_requests": False, "has_actions": False, "release_counter": 0}
    pages(server)
    assert server.asked("repos/acme/shop") == ["repos/acme/shop/contents"]


@pytest.mark.parametrize(
    ("lacks", "told"),
    [
        (
            "read:issue",
            'the scope it takes is read:issue: create a token that has it, or leave "issues" out of `reads`',
        ),
        ("read:organization", "the scope it takes is read:organization: create a token that has it"),
    ],
)
def test_a_scope_the_token_lacks_is_named(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection, lacks: str, told: str
) -> None:
    shop.open()
    server.lacks = {lacks}
    assert told in " ".join(collected(server, connection))


# -- Actions and releases ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_gitea", [False, True], ids=["forgejo", "gitea"])
def test_runs_are_read_with_their_jobs_and_attempts(server: Forgejo, shop: Shop, is_gitea: bool) -> None:
    server.is_gitea = is_gitea
    made = [shop.run() for _ in range(3)]
    for one in made:
        shop.start(one)
        server.now += timedelta(minutes=5)
        shop.finish(one, "failure")
    shop.rerun(made[0])
    server.now += timedelta(hours=3)
    shop.start(made[0], "test")
    server.now += timedelta(minutes=1)
    shop.finish(made[0])
    runs = {run.ext_id: run.result for run in records(server, PipelineRun)}
    assert runs == {
        f"{made[0]}/1": "failure", f"{made[0]}/2": "success", f"{made[1]}/1": "failure", f"{made[2]}/1": "failure",
    }  # fmt: skip
    assert Counter(job.pipeline_run for job in records(server, Job)) == {
        f"{made[0]}/1": 2, f"{made[0]}/2": 1, f"{made[1]}/1": 2, f"{made[2]}/1": 2,
    }  # fmt: skip


def test_a_run_that_is_going_on_is_read_again_until_it_ends(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    made = shop.run(pull=shop.open())
    collected(server, connection)
    known = "select ext_id, result, change from landing.pipeline_runs"
    assert rows(connection, known) == [(f"{made}/1", None, f"{shop.id}/1")]
    server.now += timedelta(minutes=15)
    shop.start(made)
    server.now += timedelta(minutes=5)
    shop.finish(made)
    collected(server, connection)
    assert rows(connection, known) == [(f"{made}/1", "success", f"{shop.id}/1")]
    assert rows(connection, "select count(*) from landing.jobs where result = 'success'") == [(2,)]
    server.now += timedelta(minutes=15)
    assert "repos/acme/shop/actions/tasks" not in again(server, connection)


def test_a_run_that_is_started_again_days_later_keeps_its_first_attempt(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    made = shop.run()
    shop.start(made)
    shop.finish(made, "failure")
    for _ in range(120):
        shop.finish(shop.run())
    collected(server, connection)
    server.now += timedelta(days=5)
    shop.rerun(made)
    shop.start(made, "test")
    shop.finish(made)
    server.now += timedelta(days=1)
    collected(server, connection)
    attempts = f"select attempt, result from landing.pipeline_runs where ext_id like '{made}/%' order by 1"
    assert rows(connection, attempts) == [(1, "failure"), (2, "success")]


def test_runs_and_releases_of_the_second_the_repository_was_made_in_are_read_to_the_last(server: Forgejo) -> None:
    server.most = 7
    shop = server.add("acme/new", days_old=0)
    made = {f"{shop.run()}/1" for _ in range(8)}
    versions = [f"v{place}" for place in range(8)]
    for version in versions:
        shop.release(version)
    server.now += timedelta(hours=1)
    assert {run.ext_id for run in records(server, PipelineRun)} == made
    assert {one.version for one in records(server, Deployment)} == set(versions)


def test_a_server_that_is_too_old_for_runs_says_so(server: Forgejo, shop: Shop, connection: DuckDBPyConnection) -> None:
    def be_old(request: httpx2.Request) -> None:
        if request.url.path.endswith("/actions/runs"):
            raise Refused(404, "The target couldn't be found.")

    shop.run()
    server.before = be_old
    (failure,) = collected(server, connection)
    assert 'leave "pipelines" out of `reads`' in failure
    assert "the server is too old to list runs: update it" in failure


def test_releases_stand_for_deployments_of_the_commit_of_their_tag(server: Forgejo, shop: Shop) -> None:
    server.now -= timedelta(days=200)
    shas = {}
    for place in range(60):
        shas[f"v{place}"] = shop.release(f"v{place}")
        server.now += timedelta(days=3)
    shop.release("v60-rc1", prerelease=True)
    shop.release("v61", draft=True)
    found = records(server, Deployment)
    assert {one.version: one.sha for one in found} == shas
    assert {(one.via, one.environment, one.repository) for one in found} == {("release", "production", str(shop.id))}


def test_a_release_of_an_older_tag_is_found_within_a_day(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    shop.release("v2.0.0")
    collected(server, connection)
    assert "repos/acme/shop/releases" not in again(server, connection)
    server.now += timedelta(days=1, hours=1)
    shop.release("v1.9.9", days_old=10)
    collected(server, connection)
    assert rows(connection, "select version from landing.deployments order by 1") == [("v1.9.9",), ("v2.0.0",)]


# -- whoever asks, and in whatever state the server is ----------------------------------------------------------------


@pytest.mark.parametrize("most", [50, 7])
def test_a_server_that_gives_fewer_rows_a_page_is_read_whole(server: Forgejo, shop: Shop, most: int) -> None:
    server.most = most
    server.now -= timedelta(days=100)
    for _ in range(30):
        shop.finish(shop.run())
        shop.report()
        shop.release(f"v{len(shop.releases)}")
        server.now += timedelta(hours=20)
    number = shop.open()
    for _ in range(20):
        shop.commit(number)
        shop.review(number)
    assert len(records(server, PipelineRun)) == 30
    assert len(records(server, Issue)) == 30
    assert len(records(server, Deployment)) == 30
    assert len(records(server, Review)) == 20


def test_what_has_another_form_is_said_and_fails_alone(
    server: Forgejo, shop: Shop, connection: DuckDBPyConnection
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        found = server.handle_request(request)
        return httpx2.Response(200, json={"rows": []}) if request.url.path.endswith("shop/issues") else found

    shop.release("v1")
    one = source(server, httpx2.MockTransport(answer))
    scope = next(iter(one.scopes()))
    with pytest.raises(Exception, match="answers without a list: its form has changed"):
        list(one.collect(scope, None))


def test_only_teams_and_members_are_asked_for_where_only_they_are_read(server: Forgejo, shop: Shop) -> None:
    server.team("payments", "ada")
    assert len(records(server, Team, reads=("teams",))) == 1
    assert len(records(server, Membership, reads=("teams",))) == 1
    assert not any("search" in path for path in server.asked())


def test_the_mirror_is_cloned_with_the_token_and_no_address_holds_it(
    server: Forgejo, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloned: dict[str, Any] = {}

    def history(hosted: Any, cursor: Any, _context: Any, **options: Any) -> list[Any]:
        cloned.update(options, address=hosted.address, name=hosted.name, id=hosted.repository, forge=hosted.forge)
        return []

    monkeypatch.setattr(forgejo, "history", history)
    one = source(server, mirror=True, line_counts=True)
    assert list(one.collect(list(one.scopes())[-1], None)) == []
    assert cloned["address"] == "https://git.test/acme/shop.git"
    assert (cloned["name"], cloned["id"], cloned["forge"]) == ("git.test/acme/shop", str(shop.id), "gitea")
    assert (cloned["token"], cloned["line_counts"]) == (TOKEN, True)


def test_no_more_than_four_requests_are_under_way(server: Forgejo, shop: Shop) -> None:
    assert source(server)._api.client.budget.concurrency == 4
