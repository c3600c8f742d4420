"""Bitbucket Cloud: changes, reviews, pipelines, deployments and issues of its workspaces.

Reads:  GET /repositories/{workspace}, 100 a page; of each repository /pullrequests by `-updated_on`, 50 a page, and
        /pullrequests/activity, 50 a page, which has all approvals and comments; /pipelines by `-created_on` and
        /deployments by `-state.started_on`, 100 a page; /issues where there is a tracker; and its bare git mirror.
        1,000 changes take 20 requests, and 20 more for each time one is opened, commented, approved or merged: 120 with
        five. A repository takes 4 requests when it is looked at: at every collection soon after a push, hourly a day
        later, less and less often after that, once a day in the end.
Needs:  `organisations` (workspaces) or `repositories`; an API token, with `username`, that has the scopes
        read:repository:bitbucket, read:pullrequest:bitbucket, read:pipeline:bitbucket (and read:issue:bitbucket), or an
        access token with repositories, pull requests and pipelines: read. `since` and `reads` save requests. For news
        within seconds, a webhook (`webhook_secret`) of pushes, updates and transfers of repositories, build statuses,
        pull requests and issues; polling stays the guarantee.
Limits: 1,000 requests an hour and account, up to 10,000 for access tokens of large workspaces. Back-fill takes at
        most a fifth of that in one collection. Not told by this API: lines and files (`line_counts` takes them from the
        mirror), labels, when a draft became ready, squash apart from rebase. When coding began is told by the mirror
        where merging keeps the commits, else by `commits`; when a run started, and its jobs, by `steps`. A run that
        waits for a person to go on, or is started again, is looked at once a day for 14 days. Deployments are those of
        pipelines, once they have ended; there are no releases. An issue's closing time is unknown, and one
        that is deleted stays, as does a comment. `releases` and `teams` in `reads` mean nothing here. Bitbucket Data
        Center has another API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.feeds import BEGINNING, Feed, walk
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
from .api import HOST, Api, Place
from .changes import change, change_commit, changes
from .deployments import deployment, deployments
from .issues import issue, issues
from .people import identity
from .pipelines import job, pipeline_run, pipelines
from .repositories import Listed, discover, repository, told
from .reviews import review, reviews
from .settings import BitbucketSettings
from .slices import known_instants
from .webhook import MIRROR, WEBHOOK

__all__ = [
    "Bitbucket", "BitbucketSettings", "change", "change_commit", "deployment", "identity", "issue", "job",
    "pipeline_run", "repository", "review",
]  # fmt: skip

API_TOKEN_USER = "x-bitbucket-api-token-auth"  # noqa: S105  (who clones with an API token, whoever's it is)
QUIET_SHARE = 24  # looked at again after this part of the time since the last push: after a day, hourly
LONGEST_QUIET = timedelta(days=1)


class Bitbucket(Collector):
    """The repositories of one source: each is a scope, and so is its mirror."""

    kind = "bitbucket"
    discovers = True
    produces = (
        Repository, Change, ChangeCommit, Review, PipelineRun, Job, Deployment, Issue, Identity, Commit, Link,
        TemplateUse,
    )  # fmt: skip
    webhook = WEBHOOK
    Settings: ClassVar[type[SourceSettings]] = BitbucketSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, BitbucketSettings):
            raise SettingsError(
                f"source {name!r}: settings of kind bitbucket are wanted, not {type(settings).__name__}"
            )
        self._settings = settings
        self._api = Api(name, settings, context)
        self._listed: dict[str, Listed] = {}
        self._absent: dict[str, NotFoundError] = {}

    def scopes(self) -> Iterator[Scope]:
        """Two scopes a repository, the last pushed to first: what the API tells of it, and its mirror."""
        found, self._absent = discover(self._api, self._settings)
        self._listed = {one.id: one for one in found}
        for one in found:
            yield Scope(one.id, one.name)
        for name in self._absent:
            yield Scope(name, name)
        if self._settings.mirror:
            for one in found:
                if one.default_branch:
                    yield Scope(f"{one.id}/{MIRROR}", f"{one.name} ({MIRROR})")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of a repository or its mirror; none where it is too early to ask again."""
        if scope.id in self._absent:
            raise self._absent[scope.id]
        name, _, part = scope.id.partition("/")
        if name not in self._listed:
            raise NotFoundError(f"{self.name}: {scope.title} is not listed any more: check its name, or give access")
        if part == MIRROR:
            yield from self._mirrored(self._listed[name], cursor)
        else:
            yield from self._read(self._listed[name], dict(cursor or {}))

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def _read(self, listed: Listed, state: dict[str, Any]) -> Iterator[Page]:
        payload, kept = told(listed, state.get("repository", {}))
        if kept != state.get("repository"):
            state["repository"] = kept
            yield Page(rows={Repository: [payload]}, cursor=state)
        asked_at, active_at = _moment(state.get("asked_at")), _moment(state.get("active_at"))
        now = self._api.client.server_time()
        rest = quiet((listed.updated_at, active_at), now)
        if asked_at is not None and now - asked_at < rest and listed.id not in self.context.asked:
            return
        is_whole = True

        def may_go_back() -> bool:
            nonlocal is_whole
            is_whole = self._api.may_go_back()
            return is_whole

        reached: Mapping[str, Any] = state
        for page in walk(
            self._feeds(listed, asked_at),
            state,
            now=self.context.now(),
            born=listed.created_at,
            since=self._settings.since_instant,
            may_go_back=may_go_back,
        ):
            reached = page.cursor or reached
            active_at = _newest(page, active_at)
            yield page
        if is_whole:
            read = {"asked_at": now.isoformat(), "active_at": active_at.isoformat() if active_at else None}
            yield Page(rows={}, cursor={**reached, **read})

    def _feeds(self, listed: Listed, asked_at: datetime | None) -> list[Feed]:
        place, settings = Place(self._api, listed.id, listed.name), self._settings
        beginning = None if asked_at else listed.created_at or BEGINNING
        feeds = []
        if "changes" in settings.reads:
            feeds += [changes(place, beginning, reads_commits=settings.commits), reviews(place)]
        if "pipelines" in settings.reads:
            feeds.append(pipelines(place, reads_steps=settings.steps, asked_at=asked_at))
        if "deployments" in settings.reads:
            feeds.append(deployments(place))
        if "issues" in settings.reads and listed.has_issues:
            feeds.append(issues(place, beginning))
        return feeds

    def _mirrored(self, listed: Listed, cursor: Cursor | None) -> Iterator[Page]:
        settings = self._settings
        return history(
            Hosted(
                listed.id,
                f"{HOST}/{listed.name}",
                f"https://{HOST}/{listed.name}.git",
                forge="bitbucket",
                default_branch=listed.default_branch,
            ),
            cursor,
            self.context,
            token=settings.token.get_secret_value() if settings.token else None,
            username=API_TOKEN_USER if settings.username else None,
            proxy=settings.proxy,
            ca_file=settings.ca_file,
            line_counts=settings.line_counts,
        )


def quiet(signs: Iterable[datetime | None], now: datetime) -> timedelta:
    """How long a repository is left alone after it was read whole, by its last signs of life."""
    ages = [max(timedelta(0), now - sign) for sign in signs if sign is not None]
    return min(LONGEST_QUIET, min(ages, default=timedelta(0)) / QUIET_SHARE)


def _newest(page: Page, known: datetime | None) -> datetime | None:
    """When the newest of what is on a page, or was on those before it, came to be or changed."""
    pull_requests = [row["pull_request"] for row in page.rows.get(Change, ())]
    runs = [row["run"] for row in page.rows.get(PipelineRun, ())]
    found = known_instants(pull_requests, "updated_on") + known_instants(runs, "created_on")
    return max(found if known is None else [*found, known], default=None)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
