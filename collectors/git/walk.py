"""One repository from its mirror to pages: what is new since the cursor, or all of it where history was rewritten."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors import Cursor, Interval, Page, Whole
from dxmetrics.records import Change, ChangeCommit, Commit, Deployment, Identity, Link, Record, Repository, TemplateUse

from . import accounts, history, releases, templates
from .changes import Built, Changes, Line
from .command import GitFailed
from .commits import Commits
from .lines import outside, whole_lines
from .reverts import Older, Reverts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .command import Git
    from .location import Web
    from .mirror import Heads
    from .settings import Rules

Payload = dict[str, Any]
Rows = dict[type[Record], list[Payload]]

PAGE_ROWS = 5_000
SNAPSHOT = (Repository, Commit, Change, ChangeCommit, Deployment, Link, TemplateUse)
MAPPING_VERSION = 2  # raised when the same history maps to other rows: the next run then reads it whole


@dataclass(frozen=True)
class Tips:
    """Where a repository stood: heads of the lines by branch, commits of the releases by tag."""

    lines: dict[str, str]
    tags: dict[str, str]

    @property
    def shas(self) -> list[str]:
        """Every commit the history is read from."""
        return list(dict.fromkeys([*self.lines.values(), *self.tags.values()]))


class Walk:
    """One reading of one mirror."""

    def __init__(
        self,
        name: str,
        git: Git,
        heads: Heads,
        rules: Rules,
        web: Web,
        read_at: datetime,
        *,
        tells_repository: bool = True,
    ) -> None:
        self.name = name
        self.tells_repository = tells_repository
        self.git = git
        self.heads = heads
        self.rules = rules
        self.web = web
        self.read_at = read_at
        self.accounts = accounts.Accounts()
        self.commits = Commits(name, git, rules, web, self.accounts)
        self.notes = self.commits.notes
        self.since: datetime | None = None
        self.without_commits = 0
        self._rows: Rows = {}

    # -- what is there -------------------------------------------------------------------------------------------

    @property
    def default_branch(self) -> str | None:
        """The branch changes are merged to: the configured one, else the repository's own."""
        return self.rules.default_branch or self.heads.default_branch

    @cached_property
    def tips(self) -> Tips:
        """The default branch first, then release branches by name; the tags that are releases."""
        pattern = re.compile(self.rules.release_branches) if self.rules.release_branches else None
        wanted = [self.default_branch, *([self.rules.branch] if self.rules.deployments == "merges" else [])]
        branches = self.heads.branches
        named = [branch for branch in sorted(branches) if pattern and pattern.search(branch)]
        lines = {branch: branches[branch] for branch in (*wanted, *named) if branch and branch in branches}
        return Tips(lines, {release.tag.name: release.tag.sha for release in self._releases[0]})

    @cached_property
    def _releases(self) -> tuple[list[releases.Release], dict[str, int]]:
        if self.rules.deployments in {"none", "merges"}:
            return [], {}
        is_pattern = self.rules.deployments != "releases"
        rule = releases.TagRule(
            re.compile(self.rules.deployments) if is_pattern else None, self.rules.tag_prefix, self.rules.date_tags
        )
        return releases.choose(releases.read_tags(self.git), rule)

    @cached_property
    def shallow(self) -> list[str]:
        """The commits a shallow clone ends at."""
        path = self.git.folder / "shallow"
        return path.read_text().split() if path.exists() else []

    @cached_property
    def digest(self) -> str:
        """Stands for everything but new commits that decides what rows come out."""
        mailmap = ""
        if self.default_branch in self.tips.lines:
            listed = self.git.run("ls-tree", self.tips.lines[self.default_branch], "--", ".mailmap")
            mailmap = listed.split("\t")[0]
        told = [MAPPING_VERSION, self.name, self.default_branch, self.rules.model_dump(), mailmap, self.shallow]
        return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:16]

    # -- pages ---------------------------------------------------------------------------------------------------

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of what is new since `cursor`; of everything where there is none, or where it no longer holds."""
        before = cursor if cursor and self._still_holds(cursor) else None
        if before is None:
            yield from self._read(Tips({}, {}), {}, is_whole=True)
            return
        self.since = datetime.fromisoformat(before["since"]) if before["since"] else None
        self.without_commits = before["without_commits"]
        old = Tips(before["lines"], before["tags"])
        if old == self.tips and before["releases"] == self._release_digests:
            yield Page(rows={}, cursor=cursor, covers=self._covers(), is_last=True, notes=tuple(before["notes"]))
            return
        yield from self._read(old, before["releases"], is_whole=False)

    def _still_holds(self, cursor: Cursor) -> bool:
        """Whether what was read before is still a part of history, line by line, under the same rules."""
        old = Tips(cursor["lines"], cursor["tags"])
        if cursor["digest"] != self.digest or list(old.lines) != list(self.tips.lines):
            return False
        if any(self.tips.tags.get(tag) != sha for tag, sha in old.tags.items()):
            return False
        if set(cursor["releases"]) - set(self._release_digests):
            return False
        return all(self._extends(old.lines[branch], head) for branch, head in self.tips.lines.items())

    def _extends(self, old: str, new: str) -> bool:
        """Whether `old` is on the first-parent line of `new`."""
        if old == new:
            return True
        try:
            arguments = ("rev-list", "--first-parent", "--parents", f"{old}..{new}", "--")
            rows = self.git.run(*arguments).splitlines()
        except GitFailed:  # `old` is not there any more
            return False
        return bool(rows) and rows[-1].split()[1:2] == [old]

    def _read(self, old: Tips, old_releases: dict[str, str], *, is_whole: bool) -> Iterator[Page]:
        if self.tells_repository:
            self._add(Repository, self._repository_payload())
        graph = history.Graph()
        older = Older(self.git, None if is_whole else old.lines.get(self.default_branch or ""))
        reverts = Reverts(self.git, self.name, older)
        for _ in self._commits(graph, reverts, old):
            yield from self._pages(is_whole=is_whole)
        lines = self._lines(graph, old, is_whole=is_whole)
        reverts.complete_shas()
        for built in self._changes(graph, lines, older):
            self._add(Change, built.change)
            self._add(ChangeCommit, *built.commits)
            self._add(Link, *filter(None, [reverts.link(built)]))
            if self._is_full():
                yield from self._pages(is_whole=is_whole)
        self._add_releases(old_releases)
        self._add_merges(graph, old)
        self._cover(graph, lines, is_whole=is_whole)
        self._tell()
        self._add_template()
        yield from self._pages(is_whole=is_whole, is_last=True)

    def _add(self, record: type[Record], *payloads: Payload) -> None:
        self._rows.setdefault(record, []).extend(payloads)

    def _is_full(self) -> bool:
        return sum(map(len, self._rows.values())) >= PAGE_ROWS

    def _pages(self, *, is_whole: bool, is_last: bool = False) -> Iterator[Page]:
        """The rows gathered so far. Only the last page has a cursor: a walk that was cut short is walked again."""
        if people := self.accounts.taken():
            # Not part of the snapshot: other repositories of the source know the same people.
            yield Page({Identity: people})
        rows, self._rows = self._rows, {}
        if not is_last:
            yield Page(rows, snapshot=is_whole)
            return
        if is_whole:  # a type without a row is named too, so that those of before are taken for gone
            rows = {record: rows.get(record, []) for record in SNAPSHOT}
        cursor = {
            "digest": self.digest,
            "lines": self.tips.lines,
            "tags": self.tips.tags,
            "releases": self._release_digests,
            "since": self.since.isoformat() if self.since else None,
            "without_commits": self.without_commits,
            "notes": self.notes,
        }
        # Of the template the head tells all: without a row of it there is none any more.
        whole: dict[type[Record], Whole] = {TemplateUse: Whole("repository", (self.name,))}
        yield Page(rows, cursor, self._covers(), is_whole, is_last=True, whole=whole, notes=tuple(self.notes))

    # -- commits -------------------------------------------------------------------------------------------------

    def _commits(self, graph: history.Graph, reverts: Reverts, old: Tips) -> Iterator[None]:
        """Read commits into the graph and add their rows, pausing at each full page."""
        for branch, head in self.tips.lines.items():
            if old.lines.get(branch) != head:
                graph.await_line(head, is_default=branch == self.default_branch)
        pending: list[Payload] = []
        picked: list[tuple[history.Entry, Payload]] = []
        for entry in history.read(self.git, self.tips.shas, old.shas):
            author = self.accounts.account(entry.name, entry.email)
            is_elsewhere = graph.add(entry, author)
            reverts.noted(entry)
            payload = self.commits.payload(entry, author)
            if is_elsewhere:
                picked.append((entry, payload))
                continue
            pending.append(payload)
            if len(pending) >= PAGE_ROWS:
                self._add(Commit, *self.commits.finished(pending))
                pending = []
                yield
        if self.default_branch in self.tips.lines:
            self.commits.find_originals(picked, self.tips.lines[self.default_branch])
        self._add(Commit, *self.commits.finished([*pending, *(payload for _, payload in picked)]))
        if old.lines:
            self._fill(graph, reverts, old)

    def _fill(self, graph: history.Graph, reverts: Reverts, old: Tips) -> None:
        """Read what is new to one line though another had it: a release branch merged to the default one."""
        for branch, head in self.tips.lines.items():
            if (before := old.lines[branch]) != head:
                graph.await_line(head, is_default=branch == self.default_branch)
                for entry in history.read(self.git, [head], [before]):
                    graph.add(entry, self.accounts.account(entry.name, entry.email))
                    reverts.noted(entry)

    # -- changes -------------------------------------------------------------------------------------------------

    def _lines(self, graph: history.Graph, old: Tips, *, is_whole: bool) -> list[Line]:
        """The new part of every branch that moved, the default branch first."""
        if is_whole:
            return list(whole_lines(graph, self.tips.lines, self.default_branch))
        moved = [branch for branch, head in self.tips.lines.items() if old.lines[branch] != head]
        lines: list[Line] = []
        claimed: set[str] = set()
        for branch, head in self.tips.lines.items():
            if branch in moved:
                before = old.lines[branch]
                commits = graph.line(head, before.__eq__)
                new = set(self.git.run("rev-list", f"{before}..{head}", "--").split())
                is_claimed = frozenset(claimed).__contains__
                lines.append(Line(branch, branch == self.default_branch, commits, is_claimed, outside(new)))
            if moved and branch != moved[-1]:
                claimed.update(history.first_parents(self.git, head))
        return lines

    def _changes(self, graph: history.Graph, lines: Sequence[Line], older: Older) -> Iterator[Built]:
        """The changes of all lines, in the order they were merged to each."""
        changes = Changes(
            self.name, self.web, graph, self.accounts, self.heads.pulls, self.commits.touched,
            is_taken=lambda number: number in older.requests, without_commits=self.without_commits,
        )  # fmt: skip
        pulled = history.Graph()
        if heads := changes.squashed_heads(lines):
            pulled = history.Graph(history.read_nodes(self.git, heads, self.tips.shas, self.accounts.account))
        for line in lines:
            yield from changes.of(line, pulled)
        self.without_commits = changes.without_commits

    # -- deployments ---------------------------------------------------------------------------------------------

    @cached_property
    def _release_rows(self) -> tuple[list[Payload], list[Payload]]:
        """The Deployment and Link payloads of all releases."""
        chosen, _ = self._releases
        written = {release.tag.tagger for release in chosen if release.tag.tagger}
        named = {person: person for person in written} | accounts.mailmapped(self.git, sorted(written))
        taggers = {person: self.accounts.account(*named[person]) for person in sorted(written)}
        links = releases.patch_links(self.name, chosen, self.rules.patch_release_window_days)
        return list(releases.deployment_payloads(self.name, chosen, self.web, taggers)), list(links)

    @cached_property
    def _release_digests(self) -> dict[str, str]:
        """A digest of each row that releases make, by its id: what changed is told by it."""
        payloads = (*self._release_rows[0], *self._release_rows[1])
        return {row["ext_id"]: hashlib.sha256(repr(row).encode()).hexdigest()[:8] for row in payloads}

    def _add_releases(self, before: dict[str, str]) -> None:
        deployments, links = self._release_rows
        self._add(Deployment, *self._changed(deployments, before))
        self._add(Link, *self._changed(links, before))

    def _changed(self, payloads: Sequence[Payload], before: dict[str, str]) -> Iterator[Payload]:
        """The payloads that are not as they were."""
        return (row for row in payloads if before.get(row["ext_id"]) != self._release_digests[row["ext_id"]])

    def _add_merges(self, graph: history.Graph, old: Tips) -> None:
        """Where every merge is a deployment, those of the new part of the branch."""
        branch = self.rules.branch or self.default_branch
        if self.rules.deployments == "merges" and branch in self.tips.lines:
            before = old.lines.get(branch)
            for sha in graph.line(self.tips.lines[branch], lambda one: one == before):
                self._add(Deployment, self._merge_payload(sha, graph.nodes[sha]))

    def _merge_payload(self, sha: str, node: history.Node) -> Payload:
        return {
            "ext_id": f"{self.name}@{sha}",
            "url": self.web.commit(sha),
            "repository": self.name,
            "status": "success",
            "sha": sha,
            "previous_sha": node.parents[0] if node.parents else None,
            "finished_at": node.committed_at,
            "actor": node.author,
            "via": "branch",
            "changes": (f"{self.name}@{sha}",),
        }

    def _add_template(self) -> None:
        """The template of the repository; on the last page, which is all there is of it."""
        head = self.tips.lines.get(self.default_branch or "")
        if head and (found := templates.read(self.git, head, self.notes)):
            row = {"ext_id": self.name, "repository": self.name, "template": found.name, "version": found.version}
            self._add(TemplateUse, row)

    # -- what is told --------------------------------------------------------------------------------------------

    def _repository_payload(self) -> Payload:
        return {"ext_id": self.name, "name": self.name, "url": self.web.base, "default_branch": self.default_branch}

    def _cover(self, graph: history.Graph, lines: Sequence[Line], *, is_whole: bool) -> None:
        """Find since when history is whole: its first commit, or the newest one a shallow clone ends at."""
        if not is_whole:
            return
        ends = [sha for sha in self.shallow if sha in graph.nodes]
        if ends:
            times = [graph.nodes[sha].committed_at for sha in ends]
            self.since = max((time for time in times if time), default=None)
            start = f"{self.since:%Y-%m-%d}" if self.since else "an unknown day"
            self.notes.append(f"shallow clone: history begins on {start}; run `git fetch --unshallow` for all of it")
        elif lines and lines[0].commits:
            self.since = graph.nodes[lines[0].commits[0]].committed_at

    def _covers(self) -> dict[type[Record], Interval]:
        """Since when, and until now, nothing is missing."""
        found: dict[type[Record], Interval] = {}
        if self.since:
            found = dict.fromkeys((Commit, Change, ChangeCommit), (self.since, self.read_at))
        start = self.since if self.rules.deployments == "merges" else None
        if self._releases[0]:
            start = min(release.tag.tagged_at for release in self._releases[0])
        if start:
            found[Deployment] = (start, self.read_at)
        return {record: interval for record, interval in found.items() if interval[0] <= interval[1]}

    def _tell(self) -> None:
        """Notes on what a reader of the numbers should know."""
        if not self.tips.lines:
            wanted = f"no branch {self.default_branch!r}" if self.default_branch else "no default branch"
            known = ", ".join(sorted(self.heads.branches)[:10])
            hint = "set `default_branch`" if self.tells_repository else "choose the default branch at the host"
            self.notes.append(f"{wanted} among {known}: {hint}" if known else "the repository is empty")
        if self.without_commits and self.tells_repository:  # else the host lists the commits
            count = self.without_commits
            self.notes.append(f"{count} squashed changes have no pull ref: their clock starts with the squash itself")
        if self.commits.uncounted:
            self.notes.append(
                f"line counts or paths of {self.commits.uncounted} commits are not known: objects are missing"
            )
        chosen, left_out = self._releases
        if lightweight := sum(not release.tag.is_annotated for release in chosen):
            self.notes.append(
                f"{lightweight} of {len(chosen)} releases are lightweight tags: their time is the commit's"
            )
        if left_out:
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))
            self.notes.append(f"tags that are not counted as releases: {reasons}")
        if self.rules.deployments not in {"none", "merges"} and not chosen and self.tips.lines:
            self.notes.append('no tag is a release: no deployments; see `deployments` ("merges", or a tag pattern)')
