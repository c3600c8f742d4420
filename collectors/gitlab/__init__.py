"""GitLab, in the cloud or self-managed: merge requests, reviews, pipelines, deployments, releases, issues and groups.

Reads:  the projects of a group and of all below it, 100 for a request; one GraphQL question per 50 of them tells which
        have news, and only those are read: a poll of 100 quiet projects takes 3 requests. Merge requests with their
        commits, notes, labels and files, 50 for a question, newest change first; issues, 100; pipelines with all jobs,
        their children too, 100 for a request of REST and two questions; deployments over REST, 100, with the merge
        requests that each success in production shipped, one request each; releases, 100; groups and their members
        once a day. Commits, direct pushes and reverts come from a bare mirror of each project.
Needs:  `organisations` (groups) or `repositories` (group/project), and a token (DX_NAME__TOKEN) with the scopes
        read_api and, for mirrors, read_repository: best one of the group, with the role Reporter. A self-managed server
        is named in `url`, with the path below which it is, if any. GitLab 15 or newer. For news within seconds, a
        webhook of the group or project, or of the server (signing token or secret token: `webhook_secret`), of pushes,
        tags, comments, issues, merge requests, pipelines, deployments, releases, members, projects and subgroups;
        polling stays the guarantee.
Limits: what the server allows, 2,000 requests a minute on gitlab.com; the last fifth is kept for what is new.
        An approval that was taken back keeps its time and loses its verdict; the number of approvals a request needs
        is not read. A comment that is deleted stays until its request changes. A pipeline that was run again, or whose
        jobs were, has the result and the end of the last time; its jobs have each. Jobs and deployments that wait for
        a person are left out until they begin. What a deployment shipped is asked for where the environment's name or
        tier is production, or neither tells. Deployments that no pipeline made are found within a day, the next ones
        at once; they ended when their status last changed. Commits are those listed now: what a force-push replaced is
        gone. Deleted requests and issues are found once a week; deleted pipelines and deployments stay: they happened.
        Who is a member of a group and of one below it counts in the one below; invited groups are not read. Which
        issues a request closes is not told. Of an old version, what it does not tell is noted with the project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.feeds import Feed, walk
from dxmetrics.collectors.hosts import HostSettings, teams_rest
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
from .api import Api
from .changes import changes
from .deployments import Deployments
from .deployments import deployment as deployed
from .issues import issue, issues
from .merge_requests import change, change_commit, review
from .people import People, identity
from .pipelines import children, pipelines
from .projects import Discovery, Listed, discover, full_name, oldest, repository, told
from .releases import release, releases
from .runs import job, pipeline_run
from .slices import Place
from .teams import team
from .webhook import GIT, TEAMS, WEBHOOK

__all__ = [
    "GitLab", "change", "change_commit", "deployment", "identity", "issue", "job", "pipeline_run", "repository",
    "review", "team",
]  # fmt: skip

GIT_USER = "oauth2"  # any name does beside a token


class GitLab(Collector):
    """The projects of groups on one GitLab server; each is a scope, its mirror another."""

    kind = "gitlab"
    discovers = True
    produces = (
        Repository, Change, ChangeCommit, Review, PipelineRun, Job, Deployment, Issue, Team, Membership, Identity,
        Commit, Link, TemplateUse,
    )  # fmt: skip
    webhook = WEBHOOK
    Settings: ClassVar[type[SourceSettings]] = HostSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, HostSettings):
            raise SettingsError(f"source {name!r}: settings of kind gitlab are wanted, not {type(settings).__name__}")
        self._settings = settings
        self._api = Api(name, settings, context)
        self._people = People(self._api)
        self._discovery = Discovery()

    def scopes(self) -> Iterator[Scope]:
        """Each project, the one with the newest activity first, and the teams of each group; then the mirrors."""
        self._discovery = discover(self._api, self._settings)
        for one in self._discovery.found.values():
            yield Scope(one.id, one.path)
        for path in self._discovery.absent:
            yield Scope(path, path)
        if "teams" in self._settings.reads:
            for group in self._settings.organisations:
                yield Scope(TEAMS + group, f"{group} (teams)")
        if self._settings.mirror:
            for one in self._discovery.found.values():
                if not one.is_empty:
                    yield Scope(one.id + GIT, f"{one.path} (git)")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of what is new in one scope."""
        if scope.id in self._discovery.absent:
            raise self._discovery.absent[scope.id]
        if scope.id.startswith(TEAMS):
            if teams_rest(cursor, self.context.now()) and scope.id not in self.context.asked:
                return iter(())
            return teams.read(self._api, scope.id.removeprefix(TEAMS), cursor, self.context.now())
        one = self._discovery.found.get(scope.id.removesuffix(GIT))
        if one is None:
            raise NotFoundError(f"{self.name}: project {scope.title} is not listed any more")
        return self._mirrored(one, cursor) if scope.id.endswith(GIT) else self._told(one, cursor)

    def close(self) -> None:
        """Let the connections go."""
        self._api.close()

    def _mirrored(self, one: Listed, cursor: Cursor | None) -> Iterator[Page]:
        settings = self._settings
        # Below the `url` of the settings: the token goes nowhere else, whatever the server calls itself.
        address = f"{self._api.home}/{one.path}.git"
        yield from history(
            Hosted(one.id, full_name(one.row), address, forge="gitlab", default_branch=one.default_branch),
            cursor,
            self.context,
            token=self._api.token,
            username=GIT_USER if self._api.token else None,
            proxy=settings.proxy,
            ca_file=settings.ca_file,
            line_counts=settings.line_counts,
        )

    def _told(self, one: Listed, cursor: Cursor | None) -> Iterator[Page]:
        state: dict[str, Any] = dict(cursor or {})
        kept: Mapping[str, Any] = state.get("repository") or {}
        payload, keeps = told(one, kept)
        if keeps != kept:
            state["repository"] = keeps
            yield Page(rows={Repository: [payload]}, cursor=state)
        if "born" not in state:
            born = oldest(self._api, one, self._settings.reads) if one.is_imported else one.born
            state["born"] = born.isoformat()
        born = datetime.fromisoformat(state["born"])
        yield from walk(
            list(self._feeds(one, state, born)),
            state,
            now=self.context.now(),
            born=born,
            since=self._settings.since_instant,
            may_go_back=self._api.client.budget.has_reserve,
        )

    def _feeds(self, one: Listed, state: Cursor, born: datetime) -> Iterator[Feed]:
        """The feeds of a project, those that pages need first before the others."""
        since = self._settings.since_instant
        place = Place(
            self._api,
            one.id,
            one.path,
            one.web,
            beginning=max(born, since) if since else born,
            since=since,
            is_read=frozenset(
                name for name, kept in state.items() if isinstance(kept, Mapping) and kept.get("segments")
            ),
        )
        reads = [read for read in self._settings.reads if read != "teams" and one.has(read)]
        is_archived = bool(one.row.get("archived"))
        if "changes" in reads:
            yield changes(place, one.probes.get("changes"), is_archived=is_archived)
        if "deployments" in reads:
            memo = (state.get("deployments") or {}).get("memo") or {}
            deployments = Deployments(place, self._people, ships_changes="changes" in reads)
            yield deployments.feed(one.probes.get("deployments"), memo)
        if "releases" in reads:
            yield releases(place, one.probes.get("releases"))
        if "issues" in reads:
            yield issues(place, one.probes.get("issues"), is_archived=is_archived)
        if "pipelines" in reads:
            yield pipelines(place, one.config_path, one.probes.get("pipelines"))
            yield children(place, one.config_path, one.probes.get("children"))


def deployment(payload: Mapping[str, Any]) -> Deployment:
    """A deployment, or a release, as far as it stands for one."""
    return release(payload) if "release" in payload else deployed(payload)
