"""Changes: every way a commit gets onto a branch, and when its work began."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dxmetrics.records import Change, ChangeCommit, Commit, Repository

from .gitrepo import START, Repo, collect

HOUR = timedelta(hours=1)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit, an hour after START."""
    made = Repo(tmp_path / "shop")
    made.commit("init")
    return made


def feature(repo: Repo, branch: str = "feature", *messages: str) -> list[str]:
    """A branch with commits by Bob, standing on main again."""
    repo.branch(branch)
    shas = [repo.commit(message, author="Bob <bob@example.org>", file=branch) for message in messages or ("one", "two")]
    repo.switch("main")
    return shas


def test_a_merged_pull_request_starts_with_its_first_commit_and_belongs_to_who_wrote_it(
    repo: Repo, tmp_path: Path
) -> None:
    shas = feature(repo)
    merge = repo.merge("feature", "Merge pull request #7 from bob/feature\n\nAdd a basket")
    found = collect(tmp_path, repo.folder)
    change = found.only(Change, number=7)
    assert (change.kind, change.merge_method, change.state) == ("pull_request", "merge", "merged")
    assert (change.title, change.head_branch, change.base_branch) == ("Add a basket", "feature", "main")
    assert (change.author, change.merged_by) == ("bob@example.org", "ada@example.org")
    assert change.first_commit_at == START + 2 * HOUR
    assert change.merged_at == START + 4 * HOUR
    assert (change.merge_sha, change.head_sha, change.commits_count) == (merge, shas[-1], 2)
    assert change.opened_at is None  # git does not know
    commits = {one.sha for one in found.of(ChangeCommit, change=change.ext_id)}
    assert commits == set(shas)


MERGES = (
    ("Merge branch 'topic' into 'main'\n\nAdd a basket\n\nSee merge request shop/web!12", 12, "Add a basket", "topic"),
    ("Merged in topic (pull request #3)\n\nAdd a basket", 3, "Add a basket", "topic"),
    ("Pull request #9: Add a basket\n\nMerge in SHOP/web from topic to main", 9, "Add a basket", None),
    ("Merge pull request 'Add a basket' (#5) from topic into main", 5, "Add a basket", "topic"),
    ("Merged PR 41: Add a basket", 41, "Add a basket", None),
    ("Auto merge of #77 - bob:topic, r=ada\n\nAdd a basket", 77, "Add a basket", None),
    ("Merge #78\n\nAdd a basket", 78, "Add a basket", None),
    ("Add a basket (#8)", 8, "Add a basket", None),
)
SQUASHES = (
    ("Add a basket (#8)\n\n* one\n\n* two", 8),
    ("Add a basket (!9)", 9),
    ("Add a basket\n\nSee merge request shop/web!10", 10),
    ("Merged in feature (pull request #11)\n\nAdd a basket", 11),
    ("Merged PR 12: Add a basket", 12),
    ("A subject of two\nlines (#13)\n\nbody", 13),
)


def test_merges_of_every_host_name_their_request(repo: Repo, tmp_path: Path) -> None:
    for message, number, _, _ in MERGES:
        feature(repo, f"topic-{number}", "one")
        repo.merge(f"topic-{number}", message)
    found = collect(tmp_path, repo.folder).of(Change, kind="pull_request", merge_method="merge")
    assert [(one.number, one.title, one.head_branch) for one in found] == [merge[1:] for merge in MERGES]


def test_squashes_of_every_host_name_their_request(repo: Repo, tmp_path: Path) -> None:
    for message, _ in SQUASHES:
        repo.commit(message)
    found = collect(tmp_path, repo.folder).of(Change, kind="pull_request", merge_method="squash")
    assert [one.number for one in found] == [number for _, number in SQUASHES]


def test_a_squash_starts_with_the_first_commit_of_its_pull_ref(repo: Repo, tmp_path: Path) -> None:
    shas = feature(repo)
    repo.pull(8, "feature")
    repo.wait(days=2)
    squash = repo.commit("Add a basket (#8)", author="Bob <bob@example.org>")
    found = collect(tmp_path, repo.folder)
    change = found.only(Change, number=8)
    assert change.first_commit_at == START + 2 * HOUR
    assert (change.merge_sha, change.head_sha) == (squash, shas[-1])
    assert [one.sha for one in found.of(ChangeCommit, change=change.ext_id)] == shas[::-1]
    # What was squashed is not in the history.
    assert not {one.sha for one in found.of(Commit)} & set(shas)
    assert found.notes.count("pull ref") == 0


def test_a_squash_without_a_pull_ref_starts_with_itself_and_that_is_noted(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Add a basket (#8)")
    found = collect(tmp_path, repo.folder)
    change = found.only(Change, number=8)
    assert change.first_commit_at == START + 2 * HOUR
    assert change.commits_count is None
    assert "1 squashed changes have no pull ref" in found.notes


def test_a_number_that_is_no_pull_request_is_an_issue(repo: Repo, tmp_path: Path) -> None:
    repo.pull(1)
    repo.commit("Repair the basket (#99)")
    change = collect(tmp_path, repo.folder).only(Change, title="Repair the basket (#99)")
    assert (change.kind, change.number) == ("direct_push", None)


def test_requests_built_on_another_do_not_claim_its_commits(repo: Repo, tmp_path: Path) -> None:
    feature(repo, "lower")
    repo.pull(1, "lower")
    repo.branch("upper", "lower")
    upper = repo.commit("three", file="upper")
    repo.pull(2)
    repo.switch("main")
    repo.commit("Lower (#1)")
    repo.commit("Upper (#2)")
    found = collect(tmp_path, repo.folder)
    assert [one.sha for one in found.of(ChangeCommit, change=found.only(Change, number=2).ext_id)] == [upper]
    assert found.only(Change, number=2).first_commit_at == START + 4 * HOUR


def test_numbers_inside_a_merged_branch_do_not_count_twice(repo: Repo, tmp_path: Path) -> None:
    feature(repo, "feature", "Inner (#3)", "Inner (#4)")
    repo.merge("feature", "Merge pull request #5 from bob/feature\n\nOuter")
    assert [one.number for one in collect(tmp_path, repo.folder).of(Change, kind="pull_request")] == [5]


def test_a_direct_push_starts_when_it_was_committed(repo: Repo, tmp_path: Path) -> None:
    sha = repo.commit("Repair", GIT_AUTHOR_DATE="2026-01-01T00:00:00Z")
    change = collect(tmp_path, repo.folder).only(Change, merge_sha=sha)
    assert (change.kind, change.merge_method, change.commits_count) == ("direct_push", "direct", 1)
    assert change.first_commit_at == change.merged_at == START + 2 * HOUR


def test_a_branch_merged_without_a_request_is_a_direct_push_of_its_commits(repo: Repo, tmp_path: Path) -> None:
    feature(repo)
    repo.merge("feature", "Merge branch 'feature'")
    change = collect(tmp_path, repo.folder).only(Change, merge_method="merge")
    assert (change.kind, change.head_branch, change.commits_count) == ("direct_push", "feature", 2)
    assert change.first_commit_at == START + 2 * HOUR


def test_a_branch_merged_again_brings_only_what_is_new(repo: Repo, tmp_path: Path) -> None:
    feature(repo)
    repo.merge("feature", "Merge pull request #1 from bob/feature\n\nFirst")
    repo.switch("feature")
    third = repo.commit("three", file="feature")
    repo.switch("main")
    repo.merge("feature", "Merge pull request #2 from bob/feature\n\nSecond")
    found = collect(tmp_path, repo.folder)
    second = found.only(Change, number=2)
    assert [one.sha for one in found.of(ChangeCommit, change=second.ext_id)] == [third]
    assert second.first_commit_at == START + 5 * HOUR


def test_times_are_kept_as_git_tells_them(repo: Repo, tmp_path: Path) -> None:
    sha = repo.commit("Skewed", GIT_AUTHOR_DATE="2030-01-01T00:00:00Z", GIT_COMMITTER_DATE="1999-01-01T00:00:00+05:00")
    commit = collect(tmp_path, repo.folder).only(Commit, sha=sha)
    assert commit.authored_at.isoformat() == "2030-01-01T00:00:00+00:00"
    assert commit.committed_at.isoformat() == "1998-12-31T19:00:00+00:00"


def test_messages_in_any_encoding_or_none_at_all_are_read(repo: Repo, tmp_path: Path) -> None:
    latin = repo.git("-c", "i18n.commitEncoding=ISO-8859-1", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Café")
    repo.git("reset", "--hard", "--quiet", latin)
    empty = repo.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", stdin="")
    repo.git("reset", "--hard", "--quiet", empty)
    found = collect(tmp_path, repo.folder)
    assert found.only(Commit, sha=empty).headline == ""
    assert found.only(Commit, sha=latin).headline.startswith("Caf")


def test_release_branches_have_changes_of_their_own_from_where_they_left(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Two")
    repo.branch("release-1.0")
    repo.commit("Backport A (#20)")
    repo.commit("Backport B")
    repo.branch("release-please--branches--main")  # a robot's branch, not a release branch
    repo.commit("Bump")
    repo.switch("main")
    repo.commit("Three")
    changes = collect(tmp_path, repo.folder).of(Change)
    assert [one.title for one in changes if one.base_branch == "main"] == ["init", "Two", "Three"]
    assert [one.title for one in changes if one.base_branch == "release-1.0"] == ["Backport A", "Backport B"]


def test_a_request_picked_to_a_release_branch_stays_one_request(repo: Repo, tmp_path: Path) -> None:
    repo.branch("release-1.0")
    repo.switch("main")
    original = repo.commit("Repair the till (#6)", file="till")
    repo.switch("release-1.0")
    repo.wait(days=1)
    repo.git("cherry-pick", original)
    picked = repo.head
    found = collect(tmp_path, repo.folder)
    assert found.only(Change, number=6).base_branch == "main"
    copy = found.only(Change, base_branch="release-1.0")
    assert (copy.kind, copy.number) == ("direct_push", None)
    assert found.only(Commit, sha=picked).cherry_pick_of == original  # same author, time and subject


def test_a_release_branch_merged_back_and_forth_brings_each_commit_once(repo: Repo, tmp_path: Path) -> None:
    repo.branch("stable")
    repo.switch("main")
    on_main = repo.commit("On main", file="main")
    repo.switch("stable")
    on_stable = repo.commit("On stable", file="stable")
    repo.merge("main", "Merge branch 'main' into stable")
    repo.switch("main")
    repo.merge("stable", "Merge branch 'stable'")
    found = collect(tmp_path, repo.folder)

    def shas(base: str, title: str) -> set[str]:
        change = found.only(Change, base_branch=base, title=title)
        return {one.sha for one in found.of(ChangeCommit, change=change.ext_id)}

    assert on_main in shas("stable", "Merge branch 'main' into stable")
    assert shas("main", "Merge branch 'stable'") >= {on_stable}
    assert on_main not in shas("main", "Merge branch 'stable'")
    assert shas("stable", "On stable") == {on_stable}


RELEASE_BRANCHES = {"release/2.1", "release-2.1.x", "8.0.x", "1.10.X-fixes", "v3", "stable", "maint-1.2"}
OTHER_BRANCHES = {
    "backport-12-to-release-3.3.x", "release-please--branches--k1", "feature/1.0", "2026.01.02_metrics",
    "release-notes",
}  # fmt: skip


def test_release_branches_are_told_by_their_names(repo: Repo, tmp_path: Path) -> None:
    for branch in sorted(RELEASE_BRANCHES | OTHER_BRANCHES):
        repo.branch(branch, "main")
        repo.commit(branch)
    bases = {one.base_branch for one in collect(tmp_path, repo.folder).of(Change)}
    assert bases == {"main", *RELEASE_BRANCHES}


def test_other_release_branches_and_another_default_branch_can_be_set(repo: Repo, tmp_path: Path) -> None:
    repo.branch("develop")
    repo.commit("Develop")
    repo.branch("k100")
    repo.commit("Weekly")
    found = collect(tmp_path, repo.folder, default_branch="develop", release_branches=r"^k\d+$")
    assert found.only(Repository).default_branch == "develop"
    assert {one.base_branch for one in found.of(Change)} == {"develop", "k100"}


def test_an_override_changes_one_repository(repo: Repo, tmp_path: Path) -> None:
    overrides = [{"repository": "sho?", "name": "git.example.org/web/shop", "forge": "gitlab"}]
    found = collect(tmp_path, repo.folder, overrides=overrides)
    assert found.only(Repository).name == "git.example.org/web/shop"


def test_names_and_addresses_come_from_the_origin_of_a_clone(repo: Repo, tmp_path: Path) -> None:
    sha = repo.commit("Add a basket (#8)")
    pushed = repo.commit("Repair")
    repo.git("remote", "add", "origin", "git@github.com:shop/web.git")
    found = collect(tmp_path, repo.folder)
    assert found.only(Repository).ext_id == "github.com/shop/web"
    assert found.only(Repository).url == "https://github.com/shop/web"
    assert found.only(Commit, sha=sha).url == f"https://github.com/shop/web/commit/{sha}"
    assert found.only(Change, number=8).url == "https://github.com/shop/web/pull/8"
    assert found.only(Change, merge_sha=pushed).url == f"https://github.com/shop/web/commit/{pushed}"


def test_every_host_has_its_addresses(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Add a basket (#8)")
    repo.git("remote", "add", "origin", "to be set")
    for origin, url in {
        "https://gitlab.com/a/b/c.git": "https://gitlab.com/a/b/c/-/merge_requests/8",
        "ssh://git@bitbucket.org:22/a/b": "https://bitbucket.org/a/b/pull-requests/8",
        "https://codeberg.org/a/b": "https://codeberg.org/a/b/pulls/8",
        "https://git.unknown.org/a/b": None,
        "https://ada:secret@github.com/a/b.git": "https://github.com/a/b/pull/8",
    }.items():
        repo.git("remote", "set-url", "origin", origin)
        assert collect(tmp_path, repo.folder).only(Change, number=8).url == url


def test_lines_and_paths_are_known_only_when_asked_for(repo: Repo, tmp_path: Path) -> None:
    feature(repo)
    repo.merge("feature", "Merge pull request #7 from bob/feature\n\nAdd a basket")
    plain = collect(tmp_path, repo.folder).only(Change, number=7)
    assert (plain.lines_added, plain.files_changed, plain.paths) == (None, None, None)
    named = collect(tmp_path, repo.folder, paths=True).only(Change, number=7)
    assert (named.lines_added, named.files_changed, named.paths) == (None, 1, ("feature",))
    found = collect(tmp_path, repo.folder, line_counts=True)
    counted = found.only(Change, number=7)
    assert (counted.lines_added, counted.lines_deleted, counted.paths) == (2, 0, ("feature",))
    assert [one.lines_added for one in found.of(Commit, author="bob@example.org")] == [1, 1]
