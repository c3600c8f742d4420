"""What the source collects from a server that behaves as GitLab does, and what it asks for."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from dxmetrics.errors import AuthError, NotFoundError, SettingsError
from dxmetrics.records import (
    Change,
    ChangeCommit,
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
from tests.fakes.gitlab import Fault, Server, World
from tests.fakes.gitlab.faults import TIMEOUT

from .harness import TOKEN, Found, collect, gitlab, source


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def server(world: World) -> Server:
    return Server(world, token=TOKEN)


def again(server: Server, before: Found, **settings: object) -> tuple[Found, Counter[str]]:
    """Another collection, and what it asked for beside what lists the projects."""
    server.asked.clear()
    found = collect(server, before, **settings)
    asked = server.counted()
    del asked["GET /groups/acme/projects"], asked["Probe"]
    return found, asked


# -- what is new ------------------------------------------------------------------------------------------------------


def test_a_poll_of_a_hundred_quiet_projects_takes_three_requests(world: World, server: Server) -> None:
    for number in range(100):
        project = world.project(f"acme/team-{number % 7}/service-{number}")
        world.merge(world.open(project))
        world.deploy(project)
        world.issue(project)
        world.release(project, "v1")
    world.wait(days=3)
    first = collect(server, reads=("changes", "deployments", "releases", "issues", "pipelines"))
    assert (len(first.of(Repository)), len(first.of(Change)), len(first.of(Deployment))) == (100, 100, 200)
    world.wait(minutes=15)
    server.asked.clear()
    second = collect(server, first, reads=("changes", "deployments", "releases", "issues", "pipelines"))
    assert server.asked == ["GET /groups/acme/projects", "Probe", "Probe"]
    assert [page.rows for page in second.pages if page.rows] == []


def test_only_what_changed_is_asked_for(world: World, server: Server) -> None:
    quiet, busy = world.project("acme/quiet"), world.project("acme/busy")
    world.open(quiet)
    request = world.open(busy)
    world.wait(days=2)
    first = collect(server)
    world.wait(minutes=15)
    world.comment(request)
    second, asked = again(server, first)
    assert asked == {"Changes": 1}
    assert [(one.change, one.verdict) for one in second.of(Review)] == [(str(request["number"]), "commented")]


def test_a_thousand_requests_take_about_twenty_questions(world: World, server: Server) -> None:
    project = world.project()
    for number in range(1_000):
        request = world.open(project)
        if number % 3:
            world.merge(request)
        world.wait(hours=3)
    found = collect(server, reads=("changes",))
    assert len(found.of(Change)) == 1_000
    assert server.counted()["Changes"] <= 21  # the last second of the newest two weeks is read twice


def test_a_pipeline_is_read_when_it_is_run_again_however_old_it_is(world: World, server: Server) -> None:
    project = world.project()
    old = world.run(project, status="FAILED")
    world.wait(days=100)
    first = collect(server)
    world.wait(hours=1)
    world.retry(old)
    world.wait(minutes=3)
    second, asked = again(server, first)
    found = second.one(PipelineRun)
    assert (found.ext_id, found.result) == (str(old["number"]), "success")
    assert asked["Pipelines"] == 1
    assert [(job.name, job.attempt, job.result) for job in second.of(Job)] == [
        ("build", 1, "failure"),
        ("test", 1, "failure"),
        ("test", 2, "success"),
    ]


def test_children_of_pipelines_are_read_too(world: World, server: Server) -> None:
    project = world.project()
    parent = world.run(project)
    child = world.child(project, parent)
    found = {one.ext_id: one for one in collect(server).of(PipelineRun)}
    assert found.keys() == {str(parent["number"]), str(child["number"])}
    assert found[str(child["number"])].name == "trigger frontend"


def test_a_job_that_waits_for_a_person_is_told_when_it_has_begun_and_does_not_prolong_its_pipeline(
    world: World, server: Server
) -> None:
    run = world.run(world.project())
    manual = world.job(run, "deploy", manual=True)
    ended = run["finishedAt"]
    first = collect(server)
    assert {job.name for job in first.of(Job)} == {"build", "test"}
    world.wait(days=3)
    world.play(run, manual)
    world.wait(minutes=5)
    second = collect(server, first)
    assert {job.name for job in second.of(Job)} == {"build", "test", "deploy"}
    assert second.one(PipelineRun).finished_at == ended.replace(microsecond=0)


# -- merge requests ---------------------------------------------------------------------------------------------------


def test_what_does_not_fit_into_a_page_follows(world: World, server: Server) -> None:
    request = world.open(world.project())
    for _ in range(250):
        world.push(request)
        world.comment(request)
    found = collect(server, reads=("changes",))
    assert (len(found.of(ChangeCommit)), len(found.of(Review))) == (251, 250)
    assert found.one(Change).commits_count == 251
    assert server.counted()["Rest"] == 5  # two of each are read on at a time; there are twice as many notes


def test_a_force_push_leaves_no_commit_behind(world: World, server: Server) -> None:
    request = world.open(world.project())
    world.push(request)
    world.push(request, forces=True)
    found = collect(server)
    whole = next(page.whole for page in found.pages if Change in page.rows)
    assert whole[ChangeCommit].of == whole[Review].of == [str(request["number"])]
    assert len(found.of(ChangeCommit)) == 1


def test_an_approval_that_was_taken_back_keeps_its_time(world: World, server: Server) -> None:
    request = world.open(world.project())
    for deed in (world.approve, world.unapprove, world.approve):
        world.wait(hours=1)
        deed(request, "bob")
    world.approve(request, "cleo")
    assert [one.verdict for one in collect(server).of(Review)] == ["dismissed", "approved", "approved"]


def test_the_commit_of_a_squash_without_a_merge_commit_is_asked_of_rest(world: World, server: Server) -> None:
    project = world.project()
    wanted = {}
    for method in ("merge", "squash", "fast_forward", "squash_forward"):
        request = world.open(project)
        world.push(request)
        wanted[str(request["number"])] = (world.merge(request, method=method), method.replace("_forward", ""))
    found = {one.ext_id: (one.merge_sha, one.merge_method) for one in collect(server).of(Change)}
    assert found == {name: (sha, "fast_forward" if how == "fast" else how) for name, (sha, how) in wanted.items()}
    assert server.counted()["GET /projects/*/merge_requests"] == 1


def test_a_request_that_is_too_much_for_the_server_is_asked_for_in_smaller_pages_from_then_on(
    world: World, server: Server
) -> None:
    project = world.project()
    for _ in range(30):
        world.open(project)
    world.wait(hours=1)
    server.limit = 150
    first = collect(server, reads=("changes",))
    assert len(first.of(Change)) == 30
    assert first.cursors[str(project["number"])]["changes"]["memo"] == {"size": 12}
    world.wait(hours=1)
    world.open(project)
    server.asked.clear()
    collect(server, first, reads=("changes",))
    assert server.counted()["Changes"] == 1


def test_answers_that_come_too_late_are_asked_for_in_smaller_pages(world: World, server: Server) -> None:
    project = world.project()
    for _ in range(30):
        world.open(project)
    server.coming = [
        Fault("query Changes", status=200, body=TIMEOUT, larger_than=25, times=1),
        Fault("query Changes", status=502, larger_than=20, times=9),
    ]
    found = collect(server, reads=("changes",))
    assert (len(found.of(Change)), found.failures) == (30, [])


def test_an_older_version_is_asked_for_what_it_has_and_the_rest_is_noted(world: World, server: Server) -> None:
    project = world.project()
    world.merge(world.open(project))
    world.run(project)
    server.lacks = frozenset(
        {
            ("MergeRequest", "diffStatsSummary"),
            ("MergeRequest", "closedAt"),
            ("Pipeline", "name"),
            ("CiJob", "queuedAt"),
        }
    )
    found = collect(server)
    assert found.failures == []
    change, job = found.one(Change), found.of(Job)[0]
    assert (change.state, change.lines_added, change.paths) == ("merged", None, ("src/file1.py",))
    assert job.queued_at is not None  # since it was made, as far as is known
    assert sorted(found.notes) == [
        f"this version of GitLab does not tell {what}: it stays unknown"
        for what in (
            "how many lines a merge request changes (MergeRequest.diffStatsSummary)",
            "what a pipeline is called (Pipeline.name)",
            "when a job was queued (CiJob.queuedAt)",
            "when a merge request was closed (MergeRequest.closedAt)",
        )
    ]


def test_a_version_that_is_too_old_is_named(world: World, server: Server) -> None:
    world.open(world.project())
    server.lacks = frozenset({("MergeRequest", "diffHeadSha")})
    assert collect(server).failures == [
        "gitlab: this GitLab does not know MergeRequest.diffHeadSha: version 15 or newer is needed"
    ]


# -- deployments ------------------------------------------------------------------------------------------------------


def test_what_a_success_in_production_shipped_is_asked_for_once(world: World, server: Server) -> None:
    project = world.project()
    request = world.open(project)
    shipped = {
        name: world.deploy(project, name, shipped=[request], tier=tier)
        for name, tier in (
            ("production", "production"), ("eu/prod", "production"), ("customers", "production"), ("blue", "other"),
            ("staging", "staging"), ("review/tea", "development"),
        )
    }  # fmt: skip
    world.deploy(project, status="failed")
    world.wait(hours=2)
    first = collect(server)
    changes = {one.ext_id: one.changes for one in first.of(Deployment)}
    wanted = (str(request["number"]),)
    assert {name for name, one in shipped.items() if changes[str(one["number"])] == wanted} == {
        "production", "eu/prod", "customers", "blue",
    }  # fmt: skip
    asked = server.counted()
    assert asked["GET /projects/*/deployments/*/merge_requests"] == 4
    assert asked["GET /projects/*/environments/*"] == 3  # customers, blue, staging
    world.wait(hours=26)
    world.deploy(project, "customers", shipped=[request])
    world.wait(minutes=40)
    _, asked = again(server, first, reads=("changes", "deployments"))
    assert asked == {
        "GET /projects/*/deployments": 1, "GET /projects/*/deployments/*/merge_requests": 1, "Users": 1,
    }  # fmt: skip


def test_what_was_shipped_is_asked_for_again_until_gitlab_had_the_time_to_find_out(
    world: World, server: Server
) -> None:
    project = world.project()
    request = world.open(project)
    deployment = world.deploy(project)
    first = collect(server)
    assert first.one(Deployment).changes == ()
    deployment["shipped"].append(request)  # by a job in the background, which changes no time
    world.wait(minutes=16)
    second = collect(server, first)
    assert second.one(Deployment).changes == (str(request["number"]),)


def test_a_deployment_that_has_not_begun_is_left_out_until_it_has(world: World, server: Server) -> None:
    project = world.project()
    world.deploy(project, status="created")
    waiting = world.deploy(project, status="blocked")
    first = collect(server)
    assert first.of(Deployment) == []
    world.wait(minutes=16)
    world.settle(waiting)
    second = collect(server, first)
    assert [(one.ext_id, one.status) for one in second.of(Deployment)] == [(str(waiting["number"]), "success")]


def test_a_deployment_that_was_reported_is_found_within_a_day_and_the_next_ones_at_once(
    world: World, server: Server
) -> None:
    project = world.project()
    world.run(project)
    world.wait(days=5)
    found = collect(server)
    world.wait(hours=2)
    found = collect(server, found)
    world.report(project)
    world.wait(hours=20)
    found = collect(server, found)
    assert found.of(Deployment) == []
    world.wait(hours=5)
    found = collect(server, found)
    assert [one.via for one in found.of(Deployment)] == ["api"]
    world.wait(hours=1)
    other = world.report(project)
    world.wait(minutes=5)
    assert str(other["number"]) in {one.ext_id for one in collect(server, found).of(Deployment)}


def test_who_deploys_is_looked_up_as_rest_does_not_tell_who_is_a_bot(world: World, server: Server) -> None:
    project = world.project()
    world.user("release-bot", bot=True)
    for name in ("release-bot", "ada", "release-bot"):
        world.deploy(project, by=name)
    found = collect(server, reads=("deployments",))
    assert {one.login: one.kind for one in found.of(Identity)} == {"release-bot": "bot", "ada": "human"}
    assert server.counted()["Users"] == 1


def test_a_release_counts_once_it_is_out(world: World, server: Server) -> None:
    project = world.project()
    world.release(project, "v1")
    world.release(project, "v2", world.now + timedelta(days=1))
    world.release(project, "v0", world.now - timedelta(days=90))
    world.wait(hours=1)
    first = collect(server)
    assert [one.version for one in first.of(Deployment)] == ["v0", "v1"]
    world.wait(days=2)
    second, asked = again(server, first, reads=("releases",))
    assert [one.version for one in second.of(Deployment)] == ["v2"]
    assert asked == {"Release": 1}


# -- projects and groups ----------------------------------------------------------------------------------------------


def test_a_moved_project_keeps_its_id_and_its_earlier_names(world: World, server: Server) -> None:
    project = world.project("acme/shop")
    world.open(project)
    first = collect(server)
    world.move(project, "acme/pay/store")
    world.wait(minutes=15)
    second = collect(server, first)
    found = second.one(Repository)
    assert (found.ext_id, found.name) == (str(project["number"]), "gitlab.test/acme/pay/store")
    assert found.aliases == ("gitlab.test/acme/shop",)
    third = collect(server, second)
    assert third.of(Repository) == []


def test_a_single_project_is_found_by_its_former_path(world: World, server: Server) -> None:
    project = world.project("acme/shop")
    world.move(project, "acme/store")
    found = collect(server, organisations=(), repositories=("acme/shop", "Acme/Store"))
    assert [one.name for one in found.of(Repository)] == ["gitlab.test/acme/store"]


def test_forks_those_left_out_and_those_that_are_to_be_deleted_are_not_read(world: World, server: Server) -> None:
    for path, row in {
        "acme/shop": {},
        "acme/fork": {"forked_from_project": {"id": 1}},
        "acme/sandbox-1": {},
        "acme/gone-deleted-7": {"marked_for_deletion_on": "2026-06-01"},
    }.items():
        world.project(path, **row)

    def names(**settings: object) -> list[str]:
        found = collect(server, excluded=("acme/sandbox-*",), **settings)
        return sorted(one.name for one in found.of(Repository))

    assert names() == ["gitlab.test/acme/shop"]
    assert names(forks=True) == ["gitlab.test/acme/fork", "gitlab.test/acme/shop"]
    assert names(organisations=(), repositories=("acme/fork",)) == ["gitlab.test/acme/fork"]


def test_the_history_of_an_imported_project_is_older_than_itself(world: World, server: Server) -> None:
    project = world.project(days_old=0, import_status="finished")
    world.wait(days=-500)
    for _ in range(60):
        world.open(project)
    world.wait(days=500)
    found = collect(server)
    assert len(found.of(Change)) == 60
    covered = min(page.covers[Change][0] for page in found.pages if Change in page.covers)
    assert covered == project["mergeRequests"][0]["createdAt"].replace(microsecond=0)


def test_nothing_older_than_since_is_asked_for(world: World, server: Server) -> None:
    project = world.project()
    world.wait(days=-100)
    world.open(project)
    world.issue(project)
    world.run(project)
    world.wait(days=90)
    kept = world.open(project)
    found = collect(server, since=world.now.date() - timedelta(days=5))
    assert [one.ext_id for one in found.of(Change)] == [str(kept["number"])]
    assert (found.of(Issue), found.of(PipelineRun), found.failures) == ([], [], [])


def test_a_feature_that_is_switched_off_is_not_asked_for(world: World, server: Server) -> None:
    world.project(builds_access_level="disabled", issues_access_level="disabled")
    collect(server)
    assert server.counted().keys() & {"Issues", "GET /projects/*/pipelines"} == set()


def test_groups_are_teams_and_a_member_of_one_below_counts_there(world: World, server: Server) -> None:
    world.join("acme", "ada", "bob", "cleo")
    world.join("acme/pay", "bob")
    world.join("acme/pay/core", *(f"dev{number}" for number in range(230)))
    found = collect(server)
    assert [(one.ext_id, one.parent) for one in found.of(Team)] == [
        ("acme", None), ("acme/pay", "acme"), ("acme/pay/core", "acme/pay"),
    ]  # fmt: skip
    members = Counter(one.team for one in found.of(Membership))
    assert members == {"acme": 2, "acme/pay": 1, "acme/pay/core": 230}
    assert server.counted()["Members"] == 3
    world.wait(hours=3)
    _, asked = again(server, found)
    assert asked == {}


def test_who_leaves_a_group_was_in_it_until_that_day(world: World, server: Server) -> None:
    world.join("acme", "ada", "bob")
    first = collect(server)
    world.leave("acme", "bob")
    world.wait(days=2)
    second = collect(server, first)
    assert {one.person: one.valid_to for one in second.of(Membership)} == {
        str(world.users["ada"]["number"]): None,
        str(world.users["bob"]["number"]): world.now.date(),
    }


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_nothing_named_is_said_so(server: Server) -> None:
    with pytest.raises(SettingsError, match=r"set `organisations` to groups, or `repositories`"):
        list(source(server, organisations=()).scopes())


@pytest.mark.parametrize("url", ["gitlab.example.com", "https://user:secret@gitlab.example.com"])
def test_an_address_that_is_none_is_said_so_without_its_password(server: Server, url: str) -> None:
    with pytest.raises(SettingsError, match=r"'gitlab.example.com' is no address of a server") as caught:
        source(server, url=url)
    assert "secret" not in str(caught.value)


def test_a_token_that_ended_is_said_so(server: Server) -> None:
    with pytest.raises(AuthError, match="DX_GITLAB__TOKEN"):
        list(source(server, token="glpat-ended-long-ago").scopes())  # noqa: S106 - the fake's


def test_a_group_that_is_not_there_is_said_so(server: Server) -> None:
    with pytest.raises(NotFoundError, match=r"group 'nobody'.*correct `organisations`"):
        list(source(server, organisations=("nobody",)).scopes())


def test_a_single_project_that_is_not_there_fails_alone(world: World, server: Server) -> None:
    world.project("acme/shop")
    found = collect(server, organisations=(), repositories=("acme/nothing", "acme/shop"))
    assert len(found.of(Repository)) == 1
    (failure,) = found.failures
    assert "404 on /api/v4/projects/acme/nothing" in failure


def test_a_list_the_token_may_not_read_fails_alone_and_says_what_it_needs(world: World, server: Server) -> None:
    project = world.project()
    world.open(project)
    world.issue(project)
    world.deploy(project)
    server.hidden, server.forbidden = frozenset({"mergeRequests"}), frozenset({"/deployments"})
    found = collect(server)
    assert (len(found.of(Issue)), len(found.of(PipelineRun)), found.of(Change)) == (1, 1, [])
    (failure,) = found.failures
    for read in ("changes", "deployments"):
        remedy = f'the token needs the scope read_api and the role Reporter there: give it that, or leave "{read}" out'
        assert remedy in failure
    assert "acme/shop: mergeRequests cannot be read" in failure


def test_a_scope_that_the_token_lacks_is_named(world: World, server: Server) -> None:
    world.project()
    body = {"error": "insufficient_scope", "error_description": "more privileges", "scope": "api read_api"}
    server.coming = [Fault("/deployments", status=403, body=body, times=9)]
    (failure,) = collect(server, reads=("deployments",)).failures
    assert "the token lacks the scope 'api read_api'" in failure


def test_a_probe_that_fails_lets_every_project_be_read(world: World, server: Server) -> None:
    world.open(world.project())
    first = collect(server, reads=("changes",))
    world.wait(minutes=15)
    server.coming = [Fault("query Probe", status=200, body={"errors": [{"message": "No."}]})]
    _, asked = again(server, first, reads=("changes",))
    assert asked == {"Changes": 1}


def test_a_request_that_vanishes_while_its_notes_are_read_is_said_so_and_read_next_time(
    world: World, server: Server
) -> None:
    project = world.project()
    request = world.open(project)
    for _ in range(120):
        world.comment(request)
    server.coming = [
        Fault("query Rest", change=lambda world: world.delete(project, "mergeRequests", request)),
    ]
    first = collect(server, reads=("changes",))
    assert "was gone before all its notes were read" in first.failures[0]
    second = collect(server, first, reads=("changes",))
    assert (second.of(Change), second.failures) == ([], [])


def test_a_server_below_a_path_is_reached_over_the_network(world: World, tmp_path: Path) -> None:
    world.open(world.project())
    with Server(world, token=TOKEN, root="/tools/gitlab") as server:
        found = collect(server, on_network=True, folder=tmp_path)
    assert len(found.of(Change)) == 1
    assert found.failures == []


def test_each_project_has_a_mirror_that_is_cloned_from_the_address_of_the_settings(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = world.project("acme/shop", http_url_to_repo="https://elsewhere.example/acme/shop.git")
    world.project("acme/empty", empty_repo=True)
    asked = []
    monkeypatch.setattr(gitlab, "history", lambda hosted, cursor, context, **how: asked.append((hosted, how)) or ())
    one = source(server, mirror=True, reads=())
    scopes = {scope.id: scope.title for scope in one.scopes()}
    mirrors = {name: title for name, title in scopes.items() if name.endswith("/git")}
    assert mirrors == {f"{project['number']}/git": "acme/shop (git)"}
    for scope in one.scopes():
        list(one.collect(scope, None))
    ((hosted, how),) = asked
    assert (hosted.address, hosted.name) == ("https://gitlab.test/acme/shop.git", "gitlab.test/acme/shop")
    assert (hosted.repository, hosted.forge, how["token"]) == (str(project["number"]), "gitlab", TOKEN)
