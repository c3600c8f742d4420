"""Which deployment shipped a commit first, by ancestry.

Per service and repository one walk over the successful production deployments in time order: each claims the commits
reachable from the deployed one that no earlier deployment reached. One set of visited commits serves all of them, so
the cost is that of the commits and their parents, however many deployments there are.

The first deployment that is known would claim all of history. It claims what lies after its stated previous commit;
where there is none, what was committed since the service's deployments are covered; without coverage, nothing.
A cherry-pick counts as its original, which is claimed with it and not again when the original itself arrives.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dxmetrics.models import Derivation
from dxmetrics.models.nodes import digest

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Numbers = npt.NDArray[np.int64]

NONE = -1
LONGEST_CHAIN = 16  # cherry-picks of cherry-picks of ...
COMMITS_AT_ONCE = 1_000_000  # what bounds the memory: about 200 MB
COLUMNS = {
    "service_id": "varchar",
    "repository_id": "varchar",
    "sha": "varchar",
    "deployment_id": "varchar",
}

_RELEASES = """
select
    attempts.repository_id,
    attempts.service_id,
    coalesce(rollouts.deployment_id, attempts.attempt_id) as deployment_id,
    attempts.sha,
    attempts.previous_sha,
    epoch_us(coverage.covered_from) as covered_from,
from {core.deployment_attempts} as attempts
left join {core.rollouts} as rollouts on attempts.attempt_id = rollouts.attempt_id
left join {core.deployment_coverage} as coverage on attempts.service_id = coverage.service_id
where
    attempts.is_production
    and attempts.status = 'success'
    and attempts.sha is not null
    and attempts.repository_id is not null
    and attempts.finished_at is not null
order by
    attempts.repository_id,
    attempts.service_id nulls first,
    coalesce(rollouts.finished_at, attempts.finished_at),
    deployment_id
"""

_REPOSITORIES = """
create or replace temp table linkage_repositories as
with named as (
    select source, repository, count(*) as commits
    from {landing.commits}
    where deleted_at is null
    group by source, repository
),
resolved as (
    select
        named.*,
        coalesce(own.repository_id, by_name.repository_id, lower(named.repository)) as repository_id,
    from named
    left join {core.repository_keys} as own on named.source = own.source and named.repository = own.key
    left join {core.repository_keys} as by_name on by_name.source = '*' and lower(named.repository) = by_name.key
)
select resolved.*, deployed.place
from resolved
inner join deployed_repositories as deployed on resolved.repository_id = deployed.repository_id
"""

_COMMITS = """
select
    commits.sha,
    commits.parents,
    commits.cherry_pick_of,
    coalesce(epoch_us(commits.committed_at), 0) as committed_at,
from {landing.commits} as commits
semi join (from linkage_repositories where place between $low and $high) as wanted
    on commits.source = wanted.source and commits.repository = wanted.repository
where commits.deleted_at is null
"""


@dataclass(frozen=True)
class _History:
    """Commits by number. One that two repositories share, or two sources tell of, is found by its first number."""

    parents: list[int]  # one parent of each, or NONE
    merged: Mapping[int, list[int]]  # the other parents of merges
    originals: Mapping[int, int]  # cherry-pick -> the commit it copies
    committed_at: Numbers  # microseconds
    sha: Any  # an Arrow array


@dataclass
class _Walk:
    """The walks of all services over a history, one after the other, and the claims they made."""

    history: _History
    number: int = 0  # of the present service's walk
    commits: list[int] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)  # how many of `commits` each of `releases` has

    def __post_init__(self) -> None:
        self.visited = [0] * len(self.history.parents)
        self.claimed = [0] * len(self.history.parents)

    def begin(self) -> None:
        """Begin the walk of another service: nothing is visited or claimed."""
        self.number += 1

    def reach(self, head: int) -> list[int]:
        """The commits reachable from `head` that were not visited in this walk before; they are now."""
        number, visited, parents, merged = self.number, self.visited, self.history.parents, self.history.merged
        reached: list[int] = []
        waiting = [head]
        while waiting:
            commit = waiting.pop()
            while commit != NONE and visited[commit] != number:
                visited[commit] = number
                reached.append(commit)
                if commit in merged:
                    waiting.extend(merged[commit])
                commit = parents[commit]
        return reached

    def claim(self, commits: list[int], release: int) -> None:
        """Give the commits to a release, a cherry-pick's original in its place, unless an earlier one has them."""
        number, claimed, originals = self.number, self.claimed, self.history.originals
        if originals:
            own = []
            for commit in commits:
                taken = originals.get(commit, commit)
                if claimed[taken] != number:
                    claimed[taken] = number
                    own.append(taken)
            commits = own
        if commits:
            self.commits.extend(commits)
            self.releases.append(release)
            self.counts.append(len(commits))


def first_deployments(connection: DuckDBPyConnection, tables: Mapping[str, str]) -> pa.Table:
    """One row per service and commit: the first successful production deployment that contains the commit.

    `tables` maps each input to the table to read it from, which may hold a part of the repositories only.
    """
    releases = connection.sql(_in_tables(_RELEASES, tables)).to_arrow_table().combine_chunks()
    starts = _starts(releases["repository_id"].to_pylist())
    ends = [*starts[1:], releases.num_rows]
    places = pa.array(range(len(starts)), pa.int64())
    deployed = pa.table(
        {"repository_id": releases["repository_id"].take(pa.array(starts, pa.int64())), "place": places}
    )
    connection.register("deployed_repositories", deployed)
    connection.execute(_in_tables(_REPOSITORIES, tables))
    connection.unregister("deployed_repositories")
    claims = []
    for low, high in _portions(connection):
        portion = releases.slice(starts[low], ends[high] - starts[low])
        query = _in_tables(_COMMITS, tables)
        commits = connection.sql(query, params={"low": low, "high": high}).to_arrow_table().combine_chunks()
        claims.append(_claims(*_numbered(commits, portion), portion))
    connection.execute("drop table linkage_repositories")
    return pa.concat_tables([_rows(releases.slice(0, 0), [], pa.array([], pa.string())), *claims])


def _in_tables(query: str, tables: Mapping[str, str]) -> str:
    for name, table in tables.items():
        query = query.replace(f"{{{name}}}", table)
    return query


def _starts(values: list[Any]) -> list[int]:
    """Where each stretch of equal values begins."""
    return [place for place, value in enumerate(values) if place == 0 or values[place - 1] != value]


def _portions(connection: DuckDBPyConnection) -> Iterator[tuple[int, int]]:
    """Stretches of repositories that together have few enough commits to be held at once."""
    sizes = connection.execute(
        "select place, sum(commits)::bigint from linkage_repositories group by place order by place"
    ).fetchall()
    low, held = 0, 0
    for place, commits in sizes:
        if held and held + commits > COMMITS_AT_ONCE:
            yield low, place - 1
            low, held = place, 0
        held += commits
    if held:
        yield low, sizes[-1][0]


def _numbered(commits: pa.Table, releases: pa.Table) -> tuple[_History, list[int], list[int]]:
    """The commits as numbers, and of each release the deployed commit and the one it states as deployed before."""
    sha, lists, picked = (_array(commits[name]) for name in ("sha", "parents", "cherry_pick_of"))
    picks = np.flatnonzero(picked.is_valid().to_numpy(zero_copy_only=False))
    texts = [lists.flatten(), picked.take(pa.array(picks)), _array(releases["sha"]), _array(releases["previous_sha"])]
    # one look-up for all: making its hash table is what takes the time
    found: Any = pc.index_in(pa.concat_arrays(texts), value_set=sha)
    numbers: Numbers = found.fill_null(NONE).to_numpy().astype(np.int64)
    parents, originals, heads, previous = np.split(numbers, np.cumsum([len(text) for text in texts[:-1]]))
    children = np.repeat(np.arange(len(sha)), lists.value_lengths().fill_null(0).to_numpy())
    is_known = parents != NONE
    one, others = _by_child(children[is_known], parents[is_known], len(sha))
    known = {pick: original for pick, original in zip(picks.tolist(), originals.tolist(), strict=True) if original >= 0}
    history = _History(one, others, _originals(known), commits["committed_at"].to_numpy(), sha)
    return history, heads.tolist(), previous.tolist()


def _array(column: Any) -> Any:
    """A column as one array, which for a slice of a combined table copies nothing."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _by_child(children: Numbers, parents: Numbers, count: int) -> tuple[list[int], dict[int, list[int]]]:
    """Of each commit one parent, NONE at a root, and the others where there are any."""
    one = np.full(count, NONE, dtype=np.int64)
    one[children] = parents
    is_other = one[children] != parents
    others: dict[int, list[int]] = {}
    for child, parent in zip(children[is_other].tolist(), parents[is_other].tolist(), strict=True):
        others.setdefault(child, []).append(parent)
    return one.tolist(), others


def _originals(picks: Mapping[int, int]) -> dict[int, int]:
    """Each cherry-pick's original, followed through cherry-picks of cherry-picks."""
    found = {}
    for pick in picks:
        original = pick
        for _ in range(LONGEST_CHAIN):
            original = picks.get(original, original)
        if original not in picks:
            found[pick] = original
    return found


def _claims(history: _History, heads: list[int], previous: list[int], releases: pa.Table) -> pa.Table:
    """What the releases claim, repository by repository and service by service, as rows of the result."""
    keys = list(zip(releases["repository_id"].to_pylist(), releases["service_id"].to_pylist(), strict=True))
    walk = _Walk(history)
    starts = _starts(keys)
    for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
        known = [place for place in range(start, end) if heads[place] != NONE]
        if not known:
            continue
        walk.begin()
        first = known[0]
        since: int | None = None
        if previous[first] != NONE:
            walk.reach(previous[first])
            since = 0
        elif releases["covered_from"][first].is_valid:
            since = releases["covered_from"][first].as_py()
        reached = walk.reach(heads[first])
        if since is not None:
            dates = history.committed_at
            walk.claim([commit for commit in reached if dates[commit] >= since], first)
        for place in known[1:]:
            walk.claim(walk.reach(heads[place]), place)
    owners = np.repeat(np.asarray(walk.releases, dtype=np.int64), np.asarray(walk.counts, dtype=np.int64))
    return _rows(releases, owners, history.sha.take(pa.array(walk.commits, pa.int64())))


def _rows(releases: pa.Table, owners: Any, sha: Any) -> pa.Table:
    """The result's rows: the commits `sha`, and beside each the release at its place in `releases`."""
    places = pa.array(owners, pa.int64())
    columns = {
        # a release has many commits: a dictionary repeats its place, not its texts
        name: pa.DictionaryArray.from_arrays(places, _array(releases[name]))
        for name in ("service_id", "repository_id", "deployment_id")
    }
    return pa.table({**columns, "sha": sha})


_NO_REPOSITORY = "select cast(null as varchar) as repository_id where false"

DERIVATION = Derivation(
    name="core.first_deployments",
    inputs=(
        "landing.commits", "core.repository_keys", "core.deployment_attempts", "core.rollouts",
        "core.deployment_coverage", "core.release_orders",
    ),
    columns=COLUMNS,
    run=first_deployments,
    version=digest(inspect.getsource(sys.modules[__name__])),
    key=("repository_id",),
    keys={"core.deployment_attempts": ("repository_id",)},
    affects={
        "landing.commits": """
            select coalesce(own.repository_id, named.repository_id, lower(changed.repository))
            from delta.changed as changed
            left join core.repository_keys as own on changed.source = own.source and changed.repository = own.key
            left join core.repository_keys as named
                on named.source = '*' and lower(changed.repository) = named.key""",
        # what of these matters is in core.release_orders, which is of a repository: a deployment that ended a minute
        # later, and still between the same two, ships what it shipped
        "core.deployment_attempts": _NO_REPOSITORY,
        "core.rollouts": _NO_REPOSITORY,
        "core.deployment_coverage": _NO_REPOSITORY,
    },
)  # fmt: skip
