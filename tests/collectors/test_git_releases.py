"""Releases: which tags are deployments, of what, when, after which, and which repair the one before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dxmetrics.records import Change, Commit, Deployment, Link

from .gitrepo import START, Collected, Repo, collect


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit, an hour after START."""
    made = Repo(tmp_path / "shop")
    made.commit("init")
    return made


def tags(found: Collected) -> list[str]:
    """The tags that are deployments, in the order they came."""
    return [one.ext_id.partition("@")[2] for one in found.of(Deployment)]


def tagged(found: Collected, tag: str) -> Deployment:
    """The deployment of a tag."""
    (one,) = [one for one in found.of(Deployment) if one.ext_id.endswith(f"@{tag}")]
    assert isinstance(one, Deployment)
    return one


def release(repo: Repo, *names: str, days: float = 30) -> None:
    """Annotated tags of a new commit each, `days` apart."""
    for name in names:
        repo.wait(days=days)
        repo.commit(name)
        repo.tag(name, annotated=True)


VERSIONS = ("1.2.3", "v1.2.4", "1.3", "v1.4", "operator/v0.4.0", "pkg/deep/1.0.0", "2026.1.2")
TRAPS = (
    "v1.0.0-rc1", "1.0.0rc1", "1.0a1", "v2.0.0.dev1", "v1.0.0-beta.2", "1.2.x", "stable", "latest", "v1", "v2.1.2-hf1",
    "name-1.0.1", "20220520", "v1.99.0-retract", "v0.7.10p1", "0.26.0.post1", "V0.17", "1.2.3.4",
)  # fmt: skip


def test_versions_are_releases_and_other_tags_are_counted_in_a_note(repo: Repo, tmp_path: Path) -> None:
    for name in (*VERSIONS, *TRAPS):
        repo.tag(name, annotated=True)
    found = collect(tmp_path, repo.folder)
    assert tags(found) == list(VERSIONS)
    assert "not counted as releases: 12 not versions, 5 pre-releases" in found.notes


def test_tags_of_what_is_no_commit_are_passed_over(repo: Repo, tmp_path: Path) -> None:
    release(repo, "1.0.0")
    repo.tag("2.0.0", "HEAD^{tree}")
    assert tags(collect(tmp_path, repo.folder)) == ["1.0.0"]


def test_an_annotated_tag_has_its_own_time_and_a_lightweight_one_its_commits(repo: Repo, tmp_path: Path) -> None:
    repo.wait(days=1)
    repo.tag("1.0.0")
    repo.wait(days=1)
    repo.tag("1.1.0", annotated=True)
    found = collect(tmp_path, repo.folder)
    assert tagged(found, "1.0.0").finished_at == START + timedelta(hours=1)
    assert tagged(found, "1.1.0").finished_at == START + timedelta(days=2, hours=3)
    assert tagged(found, "1.1.0").actor == "ada@example.org"
    assert (tagged(found, "1.1.0").via, tagged(found, "1.1.0").status) == ("release", "success")
    assert "1 of 2 releases are lightweight tags" in found.notes


def test_a_tag_of_a_tag_is_a_release_of_its_commit(repo: Repo, tmp_path: Path) -> None:
    repo.tag("inner", annotated=True)
    repo.tag("1.0.0", "inner", annotated=True)
    found = collect(tmp_path, repo.folder)
    assert tagged(found, "1.0.0").sha == repo.head
    assert tagged(found, "1.0.0").finished_at == START + timedelta(hours=3)


def test_every_line_has_its_own_predecessors(repo: Repo, tmp_path: Path) -> None:
    release(repo, "v1.0.0", "v1.0.1", "v1.1.0", "v1.0.2", "v2.0", "v1.1.1")
    found = collect(tmp_path, repo.folder)
    of_sha = {one.sha: one.version for one in found.of(Deployment)}
    before = {one.version: of_sha.get(one.previous_sha) for one in found.of(Deployment)}
    assert before == {
        "1.0.0": None,
        "1.0.1": "1.0.0",
        "1.1.0": "1.0.1",
        "1.0.2": "1.0.1",
        "2.0": "1.1.0",
        "1.1.1": "1.1.0",
    }
    assert {one.version: one.line for one in found.of(Deployment)}["1.0.2"] == "1.0"


def test_a_prefix_is_a_service_with_releases_of_its_own(repo: Repo, tmp_path: Path) -> None:
    release(repo, "v1.0.0", "operator/v1.0.1", "release/1.1.0", days=1)
    found = collect(tmp_path, repo.folder)
    assert [one.service for one in found.of(Deployment)] == [None, "operator", None]
    assert tagged(found, "operator/v1.0.1").previous_sha is None
    assert tagged(found, "release/1.1.0").previous_sha == tagged(found, "v1.0.0").sha
    assert not found.of(Link)


def test_second_names_and_moving_tags_are_left_out(repo: Repo, tmp_path: Path) -> None:
    repo.tag("v1.2.0")
    repo.tag("1.2.0")
    release(repo, "v1.2.1")
    repo.tag("v1.2")
    repo.tag("v1")
    found = collect(tmp_path, repo.folder)
    assert {one.version for one in found.of(Deployment)} == {"1.2.0", "1.2.1"}
    assert "1 moving tags, 1 not versions, 1 second names" in found.notes


def test_releases_that_no_branch_reaches_are_walked(repo: Repo, tmp_path: Path) -> None:
    repo.git("checkout", "--quiet", "--detach")
    sha = repo.commit("Built apart")
    repo.tag("v1.0.0", annotated=True)
    repo.switch("main")
    found = collect(tmp_path, repo.folder)
    assert tagged(found, "v1.0.0").sha == sha
    assert found.only(Commit, sha=sha).headline == "Built apart"
    assert not found.of(Change, merge_sha=sha)


def test_a_patch_release_soon_after_is_a_sign_of_failure(repo: Repo, tmp_path: Path) -> None:
    release(repo, "1.2.3")
    release(repo, "1.2.4", days=3)
    release(repo, "1.2.5", days=20)
    release(repo, "1.3.0", days=1)
    found = collect(tmp_path, repo.folder)
    link = found.only(Link)
    assert (link.from_id, link.relation, link.to_id) == ("shop@1.2.3", "caused", "shop@1.2.4")
    assert (link.from_kind, link.to_kind) == ("deployment", "deployment")
    assert link.evidence == "patch_release: 1.2.4 3 days after 1.2.3"
    assert 0 < link.confidence < 1
    assert all(one.kind is None for one in found.of(Deployment))  # nobody stated an intent
    assert len(collect(tmp_path, repo.folder, patch_release_window_days=21).of(Link)) == 2


def test_lines_patched_on_one_day_stay_apart(repo: Repo, tmp_path: Path) -> None:
    release(repo, "1.1.0", "1.2.0")
    release(repo, "1.1.1", "1.2.1", days=0)
    assert [one.to_id for one in collect(tmp_path, repo.folder).of(Link)] == ["shop@1.2.1"]


def test_versions_that_are_dates_are_no_patches(repo: Repo, tmp_path: Path) -> None:
    repo.wait(days=1)
    release(repo, "2026.1.6", "2026.1.8", days=1)
    found = collect(tmp_path, repo.folder)
    assert [one.line for one in found.of(Deployment)] == [None, None]
    assert not found.of(Link)


def test_date_tags_are_releases_when_asked_for(repo: Repo, tmp_path: Path) -> None:
    release(repo, "20260520", "2026-05-21", "v2026.05.22", "20269999")
    found = collect(tmp_path, repo.folder, date_tags=True)
    assert tags(found) == ["20260520", "2026-05-21", "v2026.05.22"]


def test_a_prefix_can_stand_before_every_version(repo: Repo, tmp_path: Path) -> None:
    release(repo, "shop-1.0.0", "1.1.0")
    found = collect(tmp_path, repo.folder, tag_prefix="shop-")
    assert [(one.version, one.service) for one in found.of(Deployment)] == [("1.0.0", None)]


def test_a_regular_expression_names_version_and_service(repo: Repo, tmp_path: Path) -> None:
    release(repo, "helm-web-3.0.0", "prod-7", "helm-web-3.0.1", "1.0.0", days=1)
    rule = r"^(helm-(?P<service>\w+)|prod)-(?P<version>[\d.]+)$"
    found = collect(tmp_path, repo.folder, deployments=rule)
    assert [(one.service, one.version, one.line) for one in found.of(Deployment)] == [
        ("web", "3.0.0", "3.0"), (None, "7", None), ("web", "3.0.1", "3.0"),
    ]  # fmt: skip
    assert len(found.of(Link)) == 1


def test_no_deployments_and_no_coverage_where_none_are_wanted_or_found(repo: Repo, tmp_path: Path) -> None:
    found = collect(tmp_path, repo.folder)
    assert not found.of(Deployment)
    assert Deployment not in found.pages[-1].covers
    assert "no tag is a release" in found.notes
    release(repo, "1.0.0")
    assert not collect(tmp_path, repo.folder, deployments="none").of(Deployment)


def test_every_merge_can_be_a_deployment(repo: Repo, tmp_path: Path) -> None:
    first = repo.head
    second = repo.commit("Add a basket (#4)")
    release(repo, "1.0.0")
    found = collect(tmp_path, repo.folder, deployments="merges")
    (one, two, _) = found.of(Deployment)
    assert [one.sha, two.sha, two.previous_sha] == [first, second, first]
    assert (two.finished_at, two.via) == (START + timedelta(hours=2), "branch")
    assert two.changes == (found.only(Change, number=4).ext_id,)
    assert found.pages[-1].covers[Deployment][0] == START + timedelta(hours=1)


def test_merges_to_another_branch_can_be_the_deployments(repo: Repo, tmp_path: Path) -> None:
    repo.branch("production")
    repo.switch("main")
    repo.commit("Two")
    repo.switch("production")
    merge = repo.merge("main", "Release")
    repo.switch("main")
    repo.commit("Three")
    found = collect(tmp_path, repo.folder, deployments="merges", branch="production")
    assert found.of(Deployment)[-1].sha == merge
    assert len(found.of(Deployment)) == 2


def test_an_override_gives_a_repository_its_own_rule(repo: Repo, tmp_path: Path) -> None:
    repo.git("remote", "add", "origin", "https://github.com/shop/web")
    release(repo, "1.0.0", "prod-1")
    overrides = [{"repository": "github.com/shop/*", "deployments": "^prod-"}]
    assert tags(collect(tmp_path, repo.folder, overrides=overrides)) == ["prod-1"]


def test_a_release_links_to_its_page(repo: Repo, tmp_path: Path) -> None:
    repo.git("remote", "add", "origin", "https://github.com/shop/web")
    release(repo, "operator/v1.0.0")
    expected = "https://github.com/shop/web/releases/tag/operator/v1.0.0"
    assert collect(tmp_path, repo.folder).only(Deployment).url == expected
