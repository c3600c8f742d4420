"""Which team owns a repository, by its CODEOWNERS file."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import queries

if TYPE_CHECKING:
    from .access import Access
    from .repositories import Listed

MOST = 50  # repositories whose files are asked for at once


class Owners:
    """The owning teams of listed repositories. The first question about one is asked for those that were pushed to
    before it as well, as they come next: one request for fifty repositories."""

    def __init__(self, access: Access, listed: Mapping[str, Listed]) -> None:
        self._access = access
        self._waiting = dict(listed)
        self._known: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def of(self, repo: Listed) -> str | None:
        """The team that owns all of a repository, as `org/slug`; None where no file says so."""
        with self._lock:
            if repo.id not in self._known:
                self._ask(repo)
            return self._known.get(repo.id)

    def _ask(self, repo: Listed) -> None:
        api = self._access.of(repo.owner)
        self._waiting.pop(repo.id, None)
        near = [one for one in self._waiting.values() if self._access.of(one.owner) is api][: MOST - 1]
        asked = {one.node["id"]: one.id for one in (repo, *near)}
        for node, _ in api.by_id(queries.OWNERS, list(asked)):
            self._known[asked[node["id"]]] = owner_of_everything(_text(node))
        for one in near:
            del self._waiting[one.id]


def _text(node: Mapping[str, Any]) -> str | None:
    files = (node.get(f"file{place}") for place in range(len(queries.CODEOWNERS)))
    return next((file["text"] for file in files if file and file.get("text") is not None), None)


def owner_of_everything(codeowners: str | None) -> str | None:
    """The team that a CODEOWNERS file gives everything to, by its last rule for all files; None: none, or no team."""
    found = None
    for line in (codeowners or "").splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] in {"*", "/**", "**", "/", "/*"}:
            teams = [word[1:] for word in words[1:] if word.startswith("@") and "/" in word]
            found = teams[0] if teams else None
    return found
