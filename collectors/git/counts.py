"""Touched paths and line counts: what reads file contents, and so is slow, opt-in, and may find objects missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .command import GitFailed, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .command import Git

MISSES_MAX = 20


class Touched(NamedTuple):
    """What a commit changed against its first parent; lines None: not counted, or binary only."""

    paths: tuple[str, ...]
    lines_added: int | None
    lines_deleted: int | None


def touched(git: Git, shas: Sequence[str], *, count_lines: bool) -> dict[str, Touched]:
    """By sha, what each commit touched; where contents are missing only the paths, where more is missing nothing.

    git ends at the first missing object, so it is called again for the commits behind that one.
    """
    found: dict[str, Touched] = {}
    start = misses = 0
    while start < len(shas) and misses <= MISSES_MAX:
        reading = _read(git, shas[start:], count_lines=count_lines)
        try:
            found.update(reading)
        except GitFailed:
            misses += 1
        else:
            break
        # The commit that was being printed is not whole, unless it was the one before that failed.
        done = [number for number in range(start, len(shas)) if shas[number] in found]
        start = (done[-1] if done else start - 1) + 2
    if count_lines and (rest := [sha for sha in shas if sha not in found]):
        found |= touched(git, rest, count_lines=False)
    return found


def _read(git: Git, shas: Sequence[str], *, count_lines: bool) -> Iterator[tuple[str, Touched]]:
    """Whole commits in the order given."""
    form = ("--numstat",) if count_lines else ("--raw", "--no-abbrev")
    arguments = ("log", "-z", "--no-walk=unsorted", "--stdin", "--format=%x01%H", "--no-renames", *form)
    sha = ""
    rows: list[str] = []
    for record in git.records(*arguments, "--diff-merges=first-parent", stdin=lines_of(shas)):
        field = record.lstrip("\n")
        if field.startswith("\x01"):
            if sha:
                yield sha, summed(rows, count_lines=count_lines)
            sha, rows = field[1:], []
        elif field:
            rows.append(field)
    if sha:
        yield sha, summed(rows, count_lines=count_lines)


def summed(rows: Sequence[str], *, count_lines: bool) -> Touched:
    """The rows of one commit together: `added<tab>deleted<tab>path`, or mode lines and paths in turn."""
    if not count_lines:
        return Touched(tuple(row for row in rows if not row.startswith(":")), None, None)
    paths, added, deleted = [], 0, 0
    for row in rows:
        plus, minus, path = row.split("\t", 2)
        paths.append(path)
        if plus != "-":  # binary
            added += int(plus)
            deleted += int(minus)
    return Touched(tuple(paths), added, deleted)
