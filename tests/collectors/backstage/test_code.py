"""Where the code of a component is, by its annotations."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from .support import backstage

code: Any = importlib.import_module(f"{backstage.__name__}.code")
SOURCE, DESCRIPTOR = "backstage.io/source-location", "backstage.io/managed-by-location"


@pytest.mark.parametrize(
    ("address", "repository", "folder"),
    [
        ("https://github.com/acme/pay/tree/main/", "github.com/acme/pay", ""),
        ("https://github.com/acme/mono/tree/main/services/pay/", "github.com/acme/mono", "services/pay"),
        ("https://github.com/acme/mono/blob/main/services/pay/x.yaml", "github.com/acme/mono", "services/pay"),
        ("https://github.com/acme/pay/blob/main/catalog-info.yaml", "github.com/acme/pay", ""),
        ("https://github.com/acme/pay/tree/main/.backstage/", "github.com/acme/pay", ".backstage"),
        ("https://github.com/acme/pay", "github.com/acme/pay", ""),
        ("https://github.com/acme/pay.git", "github.com/acme/pay", ""),
        ("https://git.acme.test/shop/core/pay/-/blob/main/app/x.yaml", "git.acme.test/shop/core/pay", "app"),
        ("https://git.acme.test/shop/core/pay/blob/main/x.yaml", "git.acme.test/shop/core/pay", ""),
        ("https://bitbucket.org/acme/pay/src/main/web/", "bitbucket.org/acme/pay", "web"),
        ("https://forge.test/acme/pay/src/branch/main/web/", "forge.test/acme/pay", "web"),
        ("https://dev.azure.com/acme/A%20Shop/_git/pay?path=/web/x.yaml", "dev.azure.com/acme/A Shop/_git/pay", "web"),
    ],
)  # fmt: skip
def test_a_location_tells_the_repository_and_the_folder(address: str, repository: str, folder: str) -> None:
    for key in (SOURCE, DESCRIPTOR):
        assert code.place({key: f"url:{address}"}) == code.Place(repository, folder)


@pytest.mark.parametrize("location", ["file:/etc/catalog.yaml", "url:", "url:https://github.com", "x", ""])
def test_a_location_that_is_nowhere_tells_nothing(location: str) -> None:
    assert code.place({DESCRIPTOR: location}) is None
    assert code.place({}) is None


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("github.com/project-slug", "github.com"),
        ("gitlab.com/project-slug", "gitlab.com"),
        ("bitbucket.org/project-slug", "bitbucket.org"),
    ],
)
def test_a_slug_wins_over_where_the_descriptor_is(key: str, host: str) -> None:
    annotations = {key: "acme/pay", DESCRIPTOR: "url:https://github.com/acme/catalog/blob/main/pay.yaml"}
    assert code.place(annotations) == code.Place(f"{host}/acme/pay")


def test_a_location_in_the_slugs_repository_adds_the_server_and_the_folder() -> None:
    annotations = {
        "github.com/project-slug": "Acme/Mono",
        SOURCE: "url:https://github.acme.test/acme/mono/tree/main/pay/",
    }
    assert code.place(annotations) == code.Place("github.acme.test/acme/mono", "pay")


@pytest.mark.parametrize("instance", ["git.acme.test", "https://git.acme.test"])
def test_a_gitlab_of_ones_own_is_told_by_its_annotation(instance: str) -> None:
    annotations = {"gitlab.com/project-slug": "shop/core/pay", "gitlab.com/instance": instance}
    assert code.place(annotations) == code.Place("git.acme.test/shop/core/pay")
