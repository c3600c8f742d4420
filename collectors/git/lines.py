"""Lines: which commits of each branch are read when all of history is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .changes import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .history import Graph


def whole_lines(graph: Graph, heads: dict[str, str], default_branch: str | None) -> Iterator[Line]:
    """Every branch from its beginning; other than the default one, from where it left the default one."""
    rank: dict[str, int] = {}  # of each commit of the default branch: the place of the first parent that brought it
    main: set[str] = set()
    claimed: set[str] = set()
    for branch, head in heads.items():
        if branch == default_branch:
            commits = graph.line(head, lambda _: False)
            main = set(commits)
            seen: set[str] = set()
            for place, sha in enumerate(commits):
                seen.add(sha)
                for brought in (sha, *graph.brought(graph.nodes[sha].parents[1:], seen, lambda _: False)):
                    rank[brought] = place
            yield Line(branch, True, commits, lambda _: False, lambda _: False)
            continue
        commits = graph.line(head, main.__contains__)
        fork = graph.nodes[commits[0]].parents[:1] if commits else ()
        limit = rank.get(fork[0], -1) if fork else -1
        yield Line(branch, False, commits, frozenset(claimed).__contains__, ranked_below(rank, limit))
        claimed.update(commits)


def ranked_below(rank: dict[str, int], limit: int) -> Callable[[str], bool]:
    """Tells the commits of the default branch that came no later than `limit`."""
    return lambda sha: rank.get(sha, limit + 1) <= limit


def outside(shas: Iterable[str]) -> Callable[[str], bool]:
    """Tells what is not among `shas`."""
    inside = frozenset(shas)
    return lambda sha: sha not in inside
