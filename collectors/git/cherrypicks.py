"""Originals of cherry-picked commits that do not name theirs.

A cherry-pick keeps author, author time and message: a commit of a release branch that shares all three with one of the
default branch is that one. Patch-ids find those whose message was edited too, and cost a diff of every commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .command import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .command import Git
    from .history import Entry


def same_authorship(git: Git, picked: Sequence[Entry], head: str) -> dict[str, str]:
    """Sha of the original by sha, for commits with the author, author time and first line of one below `head`."""
    wanted: dict[str, list[str]] = {}
    for entry in picked:
        if entry.authored_at is not None:
            key = f"{entry.authored_at.timestamp():.0f} {entry.email}\n{first_line(entry.message)}"
            wanted.setdefault(key, []).append(entry.sha)
    if not wanted:
        return {}
    found: dict[str, str] = {}
    own = {entry.sha for entry in picked}
    for record in git.records("log", "-z", "--use-mailmap", "--format=%H %at %aE%n%B", head, "--"):
        sha, _, rest = record.partition(" ")
        account, _, message = rest.partition("\n")
        for copy in wanted.get(f"{account}\n{first_line(message)}", ()):
            if sha not in own:
                found.setdefault(copy, sha)
    return found


def same_patch(git: Git, picked: Iterable[str], head: str) -> dict[str, str]:
    """Sha of the original by sha, for commits whose patch-id is that of one below `head`."""
    copies: dict[str, list[str]] = {}
    for patch_id, sha in patch_ids(git, "--no-walk=unsorted", "--stdin", stdin=lines_of(picked)):
        copies.setdefault(patch_id, []).append(sha)
    found: dict[str, str] = {}
    if copies:
        for patch_id, sha in patch_ids(git, "--no-merges", head):
            found |= {copy: sha for copy in copies.get(patch_id, ()) if copy != sha}
    return found


def patch_ids(git: Git, *arguments: str, stdin: str = "") -> list[tuple[str, str]]:
    """Patch-id and sha of each commit `git log` is asked for; GitFailed where an object is missing."""
    patches = git.run("log", "-p", "--no-color", "--format=commit %H", *arguments, stdin=stdin)
    listing = git.run("patch-id", "--stable", stdin=patches)
    return [(patch_id, sha) for patch_id, sha in (line.split() for line in listing.splitlines())]


def first_line(message: str) -> str:
    """The first line of a message that is not empty."""
    return message.lstrip("\n").partition("\n")[0].strip()
