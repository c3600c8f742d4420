"""People: addresses become accounts, programs are told from persons, trailers count."""

from __future__ import annotations

from pathlib import Path

import pytest

from dxmetrics.records import Commit, Identity

from .gitrepo import Repo, collect


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An empty repository."""
    return Repo(tmp_path / "shop")


def test_the_mailmap_joins_addresses_of_authors_and_co_authors(repo: Repo, tmp_path: Path) -> None:
    (repo.folder / ".mailmap").write_text("Bob <bob@example.org> <Bob@Old.example.org>\n")
    repo.commit("One", author="bobby <BOB@old.example.org>")
    repo.commit("Two\n\nCo-authored-by: bobby <bob@old.example.org>\nCo-Authored-By: Eve <EVE@example.org>")
    found = collect(tmp_path, repo.folder)
    assert found.only(Commit, headline="One").author == "bob@example.org"
    assert found.only(Commit, headline="Two").co_authors == ("bob@example.org", "eve@example.org")
    assert {one.ext_id: one.name for one in found.of(Identity)} == {
        "bob@example.org": "Bob", "ada@example.org": "Ada", "eve@example.org": "Eve",
    }  # fmt: skip


def test_the_newest_name_of_an_address_is_kept(repo: Repo, tmp_path: Path) -> None:
    repo.commit("One", author="bob <bob@example.org>")
    repo.commit("Two", author="Bob B <bob@example.org>")
    assert collect(tmp_path, repo.folder).only(Identity).name == "Bob B"


PROGRAMS = (
    ("Bob <123+bob@users.noreply.github.com>", "bob", "unknown"),
    ("Eve <eve@users.noreply.github.com>", "eve", "unknown"),
    ("dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>", "dependabot[bot]", "bot"),
    ("renovate <bot@renovateapp.com>", None, "bot"),
    ("loki-bot <loki@example.org>", None, "bot"),
    ("Abbot <abbot@example.org>", None, "unknown"),
    ("Copilot <198982749+Copilot@users.noreply.github.com>", "Copilot", "agent"),
    ("Claude <noreply@anthropic.com>", None, "agent"),
    ("Claude Dupont <claude@example.org>", None, "unknown"),
)


def test_programs_and_logins_are_told_from_the_name_and_the_address(repo: Repo, tmp_path: Path) -> None:
    for author, _, _ in PROGRAMS:
        repo.commit("One", author=author)
    found = {f"{one.name} <{one.email}>": (one.login, one.kind) for one in collect(tmp_path, repo.folder).of(Identity)}
    assert found == {author: (login, kind) for author, login, kind in PROGRAMS}


TRAILERS = {
    "Co-authored-by: Claude <noreply@anthropic.com>": True,
    "Co-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>": True,
    "Assisted-by: a model": True,
    "Co-authored-by: Bob <bob@example.org>": False,
    "Claude wrote the manual.": False,
}


def test_assistance_is_told_from_trailers(repo: Repo, tmp_path: Path) -> None:
    for trailer in TRAILERS:
        repo.commit(f"{trailer}\n\n{trailer}")
    found = {one.headline: one.is_ai_assisted for one in collect(tmp_path, repo.folder).of(Commit)}
    assert found == TRAILERS


def test_an_author_without_an_address_is_known_by_name(repo: Repo, tmp_path: Path) -> None:
    repo.commit("One", author="Nobody <>")
    assert collect(tmp_path, repo.folder).only(Commit).author == "nobody"


def test_a_cherry_pick_names_its_oldest_original(repo: Repo, tmp_path: Path) -> None:
    first, second = "a" * 40, "b" * 40
    repo.commit(f"One\n\n(cherry picked from commit {first})\n(cherry picked from commit {second})")
    assert collect(tmp_path, repo.folder).only(Commit).cherry_pick_of == first


def test_patch_ids_find_a_cherry_pick_with_another_author_and_message(repo: Repo, tmp_path: Path) -> None:
    repo.commit("init")
    repo.branch("release-1.0")
    repo.switch("main")
    original = repo.commit("Repair the till", file="till")
    repo.switch("release-1.0")
    repo.wait(days=1)
    repo.git("cherry-pick", "--no-commit", original)
    repo.git("commit", "--quiet", "-m", "Backport of the till", GIT_AUTHOR_EMAIL="bob@example.org")
    picked = repo.head
    assert collect(tmp_path, repo.folder).only(Commit, sha=picked).cherry_pick_of is None
    assert collect(tmp_path, repo.folder, patch_ids=True).only(Commit, sha=picked).cherry_pick_of == original
