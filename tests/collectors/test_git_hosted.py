"""The mirror of a repository that its host lists: rows refer to the host's id, whatever the repository is called."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.collectors import Context, Page, extend_path
from dxmetrics.errors import AuthError, CollectError
from dxmetrics.records import Change, Commit, Deployment, Link, Repository

from .gitrepo import NOW, ROOT, Repo

extend_path([ROOT / "collectors"])
hosted = importlib.import_module("dxmetrics.collectors.git")


def pages(address: str, folder: Path, cursor: Mapping[str, Any] | None = None, **options: Any) -> Iterator[Page]:
    name = options.pop("name", "git.example/acme/shop")
    one = hosted.Hosted("4711", name, address, forge="github", default_branch="main")
    context = Context(now=lambda: NOW, folder=folder, project_folder=folder)
    return hosted.history(one, cursor, context, **options)


def rows(found: list[Page], record: Any) -> list[Mapping[str, Any]]:
    return [row for page in found for row in page.rows.get(record, ())]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "origin")
    made.commit("First (#1)")
    made.commit("Second (#2)")
    made.git("tag", "v1.0.0")
    return made


def test_rows_refer_to_the_hosts_id_and_no_repository_or_deployment_is_told(repo: Repo, tmp_path: Path) -> None:
    found = list(pages(f"file://{repo.folder}", tmp_path / "own"))
    commits, changes = rows(found, Commit), rows(found, Change)
    assert {row["repository"] for row in (*commits, *changes)} == {"4711"}
    assert {row["ext_id"].partition("@")[0] for row in (*commits, *changes)} == {"4711"}
    assert [row["number"] for row in changes] == [1, 2]
    assert rows(found, Repository) == rows(found, Deployment) == []


def test_a_renamed_repository_goes_on_where_it_was(repo: Repo, tmp_path: Path) -> None:
    first = list(pages(f"file://{repo.folder}", tmp_path / "own"))
    renamed = tmp_path / "renamed"
    repo.folder.rename(renamed)
    again = list(pages(f"file://{renamed}", tmp_path / "own", first[-1].cursor, name="git.example/acme/store"))
    assert [dict(page.rows) for page in again] == [{}]
    assert [path.name for path in (tmp_path / "own" / "mirrors").glob("*.git")] == ["4711.git"]


def test_a_revert_links_the_two_changes_by_the_hosts_id(repo: Repo, tmp_path: Path) -> None:
    repo.commit(f'Revert "First (#1)" (#3)\n\nThis reverts commit {repo.git("rev-list", "--max-parents=0", "HEAD")}.')
    links = rows(list(pages(f"file://{repo.folder}", tmp_path / "own")), Link)
    assert [(link["relation"], link["to_id"].partition("@")[0]) for link in links] == [("reverts", "4711")]


def test_a_token_that_may_not_clone_fails_the_repository_alone(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_self: Any) -> None:
        raise AuthError("refused")

    monkeypatch.setattr(hosted.hosted.Mirror, "update", refused)
    with pytest.raises(CollectError, match="give it read access to contents, or set `mirror = false`") as caught:
        list(pages(f"file://{repo.folder}", tmp_path / "own"))
    assert not isinstance(caught.value, AuthError)
