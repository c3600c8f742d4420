"""Forgejo and Gitea, on a server of one's own: changes, reviews, Actions, releases, issues and teams.

Reads:  one question per organisation tells which repositories have news among issues and requests; only those are
        read. /repos/{owner}/{repo}/issues by last update, 50 a page, tells which requests and issues have changed;
        /pulls, 50 a page, tells the requests themselves, and of each one /commits, /timeline and, if there are any,
        /reviews; /actions/runs with /actions/tasks, and /releases with /tags, 50 a page, newest first; teams and
        members once a day; CODEOWNERS once a day after a push. Commits, direct pushes and reverts come from a bare
        mirror. 1,000 changes take about 2,100 requests, and one more for each that was reviewed; a repository without
        news takes one, where Actions are used. At most four at once.
Needs:  `url`; `organisations` (or people) or `repositories`; a token (DX_NAME__TOKEN) with the scopes read:repository
        and read:issue, and read:organization for teams; read:user shows addresses that lists leave out. For news
        within seconds, a webhook (application/json, `webhook_secret`) of an organisation or repository, of pushes,
        branches or tags made and deleted, repositories, issues, pull requests with comments and reviews, releases and
        Actions runs; polling stays the guarantee.
Limits: none of requests. Gitea cannot sort issues and lists requests without their lines: 1,000 changes take about
        3,100 there. The server records no deployments: releases stand for them, or runs and jobs by rule
        (`deployments` in `reads` means nothing here). Squash, rebase and merge are not told apart, files not listed;
        the mirror tells both. When a draft became ready is told by its title, where that began with WIP or Draft.
        Commits are those listed now: what a force-push replaced is gone. Programs are told from people by name only.
        A run that was started again stands in the list once; its earlier attempts are put together from their tasks,
        and when a later one was asked for is unknown. A run that ends or is started again later than 14 days after is
        not seen; the jobs that never ran are not told, nor on which runner the others did. A release whose tag is
        older is found within a day, one whose tag is older than 30 days is not. Pre-releases and drafts are no
        releases. Deleted requests and issues are found once a week; deleted reviews when their request changes. An
        older server cannot list runs, which is said; Gogs has no requests in its API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.feeds import Feed, Probe, walk
from dxmetrics.collectors.hosts import teams_rest
from dxmetrics.errors import NotFoundError, SettingsError
from dxmetrics.records import (
    Change,
    ChangeCommit,
    Commit,
    Deployment,
    Identity,
    Issue,
    Job,
    Link,
    Membership,
    PipelineRun,
    Repository,
    Review,
    Team,
    TemplateUse,
)

from ..git import Hosted, history  # noqa: TID252  (mypy knows sources by their folder only)
from . import teams
from .api import Api, Place
from .changes import changes
from .issues import issue, issues
from .owners import owner_of
from .people import Accounts, identity
from .pipelines import pipelines
from .pulls import change, change_commit, review
from .releases import deployment, releases
from .repositories import Found, Listed, discover, repository, told
from .runs import job, pipeline_run
from .settings import ForgejoSettings
from .slices import Kind
from .teams import team
from .webhook import GIT, WEBHOOK

__all__ = [
    "Forgejo", "ForgejoSettings", "change", "change_commit", "deployment", "identity", "issue", "job", "pipeline_run",
    "repository", "review", "team",
]  # fmt: skip

TEAMS = "teams:"


class Forgejo(Collector):
    """The repositories of organisations on one server; each is a scope, its mirror another."""

    kind = "forgejo"
    discovers = True
    produces = (
        Repository, Change, ChangeCommit, Review, PipelineRun, Job, Deployment, Issue, Team, Membership, Identity,
        Commit, Link, TemplateUse,
    )  # fmt: skip
    webhook = WEBHOOK
    Settings: ClassVar[type[SourceSettings]] = ForgejoSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, ForgejoSettings):
            raise SettingsError(f"source {name!r}: settings of kind forgejo are wanted, not {type(settings).__name__}")
        self._settings = settings
        self._api = Api(name, settings, context)
        self._accounts = Accounts(self._api)
        self._found = Found({}, {}, (), {})

    def scopes(self) -> Iterator[Scope]:
        """Each repository, the last one changed first, and the teams of each organisation; then the mirrors."""
        self._found = discover(self._api, self._settings)
        for one in self._found.listed.values():
            yield Scope(one.id, one.name)
        for name in self._found.absent:
            yield Scope(name, name)
        if "teams" in self._settings.reads:
            for organisation in self._found.organisations:
                yield Scope(TEAMS + organisation, f"{organisation} (teams)")
        if self._settings.mirror:
            for one in self._found.listed.values():
                if not one.is_empty:
                    yield Scope(one.id + GIT, f"{one.name} (git)")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of what is new in one scope."""
        if scope.id in self._found.absent:
            raise self._found.absent[scope.id]
        if scope.id.startswith(TEAMS):
            organisation = scope.id.removeprefix(TEAMS)
            if teams_rest(cursor, self.context.now()) and scope.id not in self.context.asked:
                return iter(())
            return teams.read(self._api, self._accounts, organisation, cursor, self.context.now())
        one = self._found.listed.get(scope.id.removesuffix(GIT))
        if one is None:
            raise NotFoundError(f"{self.name}: {scope.title} is not listed any more: check its name, or give access")
        return self._mirrored(one, cursor) if scope.id.endswith(GIT) else self._told(one, cursor)

    def close(self) -> None:
        """Let the connections go."""
        self._api.close()

    def _mirrored(self, one: Listed, cursor: Cursor | None) -> Iterator[Page]:
        settings = self._settings
        yield from history(
            Hosted(
                one.id, f"{self._api.host}/{one.name}", f"{self._api.home}/{one.name}.git", "gitea",
                one.row.get("default_branch") or None,
            ),
            cursor,
            self.context,
            token=settings.token.get_secret_value() if settings.token else None,
            proxy=settings.proxy,
            ca_file=settings.ca_file,
            line_counts=settings.line_counts,
        )  # fmt: skip

    def _told(self, one: Listed, cursor: Cursor | None) -> Iterator[Page]:
        kept: Mapping[str, Any] = (cursor or {}).get("repository") or {}
        owner = owner_of(self._place(one, "changes"), one, kept.get("owner") or {})
        payload, keeps = told(one, self._api.host, kept, owner)
        after: dict[str, Any] = {**(cursor or {}), "repository": keeps}
        if keeps != kept:
            is_known = keeps["digest"] == kept.get("digest")
            yield Page(rows={} if is_known else {Repository: [payload]}, cursor=after)
        yield from walk(
            list(self._feeds(one, after)),
            after,
            now=self.context.now(),
            born=one.born,
            since=self._settings.since_instant,
            may_go_back=self._api.client.budget.has_reserve,
        )

    def _place(self, one: Listed, read: str) -> Place:
        return Place(self._api, one.id, one.name, read, self._settings.since_instant)

    def _feeds(self, one: Listed, cursor: Cursor) -> Iterator[Feed]:
        """The feeds of a repository, those that pages need first before the others."""
        news = self._found.news.get(one.owner.lower())

        def probe(kind: Kind, feed: str) -> Probe | None:
            return news.of(one.id, kind, feed, cursor) if news else None

        reads = {read for read in self._settings.reads if read not in {"deployments", "teams"} and one.has(read)}
        archived = one.is_archived
        if "changes" in reads:
            place = self._place(one, "changes")
            yield changes(place, self._accounts, probe("pulls", "changes"), is_archived=archived)
        if "releases" in reads:
            yield releases(self._place(one, "releases"), self._accounts, one.releases, one.served_at)
        if "issues" in reads:
            place = self._place(one, "issues")
            yield issues(place, self._accounts, probe("issues", "issues"), is_archived=archived)
        if "pipelines" in reads:
            yield pipelines(self._place(one, "pipelines"))
