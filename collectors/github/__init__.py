"""GitHub, in the cloud or an Enterprise Server: changes, reviews, CI runs, deployments, releases, issues and teams.

Reads:  one GraphQL question per 100 repositories tells which have news (3 points); only those are read. Pull requests
        with their commits, reviews, files, labels and drafts, newest change first, 21 for a point; issues, 74;
        deployments with their statuses and releases, 100; workflow runs over REST, the first page free where nothing
        is new, with their jobs by check suites, 100 runs for a point, and each earlier attempt by itself; teams and
        members once a day; the CODEOWNERS files of 50 repositories after a push. Commits, direct pushes and reverts
        come from a bare mirror of each repository. 1,000 changes take about 50 requests.
Needs:  `organisations` or `repositories`; a token (DX_NAME__TOKEN): fine-grained with read access to contents, pull
        requests, issues, actions, deployments and metadata, and to members of the organisation for teams; or classic
        with repo and read:org. Or a GitHub App with the same permissions: `app_id` and `private_key`. For news within
        seconds, a webhook (application/json, `webhook_secret`) of pushes, branches or tags made and deleted, pull
        requests with reviews and comments, issues with comments, workflow runs, deployments with statuses, releases,
        repositories, memberships and teams; what it failed to deliver is asked for again with the scope admin:org_hook,
        or Webhooks: read and write. Polling stays the guarantee.
Limits: 5,000 points and 5,000 requests an hour, more for Apps; the last fifth is kept for what is new. A deployment
        counts from its first success; deployments of other tasks than deploy* are left out. A request of one commit
        that was merged without its number in the commit's subject may be squashed or rebased: its method is unknown.
        Commits are those listed now: what a force-push replaced is gone. When a job was queued is not told. A re-run
        of a run older than 30 days is not seen. Deleted requests and issues are found once a week; deleted runs and
        deployments stay: they happened. Pre-releases and drafts are no releases; one of an older line is found within
        a day, a draft that was published more than 30 days after it was made is not. Of the owners in CODEOWNERS only
        a team that owns everything is the repository's. What runs first in a repository without a push is found within
        a day. An Enterprise Server that is too old for a query says which field it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.feeds import Feed, walk
from dxmetrics.collectors.hosts import teams_rest
from dxmetrics.errors import CollectError, SettingsError
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
from .access import Access
from .api import Api
from .changes import changes
from .deployments import deployment, deployments, releases
from .issues import issue, issues
from .owners import Owners
from .people import identity
from .pipelines import pipelines
from .pulls import change, change_commit, link, review
from .redelivery import redeliver
from .repositories import Listed, Listing, full_name, listing, repository, told
from .runs import job, pipeline_run
from .settings import GitHubSettings
from .teams import team
from .webhook import GIT, TEAMS, WEBHOOK

__all__ = [
    "GitHub", "GitHubSettings", "change", "change_commit", "deployment", "identity", "issue", "job", "link",
    "pipeline_run", "repository", "review", "team",
]  # fmt: skip


class GitHub(Collector):
    """The repositories of organisations on one GitHub server; each is a scope, its mirror another."""

    kind = "github"
    discovers = True
    produces = (
        Repository, Change, ChangeCommit, Review, Link, PipelineRun, Job, Deployment, Issue, Team, Membership, Identity,
        Commit, TemplateUse,
    )  # fmt: skip
    webhook = WEBHOOK
    Settings: ClassVar[type[SourceSettings]] = GitHubSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, GitHubSettings):
            raise SettingsError(f"source {name!r}: settings of kind github are wanted, not {type(settings).__name__}")
        self._settings = settings
        self._access = Access(name, settings, context)
        self._listing = Listing({}, {}, ())
        self._owners = Owners(self._access, {})

    def scopes(self) -> Iterator[Scope]:
        """Each repository, the last one pushed to first, and the teams of each organisation; then the mirrors."""
        self._listing = listing(self._access, self._settings)
        self._owners = Owners(self._access, self._listing.found)
        for repo in self._listing.found.values():
            yield Scope(repo.id, repo.full_name)
        for name in self._listing.absent:
            yield Scope(name, name)
        if "teams" in self._settings.reads:
            for owner in self._listing.organisations:
                yield Scope(TEAMS + owner, f"{owner} (teams)")
        if self._settings.mirror:
            for repo in self._listing.found.values():
                if not repo.node.get("isEmpty"):
                    yield Scope(repo.id + GIT, f"{repo.full_name} (git)")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of what is new in one scope."""
        if scope.id in self._listing.absent:
            raise self._listing.absent[scope.id]
        if scope.id.startswith(TEAMS):
            owner = scope.id.removeprefix(TEAMS)
            if teams_rest(cursor, self.context.now()) and scope.id not in self.context.asked:
                return iter(())
            return teams.read(self._access.of(owner), owner, cursor, self.context.now())
        repo = self._listing.found.get(scope.id.removesuffix(GIT))
        if repo is None:
            raise CollectError(f"{self.name}: repository {scope.title} is not listed any more")
        return self._mirrored(repo, cursor) if scope.id.endswith(GIT) else self._told(repo, cursor)

    def redeliver(self, since: datetime) -> tuple[str, ...]:
        """Ask for webhooks again that failed from `since` on, three days ago at most."""
        return redeliver(self._access, self._settings, since)

    def close(self) -> None:
        """Let the connections go."""
        self._access.close()

    def _mirrored(self, repo: Listed, cursor: Cursor | None) -> Iterator[Page]:
        yield from history(
            Hosted(repo.id, full_name(repo.node), f"{repo.url}.git", "github", repo.default_branch),
            cursor,
            self.context,
            token=self._access.token(repo.owner),
            proxy=self._settings.proxy,
            ca_file=self._settings.ca_file,
            line_counts=self._settings.line_counts,
        )

    def _told(self, repo: Listed, cursor: Cursor | None) -> Iterator[Page]:
        api = self._access.of(repo.owner)
        kept: Mapping[str, Any] = (cursor or {}).get("repository") or {}
        is_pushed = not kept or kept.get("owners_of") != (repo.pushed_at.isoformat() if repo.pushed_at else None)
        payload, keeps = told(repo, kept, self._owners.of(repo) if is_pushed else kept.get("team"))
        after: dict[str, Any] = {**(cursor or {}), "repository": keeps}
        if keeps != kept:
            is_known = keeps["digest"] == kept.get("digest")
            yield Page(rows={} if is_known else {Repository: [payload]}, cursor=after)
        yield from walk(
            list(self._feeds(api, repo, after)),
            after,
            now=self.context.now(),
            born=repo.born,
            since=self._settings.since_instant,
            may_go_back=api.client.budget.has_reserve,
        )

    def _feeds(self, api: Api, repo: Listed, cursor: Cursor) -> Iterator[Feed]:
        """The feeds of a repository, those that pages need first before the others."""
        reads = self._settings.reads
        if "changes" in reads:
            yield changes(api, repo)
        if "deployments" in reads:
            yield deployments(api, repo)
        if "releases" in reads:
            yield releases(api, repo)
        if "issues" in reads:
            yield issues(api, repo)
        if "pipelines" in reads:
            yield pipelines(api, repo, cursor.get("pipelines") or {})
