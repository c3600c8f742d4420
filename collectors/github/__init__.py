"""GitHub, in the cloud or an Enterprise Server: changes, reviews, CI runs, deployments, releases, issues and teams.

Reads:  one GraphQL question per 100 repositories tells which have news (3 points); only those are read. Pull requests
        with their commits, reviews, files, labels and drafts, newest change first, 21 for a point; deployments with
        their statuses, 100 for a point; issues and releases, 50; workflow runs over REST, the first page free where
        nothing is new, with their jobs by check suites, 100 runs for a point; teams and members once a day; the
        CODEOWNERS file after a push. Commits, direct pushes and reverts come from a bare mirror of each repository.
Needs:  `organisations` or `repositories`; a token (DX_NAME__TOKEN): fine-grained with read access to contents, pull
        requests, issues, actions, deployments and metadata, and to members of the organisation for teams; or classic
        with repo and read:org. Or a GitHub App with the same permissions: `app_id` and `private_key`.
Limits: 5,000 points and 5,000 requests an hour, more for Apps; the last fifth is kept for what is new. A deployment
        counts from its first success; deployments of other tasks than deploy* are left out. A request merged by squash
        with one commit looks like one merged by rebase: its method is unknown. Commits are those listed now: what a
        force-push replaced is gone. When a job was queued is not told. A re-run of a run older than 30 days is not
        seen. Deleted requests and issues are found once a week; deleted runs and deployments stay: they happened.
        Pre-releases and drafts are no releases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.feeds import Feed, walk
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
)

from ..git import Hosted, history  # noqa: TID252 - under whichever name this folder is imported
from . import changes, mapping, pipelines, teams, work
from .api import Access, Api
from .mapping import (
    change,
    change_commit,
    deployment,
    identity,
    issue,
    job,
    link,
    pipeline_run,
    repository,
    review,
    team,
)
from .repositories import Listed, known, listed
from .settings import GitHubSettings

__all__ = [
    "GitHub", "GitHubSettings", "change", "change_commit", "deployment", "identity", "issue", "job", "link",
    "pipeline_run", "repository", "review", "team",
]  # fmt: skip

GIT = "/git"
TEAMS = "teams:"


class GitHub(Collector):
    """The repositories of organisations on one GitHub server; each is a scope, its mirror another."""

    kind = "github"
    discovers = True
    produces = (
        Repository, Change, ChangeCommit, Review, Link, PipelineRun, Job, Deployment, Issue, Team, Membership, Identity,
        Commit,
    )  # fmt: skip
    Settings: ClassVar[type[SourceSettings]] = GitHubSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, GitHubSettings):
            raise SettingsError(f"source {name!r}: settings of kind github are wanted, not {type(settings).__name__}")
        self._settings = settings
        self._access = Access(name, settings, context)
        self._listed: dict[str, Listed] = {}

    def scopes(self) -> Iterator[Scope]:
        """Each repository, the last one pushed to first, and its mirror; then the teams of each organisation."""
        self._listed = {repo.id: repo for repo in listed(self._access, self._settings)}
        for repo in self._listed.values():
            yield Scope(repo.id, repo.full_name)
            if self._settings.mirror and not repo.node.get("isEmpty"):
                yield Scope(repo.id + GIT, f"{repo.full_name} (git)")
        if "teams" in self._settings.reads:
            for owner in self._settings.organisations:
                yield Scope(TEAMS + owner, f"{owner} (teams)")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of what is new in one scope."""
        if scope.id.startswith(TEAMS):
            owner = scope.id.removeprefix(TEAMS)
            return teams.read(self._access.of(owner), owner, cursor, self.context.now())
        if not self._listed:
            self._listed = {repo.id: repo for repo in listed(self._access, self._settings)}
        repo = self._listed.get(scope.id.removesuffix(GIT))
        if repo is None:
            raise CollectError(f"{self.name}: repository {scope.title} is not listed any more")
        return self._mirrored(repo, cursor) if scope.id.endswith(GIT) else self._told(repo, cursor)

    def close(self) -> None:
        self._access.close()

    def _mirrored(self, repo: Listed, cursor: Cursor | None) -> Iterator[Page]:
        hosted = Hosted(repo.id, mapping.full_name(repo.node), f"{repo.url}.git", "github", branch_of(repo))
        yield from history(
            hosted,
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
        owner = kept.get("team")
        if kept.get("owners_of") != repo.pushed_at:
            owner = teams.owner_of(api, repo)
        payload, keeps = known(repo, kept, owner)
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
            yield Feed(
                "changes",
                (Change, ChangeCommit, Review),
                partial(changes.read, api, repo),
                probe=repo.newest("pullRequests", "updatedAt"),
                sweep=partial(work.present, api, repo, "pullRequests"),
            )
        if "deployments" in reads:
            yield Feed(
                "deployments",
                (Deployment,),
                partial(work.deployments, api, repo),
                overlap=timedelta(hours=1),
                deep_overlap=timedelta(days=14),
                probe=repo.newest("deployments", "createdAt"),
                reread=partial(work.deployments_again, api, repo),
            )
        if "releases" in reads:
            yield Feed(
                "releases", (), partial(work.releases, api, repo), overlap=timedelta(days=1),
                probe=repo.newest_release(),
            )  # fmt: skip
        if "issues" in reads:
            yield Feed(
                "issues",
                (Issue,),
                partial(work.issues, api, repo),
                probe=repo.newest("issues", "updatedAt"),
                sweep=partial(work.present, api, repo, "issues"),
            )
        if "pipelines" in reads and not (repo.is_archived and cursor.get("pipelines")):
            yield Feed(
                "pipelines",
                (PipelineRun, Job),
                partial(pipelines.read, api, repo),
                overlap=timedelta(days=3),
                deep_overlap=timedelta(days=30),
                by_time=True,
                reread=partial(pipelines.again, api, repo),
            )


def branch_of(repo: Listed) -> str | None:
    """The branch changes are merged to."""
    return (repo.node.get("defaultBranchRef") or {}).get("name")
