"""Azure DevOps, in the cloud or a Server: changes, reviews, pipelines, deployments and work items of its projects.

Reads:  GET git/repositories of each organisation or project, and once for all repositories of a project the active pull
        requests, those closed and the pipeline runs finished in the last six hours, and the runs in progress: a
        repository in which nothing happened takes no request of its own. Else pull requests by when they were closed,
        50 a page, with the threads and the commits of each; open ones when their list shows a change, and twice a day;
        finished builds, 100 a page, with the timeline of each (`jobs`). 1,000 changes take about 2,030 requests, 1,000
        runs 1,010. Of a project: environmentdeploymentrecords and release/deployments, 100 a page; work items, 200 for
        two requests. Commits, direct pushes, reverts and lines come from a bare mirror of each repository.
Needs:  `organisations` (acme, or acme/Shop for one project) or `repositories`; a personal access token (DX_NAME__TOKEN)
        that may read Code, Build, Release, Work Items, and Environment (read & manage, there is no less). Of `reads`,
        `deployments` are those recorded in environments, `releases` those of classic release pipelines. For news within
        seconds, service hooks (Web Hooks with basic authentication, whose password is `webhook_secret`; all details,
        the newest version) of code pushed, pull requests, repositories, builds completed, run and stage states,
        releases and work items; polling stays the guarantee.
Limits: The cloud slows down and then refuses who uses more than 200 of its units in five minutes: what it asks for is
        waited for. A Server has to be 2022 Update 1 or newer. Not told by this API: paths and lines of changes
        (`line_counts` takes lines from the mirror), when a repository was made and last pushed to. A comment on an open
        request is seen up to twelve hours late; a vote that was taken back stays, taking it back is no review. Jobs do
        not tell when they were queued, nor runs when they were asked for again. By default the host keeps runs for 30
        days; older ones are gone. A deployment tells its commit and repository by the run that made it: where that is
        gone, both are unknown. One that takes more than three hours is known to have ended up to a day later. Work
        items know no repository. A project of which no repository is wanted is not read. `teams` in `reads` means
        nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.feeds import Feed, walk
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
    PipelineRun,
    Repository,
    Review,
    TemplateUse,
)

from ..git import Hosted, history  # noqa: TID252  (mypy knows sources by their folder only)
from .api import Api
from .changes import Place, change, change_commit, closed_changes, open_changes
from .environments import environments, from_environment
from .issues import issue, issues
from .people import identity
from .pipelines import job, pipeline_run, pipelines, pipelines_elsewhere
from .projects import Project, discover
from .releases import from_release, releases
from .repositories import Listed, repository, told
from .reviews import review
from .settings import AzureDevOpsSettings
from .webhook import MIRROR, WEBHOOK

__all__ = [
    "AzureDevOps", "AzureDevOpsSettings", "change", "change_commit", "deployment", "identity", "issue", "job",
    "pipeline_run", "repository", "review",
]  # fmt: skip

# Parts of a project that are scopes of their own: what they are called, which of `reads` asks for them, and whether
# they are there also where only some repositories of the project are wanted.
PARTS = {
    "environments": ("environments", "deployments", True),
    "releases": ("classic releases", "releases", True),
    "pipelines": ("pipelines of other repositories", "pipelines", False),
    "issues": ("work items", "issues", False),
}


class AzureDevOps(Collector):
    """The projects of one server. Each repository is a scope and its mirror another, and so are the parts of a project
    that do not belong to a repository."""

    kind = "azure_devops"
    discovers = True
    produces = (
        Repository, Change, ChangeCommit, Review, PipelineRun, Job, Deployment, Issue, Identity, Commit, Link,
        TemplateUse,
    )  # fmt: skip
    webhook = WEBHOOK
    Settings: ClassVar[type[SourceSettings]] = AzureDevOpsSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, AzureDevOpsSettings):
            raise SettingsError(
                f"source {name!r}: settings of kind azure_devops are wanted, not {type(settings).__name__}"
            )
        self._settings = settings
        self._api = Api(name, settings, context)
        self._listed: dict[str, Listed] = {}
        self._projects: dict[str, Project] = {}
        self._absent: dict[str, NotFoundError] = {}

    def scopes(self) -> Iterator[Scope]:
        """Each repository, the parts of each project, and the mirrors."""
        listed, projects, self._absent = discover(self._api, self._settings)
        self._listed = {one.id: one for one in listed}
        self._projects = {one.id: one for one in projects}
        for one in listed:
            yield Scope(one.id, one.name)
        for name in self._absent:
            yield Scope(name, name)
        for project in projects:
            for key, (title, read, is_of_some) in PARTS.items():
                if read in self._settings.reads and (project.is_whole or is_of_some):
                    yield Scope(f"{project.id}/{key}", f"{project.name} ({title})")
        if self._settings.mirror:
            for one in listed:
                if one.default_branch:
                    yield Scope(f"{one.id}/{MIRROR}", f"{one.name} ({MIRROR})")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of what is new in one scope."""
        if scope.id in self._absent:
            raise self._absent[scope.id]
        name, _, part = scope.id.partition("/")
        if part in PARTS and name in self._projects:
            return self._walk(self._part(part, self._projects[name]), cursor)
        if name not in self._listed:
            raise NotFoundError(f"{self.name}: {scope.title} is not listed any more: check its name, or give access")
        listed = self._listed[name]
        if part == MIRROR:
            return iter(()) if listed.is_disabled else self._mirrored(listed, cursor)
        return self._of_repository(listed, cursor)

    def close(self) -> None:
        """Let the connections go."""
        self._api.close()

    def _of_repository(self, listed: Listed, cursor: Cursor | None) -> Iterator[Page]:
        kept: Mapping[str, Any] = (cursor or {}).get("repository") or {}
        payload, keeps = told(listed, self._api.host, kept)
        after: dict[str, Any] = {**(cursor or {}), "repository": keeps}
        if keeps != kept:
            yield Page(rows={Repository: [payload]}, cursor=after)
        if not listed.is_disabled:
            yield from self._walk(list(self._feeds(listed)), after)

    def _walk(self, feeds: Sequence[Feed], cursor: Cursor | None) -> Iterator[Page]:
        return walk(
            feeds,
            cursor,
            now=self.context.now(),
            since=self._settings.since_instant,
            may_go_back=self._api.may_go_back,
        )

    def _feeds(self, listed: Listed) -> Iterator[Feed]:
        """The lists of a repository. That of open requests was asked for before: what was closed since comes after."""
        settings, project = self._settings, self._projects[listed.project_id]
        if "changes" in settings.reads:
            place = Place(self._api, project, listed, settings.since_instant)
            yield open_changes(place)
            yield closed_changes(place)
        if "pipelines" in settings.reads:
            yield from pipelines(project, listed.id, settings.since_instant, reads_jobs=settings.jobs)

    def _part(self, key: str, project: Project) -> list[Feed]:
        since = self._settings.since_instant
        if key == "environments":
            return [environments(project)]
        if key == "releases":
            return [releases(project, since)]
        if key == "issues":
            return [issues(project, since)]
        return pipelines_elsewhere(project, since, reads_jobs=self._settings.jobs)

    def _mirrored(self, listed: Listed, cursor: Cursor | None) -> Iterator[Page]:
        settings = self._settings
        return history(
            Hosted(
                listed.id,
                f"{self._api.host}/{listed.name}",
                listed.address,
                default_branch=listed.default_branch,
            ),
            cursor,
            self.context,
            token=settings.token.get_secret_value() if settings.token else None,
            proxy=settings.proxy,
            ca_file=settings.ca_file,
            line_counts=settings.line_counts,
        )


def deployment(payload: Mapping[str, Any]) -> Deployment:
    """A deployment as an environment records it, or one of a classic release."""
    return from_environment(payload) if "record" in payload else from_release(payload)
