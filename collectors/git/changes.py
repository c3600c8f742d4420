"""Changes: what was merged or pushed to a branch, one for each commit on its first-parent line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .accounts import HOSTS_OWN
from .messages import Request, merged_branch, request_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from .accounts import Accounts
    from .counts import Touched
    from .history import Entry, Graph, Node
    from .location import Web

Payload = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """The part of a branch that is to be read: its first parents, oldest first.

    `claimed` are those that a line before this one carries already; `is_known` tells what was on the branch before.
    """

    branch: str
    is_default: bool
    commits: Sequence[str]
    is_claimed: Callable[[str], bool]
    is_known: Callable[[str], bool]


class Built(NamedTuple):
    """One change: its payload, its commits' payloads, and the shas it put on the branch."""

    entry: Entry
    change: Payload
    commits: list[Payload]
    shas: list[str]


@dataclass
class Changes:
    """Builds the changes of one repository, line after line."""

    repository: str
    web: Web
    graph: Graph
    accounts: Accounts
    pulls: Mapping[int, str]
    touched: Mapping[str, Touched]
    is_taken: Callable[[int], bool] = lambda _: False  # a request that an older change of the default branch carries
    without_commits: int = 0
    _requests: dict[str, Request | None] = field(default_factory=dict)
    _taken: set[int] = field(default_factory=set)
    _pulled: set[str] = field(default_factory=set)

    def request(self, sha: str) -> Request | None:
        """The request a commit on a line carries. `(#N)` is none where the host knows no pull request N: an issue."""
        if sha not in self._requests:
            message = self.graph.on_line[sha].message
            found = request_of(subject_of(message), message)
            if found and found.is_suffix and self.pulls and found.number not in self.pulls:
                found = None
            self._requests[sha] = found
        return self._requests[sha]

    def squashed_heads(self, lines: Sequence[Line]) -> list[str]:
        """The heads of the requests whose commits are in no line: they were squashed."""
        found: dict[str, None] = {}
        for line in lines:
            for sha in line.commits:
                if not line.is_claimed(sha) and len(self.graph.nodes[sha].parents) < 2 and (named := self.request(sha)):
                    head = self.pulls.get(named.number)
                    if head and head not in self.graph.nodes:
                        found[head] = None
        return list(found)

    def of(self, line: Line, pulled: Graph) -> Iterator[Built]:
        """The changes of one line, oldest first; `pulled` holds the commits of squashed requests."""
        seen: set[str] = set()
        for sha in line.commits:
            node = self.graph.nodes[sha]
            seen.add(sha)
            side = self.graph.brought(node.parents[1:], seen, line.is_known)
            if not line.is_claimed(sha):
                yield self._built(line, self.graph.on_line[sha], side, pulled)

    def _built(self, line: Line, entry: Entry, side: list[str], pulled: Graph) -> Built:
        request = self.request(entry.sha)
        if request and line.is_default:
            self._taken.add(request.number)
        elif request and request.is_suffix and (request.number in self._taken or self.is_taken(request.number)):
            request = None  # cherry-picked with its subject: the request itself went to the default branch
        node = self.graph.nodes[entry.sha]
        is_merge = len(entry.parents) > 1
        if request is None:
            nodes = {sha: self.graph.nodes[sha] for sha in side} if is_merge else {entry.sha: node}
            payload = self._pushed(entry, nodes, is_merge=is_merge)
        else:
            head = self.pulls.get(request.number)
            if is_merge:
                nodes = {sha: self.graph.nodes[sha] for sha in side}
                head = entry.parents[1]
            else:
                squashed = pulled.brought([head] if head else [], self._pulled, lambda _: False)
                nodes = {sha: pulled.nodes[sha] for sha in squashed}
                self.without_commits += not nodes
            payload = self._requested(entry, request, nodes, head, is_merge=is_merge)
        payload |= {
            "ext_id": f"{self.repository}@{entry.sha}",
            "repository": self.repository,
            "state": "merged",
            "merged_at": entry.committed_at,
            "closed_at": entry.committed_at,
            "base_branch": line.branch,
            "merge_sha": entry.sha,
            "commits_count": len(nodes) or None,
        }
        if one := self.touched.get(entry.sha):
            payload |= {
                "lines_added": one.lines_added, "lines_deleted": one.lines_deleted,
                "files_changed": len(one.paths), "paths": one.paths,
            }  # fmt: skip
        commits = [commit_payload(payload["ext_id"], sha, one) for sha, one in nodes.items()]
        return Built(entry, payload, commits, [entry.sha, *side, *nodes])

    def _pushed(self, entry: Entry, nodes: Mapping[str, Node], *, is_merge: bool) -> Payload:
        """A direct push; its clock starts when it was committed, that of a merged branch with its first commit."""
        subject = subject_of(entry.message)
        return {
            "kind": "direct_push",
            "url": self.web.commit(entry.sha),
            "title": subject,
            "author": self.graph.nodes[entry.sha].author,
            "merge_method": "merge" if is_merge else "direct",
            "head_branch": merged_branch(subject) if is_merge else None,
            "head_sha": entry.parents[1] if is_merge else entry.sha,
            "first_commit_at": (first_authored(nodes) if is_merge else None) or entry.committed_at,
        }

    def _requested(
        self, entry: Entry, request: Request, nodes: Mapping[str, Node], head: str | None, *, is_merge: bool
    ) -> Payload:
        """A pull or merge request. Its author is the host's for a squash, that of the first commit for a merge."""
        author = self.graph.nodes[entry.sha].author
        merger = author if is_merge else self._committer(entry)
        if is_merge and nodes:
            author = min(nodes.values(), key=lambda node: (node.authored_at is None, node.authored_at)).author
        return {
            "kind": "pull_request",
            "url": self.web.change(request.number),
            "number": request.number,
            "title": request.title,
            "author": author,
            "merged_by": merger,
            "merge_method": "merge" if is_merge else "squash",
            "head_branch": request.branch,
            "head_sha": head,
            "first_commit_at": first_authored(nodes) or entry.authored_at,
        }

    def _committer(self, entry: Entry) -> str | None:
        """Who merged a squash; None where the host itself committed it."""
        if entry.committer_email.lower() in HOSTS_OWN:
            return None
        return self.accounts.account(entry.committer_name, entry.committer_email)


def first_authored(nodes: Mapping[str, Node]) -> datetime | None:
    """The earliest author time of some commits; None where there are none."""
    return min((node.authored_at for node in nodes.values() if node.authored_at), default=None)


def commit_payload(change: str, sha: str, node: Node) -> Payload:
    """A ChangeCommit payload."""
    return {
        "ext_id": f"{change}/{sha}",
        "change": change,
        "sha": sha,
        "authored_at": node.authored_at,
        "committed_at": node.committed_at,
        "author": node.author,
    }
