"""Which template a repository was made from, by the files that copier, cruft and Backstage leave in it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import warehouse
from dxmetrics.collectors import Context, Scope, load
from dxmetrics.records import TemplateUse

from .gitrepo import NOW, Repo, collect

COPIER, CRUFT, CATALOG = ".copier-answers.yml", ".cruft.json", "catalog-info.yaml"
COMMIT = "6a8f4d8c2c1c0f3f7d55b7b2a3c9d1e0f4b5a697"


def component(
    template: str | None = "template:default/service", version: str | None = "1.4.0", name: str = "pay"
) -> str:
    """A component's document."""
    told = {"backstage.io/source-template": template, "backstage.io/template-version": version}
    marks = "".join(f"    {key}: {value}\n" for key, value in told.items() if value)
    return f"kind: Component\nmetadata:\n  name: {name}\n  annotations:\n    other: x\n{marks}spec:\n  owner: team-a\n"


def answers(source: str = "gh:acme/python-service", version: str = "v1.10.0") -> str:
    """What copier keeps, with an answer that is long and one that has a tag."""
    return f"# Changes here will be overwritten by Copier\n_commit: {version}\n_src_path: {source}\nname: !x pay\n"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "shop")
    made.commit("One")
    return made


def put(repo: Repo, **files: str | None) -> None:
    """Commit these files, `copier`, `cruft` and `catalog`; None takes one away."""
    names = {"copier": COPIER, "cruft": CRUFT, "catalog": CATALOG}
    for key, text in files.items():
        path = repo.folder / names[key]
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    repo.commit("Template")


def told(tmp_path: Path, repo: Repo) -> tuple[str, str | None] | None:
    """The template and its version that the source tells of."""
    found = collect(tmp_path, repo.folder).of(TemplateUse)
    assert all((one.ext_id, one.repository) == ("shop", "shop") for one in found)
    return next(((one.template, one.version) for one in found), None)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("gh:acme/python-service", "github.com/acme/python-service"),
        ("gl:acme/group/python-service.git", "gitlab.com/acme/group/python-service"),
        ("https://git.example.org/acme/python-service.git", "git.example.org/acme/python-service"),
        ("git+https://git.example.org/acme/python-service", "git.example.org/acme/python-service"),
        ("git@git.example.org:acme/python-service.git", "git.example.org/acme/python-service"),
        ("https://ada:secret@git.example.org/acme/python-service/", "git.example.org/acme/python-service"),
        ("../templates/python-service/", "python-service"),
    ],
)
def test_copiers_template_goes_by_the_name_of_its_repository(
    repo: Repo, tmp_path: Path, source: str, name: str
) -> None:
    put(repo, copier=answers(source))
    assert told(tmp_path, repo) == (name, "v1.10.0")


@pytest.mark.parametrize(
    ("commit", "version"),
    [
        ("v1.10.0", "v1.10.0"),
        ("1.10", "1.10"),
        ("v1.10.0-3-gabc1234", "v1.10.0"),
        ("abc1234", "abc1234"),
        ("null", None),
        ("", None),
    ],
)
def test_copiers_version_is_the_newest_release_that_was_taken_over(
    repo: Repo, tmp_path: Path, commit: str, version: str | None
) -> None:
    put(repo, copier=answers(version=commit))
    assert told(tmp_path, repo) == ("github.com/acme/python-service", version)


@pytest.mark.parametrize(
    ("link", "template"),
    [
        ({"checkout": None}, ("github.com/acme/service", COMMIT)),
        ({"checkout": "v2.1.0"}, ("github.com/acme/service", "v2.1.0")),
        ({"checkout": "main"}, ("github.com/acme/service", COMMIT)),
        ({"directory": "python"}, ("github.com/acme/service/python", COMMIT)),
        ({"commit": None}, ("github.com/acme/service", None)),
    ],
)
def test_crufts_version_is_the_tag_that_was_asked_for_else_the_commit(
    repo: Repo, tmp_path: Path, link: Mapping[str, Any], template: tuple[str, str | None]
) -> None:
    put(repo, cruft=json.dumps({"template": "https://github.com/acme/service", "commit": COMMIT, **link}))
    assert told(tmp_path, repo) == template


@pytest.mark.parametrize(
    ("text", "template"),
    [
        (component(), ("service", "1.4.0")),
        (component("template:shop/Service", None), ("shop/service", None)),
        (component(None, None), None),
        (component(None, None) + "  scaffoldedFrom: template:default/quarkus\n", ("quarkus", None)),
        ("kind: System\nmetadata:\n  name: shop\n---\n" + component(version="1.10"), ("service", "1.10")),
        (component() + "---\n" + component(name="search"), ("service", "1.4.0")),
        ("", None),
    ],
)
def test_a_components_annotations_name_it_as_the_portal_does(
    repo: Repo, tmp_path: Path, text: str, template: tuple[str, str | None] | None
) -> None:
    put(repo, catalog=text)
    assert told(tmp_path, repo) == template


def test_the_portal_and_the_file_read_the_same_annotations_and_write_the_same_name() -> None:
    markers = importlib.import_module("dxmetrics.collectors.git.templates")
    kind: Any = load("backstage")
    settings = kind.Settings(kind="backstage", url="https://backstage.example.org")
    assert settings.template == markers.TEMPLATE
    assert settings.template_version == markers.TEMPLATE_VERSION
    entities = importlib.import_module("dxmetrics.collectors.backstage.entities")
    for named in ("template:default/Service", "template:shop/service", "service"):
        assert markers.backstage(component(named)).name == entities.short(named)


def test_what_is_kept_up_to_date_wins_over_what_says_the_beginning(repo: Repo, tmp_path: Path) -> None:
    put(repo, catalog=component(), cruft=json.dumps({"template": "gh:acme/cookies", "commit": COMMIT}))
    assert told(tmp_path, repo) == ("github.com/acme/cookies", COMMIT)
    put(repo, copier=answers())
    assert told(tmp_path, repo) == ("github.com/acme/python-service", "v1.10.0")


@pytest.mark.parametrize(
    ("marker", "text", "why"),
    [
        ("copier", "_src_path: [", f"{COPIER} is left out: it is no YAML in line 1"),
        ("copier", "[" * 5_000, f"{COPIER} is left out: it is no YAML"),
        ("copier", "\x01", f"{COPIER} is left out: it is no YAML"),
        ("copier", "- a list\n", f"{COPIER} is left out: it is no mapping"),
        ("copier", "", f"{COPIER} is left out: it names no template in '_src_path'"),
        ("copier", "_src_path: {a: b}", f"{COPIER} is left out: it names no template in '_src_path'"),
        ("cruft", "{", f"{CRUFT} is left out: it is no JSON"),
        ("cruft", "[]", f"{CRUFT} is left out: it is no object"),
        ("cruft", "{}", f"{CRUFT} is left out: it names no template in 'template'"),
        ("catalog", "a: 'b", f"{CATALOG} is left out: it is no YAML in line 1"),
        ("catalog", "kind: Component\nmetadata: none\nspec: []\n", ""),
        (
            "catalog",
            component() + "---\n" + component("other"),
            f"{CATALOG} is left out: its components were made from 2 templates",
        ),
    ],
)
def test_a_marker_that_cannot_be_read_is_told_by_name_and_stops_nothing(
    repo: Repo, tmp_path: Path, marker: str, text: str, why: str
) -> None:
    put(repo, **{marker: text})
    found = collect(tmp_path, repo.folder)
    assert found.of(TemplateUse) == []
    assert why in found.notes
    assert ("left out" in found.notes) is bool(why)


def test_one_that_cannot_be_read_gives_way_to_the_next(repo: Repo, tmp_path: Path) -> None:
    put(repo, copier="", catalog=component())
    found = collect(tmp_path, repo.folder)
    assert found.only(TemplateUse).template == "service"
    assert f"{COPIER} is left out" in found.notes


def test_a_folder_or_a_link_of_that_name_is_no_marker(repo: Repo, tmp_path: Path) -> None:
    (repo.folder / COPIER).mkdir()
    (repo.folder / COPIER / "file").write_text("x")
    (repo.folder / CATALOG).symlink_to("elsewhere.yaml")
    repo.commit("Odd")
    found = collect(tmp_path, repo.folder)
    assert (found.of(TemplateUse), "left out" in found.notes) == ([], False)


def test_only_the_default_branch_counts(repo: Repo, tmp_path: Path) -> None:
    repo.branch("release-1.0")
    put(repo, copier=answers())
    repo.switch("main")
    assert told(tmp_path, repo) is None


def test_a_template_is_taken_over_changed_and_left(repo: Repo, tmp_path: Path, connection: DuckDBPyConnection) -> None:
    loader = warehouse.Loader(connection, "git", importlib.import_module("dxmetrics.collectors.git"), clock=lambda: NOW)
    kind: Any = load("git")
    settings = kind.Settings(kind="git", repositories=(str(repo.folder),))
    scope = Scope("shop", "shop")

    def landed() -> list[tuple[str, str]]:
        cursor = warehouse.read_cursor(connection, "git", scope.id)
        with closing(kind("git", settings, Context(lambda: NOW, tmp_path / "mirrors"))) as one:
            list(one.scopes())
            for page in one.collect(scope, cursor):
                loader.write(scope, page)
        return connection.execute(
            "select template, version from landing.template_uses where deleted_at is null"
        ).fetchall()

    assert landed() == []
    put(repo, copier=answers())
    assert landed() == [("github.com/acme/python-service", "v1.10.0")]
    repo.commit("Another")
    assert landed() == [("github.com/acme/python-service", "v1.10.0")]
    put(repo, copier=answers(version="v1.11.0"))
    assert landed() == [("github.com/acme/python-service", "v1.11.0")]
    put(repo, copier=None)
    assert landed() == []
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    assert landed() == [("github.com/acme/python-service", "v1.11.0")]
