"""Reverts: which change takes back which."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from .command import Git, GitFailed
from .history import first_parents
from .messages import Revert, request_of, revert_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .changes import Built
    from .history import Entry

BY_SUBJECT_CONFIDENCE = 0.9


class Older:
    """What was on the default branch before this walk: looked up only when something refers to it."""

    def __init__(self, git: Git, head: str | None) -> None:
        self._git = git
        self._head = head

    @cached_property
    def requests(self) -> Mapping[int, str]:
        """The sha that carries each request, the latest of several."""
        found: dict[int, str] = {}
        if self._head:
            arguments = ("log", "-z", "--first-parent", "--format=%H%n%B", self._head, "--")
            for record in self._git.records(*arguments):
                sha, _, message = record.partition("\n")
                if request := request_of(subject_of(message), message):
                    found.setdefault(request.number, sha)
        return found

    @cached_property
    def line(self) -> frozenset[str]:
        """The first parents of the default branch."""
        return frozenset(first_parents(self._git, self._head)) if self._head else frozenset()

    def carrier(self, sha: str) -> str | None:
        """The commit of the default branch that brought `sha` there; None where it is not on it."""
        if self._head is None:
            return None
        if sha in self.line:
            return sha
        try:
            brought = self._git.run("rev-list", "--first-parent", "--ancestry-path", f"{sha}..{self._head}", "--")
        except GitFailed:  # no such commit here
            return None
        return next(iter(brought.split()[::-1]), None)


class Reverts:
    """Links changes that take back others, fed in the order they were merged."""

    def __init__(self, git: Git, repository: str, older: Older) -> None:
        self._git = git
        self._repository = repository
        self._older = older
        self._carriers: dict[str, str] = {}
        self._requests: dict[int, str] = {}
        self._full: dict[str, str] = {}
        self._said_on_sides: dict[str, Revert] = {}

    def noted(self, entry: Entry) -> None:
        """Remember that a commit says it takes something back: a merged request may consist of it."""
        if "evert" in entry.message and (said := revert_of(subject_of(entry.message), entry.message)):
            self._said_on_sides[entry.sha] = said

    def complete_shas(self) -> None:
        """Look up abbreviated shas, all at once."""
        short = {sha for said in self._said_on_sides.values() for sha in said.shas if len(sha) < 40}
        if short:
            asked = "".join(f"{sha}^{{commit}}\n" for sha in sorted(short))
            reply = self._git.run("cat-file", "--batch-check=%(objectname)", stdin=asked).splitlines()
            self._full = {sha: full for sha, full in zip(sorted(short), reply, strict=True) if " " not in full}

    def link(self, built: Built) -> dict[str, Any] | None:
        """Mark a change that is a revert, and return the Link payload to what it takes back if that is known."""
        said = self._said(built)
        own = set(built.shas)
        link = None
        if said is not None:
            target, evidence, confidence = self._target(said, own)
            is_stated = built.change["merge_method"] != "squash"
            # A squash's body holds the messages of its own commits, which may take back one another.
            if target or said.is_subject or (is_stated and not own.issuperset(self._shas(said))):
                built.change["is_revert"] = True
            if target and not said.is_reapply:
                built.change["reverts"] = f"{self._repository}@{target}"
                link = link_payload(built.change["ext_id"], built.change["reverts"], evidence, confidence)
        for sha in built.shas:
            self._carriers.setdefault(sha, built.entry.sha)
        if number := built.change.get("number"):
            self._requests[number] = built.entry.sha
        return link

    def _said(self, built: Built) -> Revert | None:
        """What the change itself says, else what its commits say if all of them take something back."""
        title = built.change["title"]
        own = revert_of(title, built.entry.message)
        inner = [self._said_on_sides.get(sha) for sha in built.shas[1:]]
        stated = [said for said in inner if said is not None]
        if not stated or (len(stated) < len(inner) and not (own and own.is_subject)):
            return own
        parts = [*([own] if own else []), *stated]
        return Revert(
            any(said.is_subject for said in parts),
            all(said.is_reapply for said in parts),
            tuple(sha for said in parts for sha in said.shas),
            tuple(number for said in parts for number in said.requests),
        )

    def _shas(self, said: Revert) -> list[str]:
        return [self._full.get(sha, sha) for sha in said.shas]

    def _target(self, said: Revert, own: Iterable[str]) -> tuple[str | None, str, float]:
        """The commit that carries what is taken back, how that is known, and how surely."""
        for sha in self._shas(said):
            if sha not in own and (carrier := self._carriers.get(sha) or self._older.carrier(sha)):
                return carrier, f"body: This reverts commit {sha}", 1.0
        for number in said.requests:
            if carrier := self._requests.get(number) or self._older.requests.get(number):
                return carrier, f"names request {number}", BY_SUBJECT_CONFIDENCE
        return None, "", 0.0


def link_payload(change: str, reverted: str, evidence: str, confidence: float) -> dict[str, Any]:
    """A Link payload from the change that reverts to the one it takes back."""
    return {
        "ext_id": f"{change} reverts {reverted}",
        "from_kind": "change",
        "from_id": change,
        "relation": "reverts",
        "to_kind": "change",
        "to_id": reverted,
        "confidence": confidence,
        "evidence": evidence,
    }
