"""Reverts: what counts as one, and which change it takes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from dxmetrics.records import Change, Link

from .gitrepo import Collected, Repo, collect


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit."""
    made = Repo(tmp_path / "shop")
    made.commit("init")
    return made


def reverted(found: Collected, revert: str) -> str | None:
    """The sha of what the change carried by `revert` takes back; its link must say the same."""
    change = found.only(Change, merge_sha=revert)
    assert change.is_revert
    links = found.of(Link, from_id=change.ext_id, relation="reverts")
    assert [link.to_id for link in links] == ([change.reverts] if change.reverts else [])
    return change.reverts.partition("@")[2] if change.reverts else None


def test_the_body_of_a_revert_links_the_original(repo: Repo, tmp_path: Path) -> None:
    original = repo.commit("Add a basket")
    repo.commit("Something else")
    revert = repo.commit(f'Revert "Add a basket"\n\nThis reverts commit {original}.')
    found = collect(tmp_path, repo.folder)
    assert reverted(found, revert) == original
    assert found.only(Link).confidence == 1.0
    assert len(found.of(Change, is_revert=True)) == 1


def test_a_subject_alone_is_a_revert_of_something_unknown(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Add a basket")
    revert = repo.commit('Revert "Add a basket"')
    assert reverted(collect(tmp_path, repo.folder), revert) is None


def test_a_body_alone_is_a_revert(repo: Repo, tmp_path: Path) -> None:
    original = repo.commit("Add a basket")
    revert = repo.commit(f"Take the basket out\n\nThis reverts commit {original[:9]}, as it was slow.")
    assert reverted(collect(tmp_path, repo.folder), revert) == original


def test_a_commit_inside_a_merged_request_links_to_the_request(repo: Repo, tmp_path: Path) -> None:
    repo.branch("feature")
    inner = repo.commit("Add a basket", file="basket")
    repo.switch("main")
    merge = repo.merge("feature", "Merge pull request #4 from bob/feature\n\nBasket")
    revert = repo.commit(f'Revert "Add a basket"\n\nThis reverts commit {inner}.')
    assert reverted(collect(tmp_path, repo.folder), revert) == merge


def test_a_squash_links_to_the_request_its_body_names(repo: Repo, tmp_path: Path) -> None:
    original = repo.commit("Add a basket (#4)")
    revert = repo.commit('Revert "Add a basket (#4)" (#5)\n\nReverts shop/web#4')
    assert reverted(collect(tmp_path, repo.folder), revert) == original


def test_a_squash_links_to_the_request_its_subject_quotes(repo: Repo, tmp_path: Path) -> None:
    original = repo.commit("Add a basket (#4)")
    revert = repo.commit('Revert "Add a basket (#4)" (#5)')
    found = collect(tmp_path, repo.folder)
    assert reverted(found, revert) == original
    assert found.only(Link).confidence < 1


def test_a_merged_request_made_of_a_revert_is_one(repo: Repo, tmp_path: Path) -> None:
    original = repo.commit("Add a basket (#4)")
    repo.branch("revert-4")
    repo.commit(f'Revert "Add a basket (#4)"\n\nThis reverts commit {original}.', file="revert")
    repo.switch("main")
    merge = repo.merge("revert-4", 'Merge pull request #5 from bob/revert-4\n\nRevert "Add a basket"')
    assert reverted(collect(tmp_path, repo.folder), merge) == original


def test_a_request_that_takes_back_a_part_of_itself_is_none(repo: Repo, tmp_path: Path) -> None:
    repo.branch("feature")
    first = repo.commit("Try", file="basket")
    repo.commit(f'Revert "Try"\n\nThis reverts commit {first}.', file="basket")
    repo.commit("Do", file="basket")
    repo.pull(5)
    repo.switch("main")
    merge = repo.merge("feature", "Merge pull request #4 from bob/feature\n\nBasket")
    squash = repo.commit(f'Basket again (#5)\n\n* Try\n\n* Revert "Try"\n\nThis reverts commit {first[::-1]}.')
    found = collect(tmp_path, repo.folder)
    assert not found.only(Change, merge_sha=merge).is_revert
    assert not found.only(Change, merge_sha=squash).is_revert


def test_a_reapplied_change_blames_nobody(repo: Repo, tmp_path: Path) -> None:
    original = repo.commit("Add a basket")
    revert = repo.commit(f'Revert "Add a basket"\n\nThis reverts commit {original}.')
    again = repo.commit(f'Revert "Revert "Add a basket""\n\nThis reverts commit {revert}.')
    found = collect(tmp_path, repo.folder)
    assert reverted(found, again) is None
    assert reverted(found, revert) == original


def test_a_revert_on_a_release_branch_finds_what_came_from_the_default_branch(repo: Repo, tmp_path: Path) -> None:
    original = repo.commit("Add a basket (#4)")
    repo.branch("release-1.0")
    revert = repo.commit(f'Revert "Add a basket (#4)"\n\nThis reverts commit {original}.')
    assert reverted(collect(tmp_path, repo.folder), revert) == original


def test_what_was_read_before_is_found_too(repo: Repo, tmp_path: Path) -> None:
    by_sha = repo.commit("One")
    repo.branch("feature")
    inner = repo.commit("Two", file="two")
    repo.switch("main")
    by_inner = repo.merge("feature", "Merge pull request #4 from bob/feature\n\nTwo")
    by_number = repo.commit("Three (#5)")
    before = collect(tmp_path, repo.folder)
    reverts = [
        repo.commit(f'Revert "One"\n\nThis reverts commit {by_sha[:8]}.'),
        repo.commit(f'Revert "Two"\n\nThis reverts commit {inner}.'),
        repo.commit('Revert "Three (#5)" (#6)'),
    ]
    found = collect(tmp_path, repo.folder, before.cursor)
    assert [reverted(found, one) for one in reverts] == [by_sha, by_inner, by_number]
