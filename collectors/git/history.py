"""Commits as `git log` tells them, and the graph they form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from .command import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .command import Git

# Neither an address nor a name can hold a line break; the message, which can, comes last.
FORMAT = "%H%n%P%n%at%n%ct%n%aN%n%aE%n%cN%n%cE%n%B"
NODE_FORMAT = "%H%n%P%n%at%n%ct%n%aN%n%aE"


class Entry(NamedTuple):
    """One commit as written down; names and addresses are those `.mailmap` gives."""

    sha: str
    parents: tuple[str, ...]
    authored_at: datetime | None
    committed_at: datetime | None
    name: str
    email: str
    committer_name: str
    committer_email: str
    message: str


class Node(NamedTuple):
    """What the graph keeps of a commit."""

    parents: tuple[str, ...]
    authored_at: datetime | None
    committed_at: datetime | None
    author: str | None


class Graph:
    """Commits by sha, and those on a first-parent line with their messages."""

    def __init__(self, nodes: dict[str, Node] | None = None) -> None:
        self.nodes = nodes if nodes is not None else {}
        self.on_line: dict[str, Entry] = {}
        self._awaited: dict[str, bool] = {}

    def await_line(self, head: str, *, is_default: bool) -> None:
        """Keep the messages of `head` and its first parents when they are read."""
        self._awaited[head] = is_default or self._awaited.get(head, False)

    def add(self, entry: Entry, author: str | None) -> bool:
        """Take up one commit, children before parents; whether it is on a line other than the default branch."""
        self.nodes[entry.sha] = Node(entry.parents, entry.authored_at, entry.committed_at, author)
        is_default = self._awaited.pop(entry.sha, None)
        if is_default is None:
            return False
        self.on_line[entry.sha] = entry
        for parent in entry.parents[:1]:
            self.await_line(parent, is_default=is_default)
        return not is_default

    def line(self, head: str, is_end: Callable[[str], bool]) -> list[str]:
        """The first parents from `head` back to where `is_end`, or to what was not read; oldest first."""
        found: list[str] = []
        sha: str | None = head
        while sha is not None and sha in self.nodes and not is_end(sha):
            found.append(sha)
            parents = self.nodes[sha].parents
            sha = parents[0] if parents else None
        return found[::-1]

    def brought(self, starts: Iterable[str], seen: set[str], is_known: Callable[[str], bool]) -> list[str]:
        """What is reachable from `starts` and neither `seen` nor known before; it is seen from then on."""
        found: list[str] = []
        pending = list(starts)
        while pending:
            sha = pending.pop()
            if sha in seen or sha not in self.nodes or is_known(sha):
                continue
            seen.add(sha)
            found.append(sha)
            pending.extend(self.nodes[sha].parents)
        return found


def read(git: Git, tips: Iterable[str], without: Iterable[str] = ()) -> Iterator[Entry]:
    """Every commit that `tips` reach and `without` do not, children before parents."""
    for record in _records(git, FORMAT, tips, without, "--topo-order"):
        yield parse(record)


def read_nodes(
    git: Git, tips: Iterable[str], without: Iterable[str], account: Callable[[str, str], str | None]
) -> dict[str, Node]:
    """The same commits by sha, in any order and without their messages; `account` names an author."""
    found: dict[str, Node] = {}
    for record in _records(git, NODE_FORMAT, tips, without):
        sha, parents, authored, committed, name, email = record.split("\n", 5)
        found[sha] = Node(tuple(parents.split()), instant(authored), instant(committed), account(name, email))
    return found


def _records(git: Git, layout: str, tips: Iterable[str], without: Iterable[str], *options: str) -> Iterator[str]:
    included = list(tips)
    if not included:  # git would take HEAD
        return iter(())
    revisions = lines_of([*included, *(f"^{sha}" for sha in without)])
    arguments = ("log", "-z", "--use-mailmap", "--no-show-signature", f"--format={layout}", *options, "--stdin")
    return git.records(*arguments, stdin=revisions)


def parse(record: str) -> Entry:
    """One record of `FORMAT`."""
    sha, parents, authored, committed, name, email, committer_name, committer_email, message = record.split("\n", 8)
    return Entry(
        sha,
        tuple(parents.split()),
        instant(authored),
        instant(committed),
        name,
        email,
        committer_name,
        committer_email,
        message,
    )


def instant(seconds: str) -> datetime | None:
    """Git's epoch seconds in UTC; None where a damaged commit has no time a calendar can hold."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def first_parents(git: Git, head: str, without: Sequence[str] = ()) -> list[str]:
    """The first-parent line of `head`, newest first, without what `without` reaches."""
    given = lines_of([head, *(f"^{sha}" for sha in without)])
    return git.run("rev-list", "--first-parent", "--stdin", stdin=given).split()
