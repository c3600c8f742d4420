"""Where the code of a component is, by its annotations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

SLUGS = {
    "github.com/project-slug": "github.com",
    "gitlab.com/project-slug": "gitlab.com",
    "bitbucket.org/project-slug": "bitbucket.org",
}
GITLAB_HOST = "gitlab.com/instance"
LOCATIONS = ("backstage.io/source-location", "backstage.io/managed-by-location")  # the second one is the descriptor's
ANNOTATIONS = (*SLUGS, GITLAB_HOST, *LOCATIONS)

# How hosts write a place in a repository, the more special ones first; a branch is taken to be one word.
PLACES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<repository>.+?)/-/(?:tree|blob|edit|raw)/[^/]+(?:/(?P<rest>.*))?",  # GitLab
        r"(?P<repository>.+/_git/[^/]+)",  # Azure DevOps, which has the path in the query
        r"(?P<repository>[^/]+/[^/]+)/src/(?:branch|tag|commit)/[^/]+(?:/(?P<rest>.*))?",  # Gitea, Forgejo
        r"(?P<repository>[^/]+/.+?)/(?:tree|blob|edit|raw|src)/[^/]+(?:/(?P<rest>.*))?",  # GitHub, Bitbucket
        r"(?P<repository>[^/]+/[^/]+?)(?:\.git)?",
    )
)


@dataclass(frozen=True)
class Place:
    """A repository by its `host/org/name`, and a folder in it; empty: the whole repository."""

    repository: str
    folder: str = ""


def place(annotations: Mapping[str, str]) -> Place | None:
    """Where the code is: by the slug that names its repository, or where the descriptor says, or is; else None."""
    located = next(filter(None, (_located(annotations.get(key, "")) for key in LOCATIONS)), None)
    for key, host in SLUGS.items():
        slug = annotations.get(key, "").strip("/ ")
        if not slug:
            continue
        if located and located.repository.casefold().endswith(f"/{slug.casefold()}"):
            return located  # a server of your own, which the slug does not tell; and the folder
        own = annotations.get(GITLAB_HOST, "") if host == "gitlab.com" else ""
        return Place(f"{urlsplit(own).hostname or own or host}/{slug}")
    return located


def _located(location: str) -> Place | None:
    """The place that a location of type url tells: `url:https://github.com/acme/shop/tree/main/services/pay/`."""
    kind, _, address = location.partition(":")
    parts = urlsplit(address)
    path = unquote(parts.path).strip("/")
    if kind != "url" or not parts.hostname:
        return None
    for pattern in PLACES:
        if found := pattern.fullmatch(path):
            rest = found.groupdict().get("rest") or ""
            if "/_git/" in path:
                rest = parse_qs(parts.query).get("path", [""])[0].strip("/")
            is_file = "." in rest.rpartition("/")[2] and not parts.path.endswith("/")
            return Place(f"{parts.hostname}/{found['repository']}", rest.rpartition("/")[0] if is_file else rest)
    return None
