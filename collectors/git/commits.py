"""Commits: a row for each, with what its message and its contents tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import accounts, cherrypicks, counts, messages
from .command import GitFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .command import Git
    from .history import Entry
    from .location import Web
    from .settings import Rules

Payload = dict[str, Any]


class Commits:
    """Makes the commit rows of one repository; `touched` and `notes` fill up on the way."""

    def __init__(self, repository: str, git: Git, rules: Rules, web: Web, people: accounts.Accounts) -> None:
        self.touched: dict[str, counts.Touched] = {}
        self.uncounted = 0
        self.notes: list[str] = []
        self._repository = repository
        self._git = git
        self._rules = rules
        self._web = web
        self._people = people
        self._mapped: dict[tuple[str, str], tuple[str, str]] = {}

    def payload(self, entry: Entry, author: str | None) -> Payload:
        """A Commit payload that `finished` completes."""
        message = entry.message
        payload: Payload = {
            "ext_id": f"{self._repository}@{entry.sha}",
            "url": self._web.commit(entry.sha),
            "repository": self._repository,
            "sha": entry.sha,
            "parents": entry.parents,
            "authored_at": entry.authored_at,
            "committed_at": entry.committed_at,
            "author": author,
            "headline": messages.subject_of(message),
            "is_ai_assisted": messages.names_assistant(message) or accounts.is_assistant(entry.name, entry.email),
        }
        if co_authors := messages.co_authors(message):
            payload["co_authors"] = co_authors  # as written; `finished` makes them accounts
        if original := messages.picked_from(message):
            payload["cherry_pick_of"] = original
        return payload

    def finished(self, payloads: Sequence[Payload]) -> Sequence[Payload]:
        """The same payloads with what is looked up for many at once: co-authors, touched paths."""
        written = {person for payload in payloads for person in payload.get("co_authors", ())}
        if unknown := written - self._mapped.keys():
            self._mapped |= {person: person for person in unknown} | accounts.mailmapped(self._git, sorted(unknown))
        if self._rules.line_counts or self._rules.paths:
            shas = [payload["sha"] for payload in payloads]
            found = counts.touched(self._git, shas, count_lines=self._rules.line_counts)
            known = [sha for sha, one in found.items() if one.lines_added is not None or not self._rules.line_counts]
            self.uncounted += len(shas) - len(known)
            self.touched |= found
        for payload in payloads:
            if people := payload.get("co_authors"):
                named = [self._mapped[person] for person in people]
                payload["co_authors"] = tuple(filter(None, (self._people.account(*person) for person in named)))
                payload["is_ai_assisted"] |= any(accounts.is_assistant(*person) for person in named)
            if one := self.touched.get(payload["sha"]):
                payload |= {"lines_added": one.lines_added, "lines_deleted": one.lines_deleted, "paths": one.paths}
        return payloads

    def find_originals(self, picked: Sequence[tuple[Entry, Payload]], head: str) -> None:
        """Name the originals, below `head`, of what was cherry-picked to release branches without saying so."""
        plain = [(entry, payload) for entry, payload in picked if len(entry.parents) < 2]
        unnamed = [(entry, payload) for entry, payload in plain if "cherry_pick_of" not in payload]
        if not unnamed:
            return
        found = cherrypicks.same_authorship(self._git, [entry for entry, _ in unnamed], head)
        if self._rules.patch_ids:
            try:
                found = cherrypicks.same_patch(self._git, [entry.sha for entry, _ in unnamed], head) | found
            except GitFailed as error:
                self.notes.append(f"patch-ids are not known: {error}")
        for entry, payload in unnamed:
            if original := found.get(entry.sha):
                payload["cherry_pick_of"] = original
