"""The mirror of a repository that its host lists: rows refer to the host's id, whatever the repository is called."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.collectors import Context, Page, extend_path
from dxmetrics.errors import AuthError, CollectError
from dxmetrics.records import Change, Commit, Deployment, Link, Repository, TemplateUse

from .gitdoor import closed_door
from .gitrepo import NOW, ROOT, Repo

extend_path([ROOT / "collectors"])
hosted = importlib.import_module("dxmetrics.collectors.git")


def pages(address: str, folder: Path, cursor: Mapping[str, Any] | None = None, **options: Any) -> Iterator[Page]:
    name = options.pop("name", "git.example/acme/shop")
    default_branch = options.pop("default_branch", "main")
    forge = options.pop("forge", "github")
    one = hosted.Hosted("4711", name, address, forge=forge, default_branch=default_branch)
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


def test_the_template_is_that_of_the_hosts_id(repo: Repo, tmp_path: Path) -> None:
    (repo.folder / "catalog-info.yaml").write_text(
        "kind: Component\nmetadata: {name: shop, annotations: {backstage.io/source-template: template:default/web}}\n"
    )
    repo.commit("Third")
    found = list(pages(f"file://{repo.folder}", tmp_path / "own"))
    assert rows(found, TemplateUse) == [{"ext_id": "4711", "repository": "4711", "template": "web", "version": None}]


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


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize(
    ("token", "remedy"),
    [
        ("tiny-secret", "give the token read access to contents, or set `mirror = false`"),
        (None, "set a `token` that may read it, or set `mirror = false`"),
    ],
)
def test_a_repository_that_may_not_be_cloned_fails_alone_as_the_host_names_it(
    tmp_path: Path, status: int, token: str | None, remedy: str
) -> None:
    with closed_door(status) as door, pytest.raises(CollectError, match=remedy) as caught:
        list(pages(door.url, tmp_path / "own", token=token))
    assert not isinstance(caught.value, AuthError)
    assert door.url not in str(caught.value)
    assert "git.example/acme/shop" in str(caught.value)
    assert "tiny-secret" not in str(caught.value)


def test_an_empty_repository_is_read_when_something_is_pushed(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "origin")
    address = f"file://{repo.folder}"
    first = list(pages(address, tmp_path / "own"))
    assert [row for page in first for some in page.rows.values() for row in some] == []
    assert first[-1].notes == ("the repository is empty",)
    repo.commit("First (#1)")
    assert len(rows(list(pages(address, tmp_path / "own", first[-1].cursor)), Change)) == 1


def test_a_default_branch_that_the_mirror_lacks_is_the_hosts_to_choose(repo: Repo, tmp_path: Path) -> None:
    repo.git("branch", "--move", "main", "trunk")
    found = list(pages(f"file://{repo.folder}", tmp_path / "own"))
    assert found[-1].notes == ("no branch 'main' among trunk: choose the default branch at the host",)


def test_where_the_host_names_no_default_branch_the_repositorys_own_is_read(repo: Repo, tmp_path: Path) -> None:
    repo.git("branch", "--move", "main", "trunk")
    found = list(pages(f"file://{repo.folder}", tmp_path / "own", default_branch=None))
    assert {row["base_branch"] for row in rows(found, Change)} == {"trunk"}


def test_history_that_was_rewritten_is_a_snapshot_of_the_mirrors_scope(repo: Repo, tmp_path: Path) -> None:
    address = f"file://{repo.folder}"
    first = list(pages(address, tmp_path / "own"))
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    second = list(pages(address, tmp_path / "own", first[-1].cursor))
    assert second[-1].snapshot
    assert [row["number"] for row in rows(second, Change)] == [1]


def test_lines_and_paths_are_counted_where_the_host_does_not_tell(repo: Repo, tmp_path: Path) -> None:
    address = f"file://{repo.folder}"
    plain = list(pages(address, tmp_path / "own"))
    assert "lines_added" not in rows(plain, Change)[0]
    counted = list(pages(address, tmp_path / "own", plain[-1].cursor, line_counts=True))
    assert [(row["lines_added"], row["paths"]) for row in rows(counted, Change)] == [(1, ("file.txt",))] * 2


@pytest.mark.parametrize("forge", ["github", None])
def test_contents_stay_with_the_host_where_no_lines_are_counted(repo: Repo, tmp_path: Path, forge: str | None) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    list(pages(f"file://{repo.folder}", tmp_path / "own", forge=forge))
    assert [path.suffix for path in (tmp_path / "own" / "mirrors" / "4711.git").rglob("*.promisor")] == [".promisor"]
