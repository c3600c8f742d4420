"""Projects: which there are, and what each tells of all its repositories at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dxmetrics.collectors.feeds import Probe
from dxmetrics.errors import AuthError, CollectError, LimitedError, NotFoundError

from .api import PERMISSIONS, Api, Payload, instant, needing, part
from .repositories import Listed, repository_of

if TYPE_CHECKING:
    from .settings import AzureDevOpsSettings

LOOKED_BACK = timedelta(hours=6)
OPEN_AT_ONCE, RECENT_AT_ONCE = 100, 500

T = TypeVar("T")


class Project:
    """A project, and the lists that are asked for once in a run for all its repositories.

    `is_whole`: all of it is wanted; else only some of its repositories are. `wanted` are the ids of all repositories
    the source reads, `elsewhere` those of them that other projects have.
    """

    def __init__(
        self, api: Api, one: Listed, *, wanted: frozenset[str], elsewhere: frozenset[str], is_whole: bool
    ) -> None:
        self.api = api
        self.id = one.project_id
        self.organisation = one.organisation
        self.name = f"{one.organisation}/{one.row['project']['name']}"
        self.wanted = wanted
        self.elsewhere = elsewhere
        self.is_whole = is_whole
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}

    def path(self, rest: str) -> str:
        """The path of something in the project, by its id, which no renaming changes."""
        return f"{part(self.organisation)}/{self.id}/_apis/{rest}"

    def wants(self, repository: str | None) -> bool:
        """Whether what belongs to a repository is read: all that is wanted, and in a whole project what is elsewhere
        or nowhere."""
        is_own = repository is not None and "/" not in repository
        return repository in self.wanted if is_own else self.is_whole

    def is_elsewhere(self, repository: str) -> bool:
        """Whether a repository (empty: none) is not in this project, as far as its pipeline runs are wanted."""
        return self.is_whole and (not repository or "/" in repository or repository in self.elsewhere)

    def open_changes(self, repository: str) -> Sequence[Payload]:
        """The active pull requests of a repository."""
        return self._once("open", lambda: _by_repository(self._open_changes())).get(repository, ())

    def running(self, is_wanted: Callable[[str], bool]) -> list[Payload]:
        """The pipeline runs in progress, of those whose repository (empty: none) is wanted."""
        found = self._once("running", lambda: _by_repository(self._builds({"statusFilter": "inProgress"})))
        return [row for key, rows in found.items() if is_wanted(key) for row in rows]

    def closed(self, repository: str) -> Probe:
        """When a pull request of the repository was closed last; where none was of late, not after what was asked."""
        newest, since, at = self._once("closed", self._closed)
        return Probe(newest.get(repository, since), at)

    def finished(self, is_wanted: Callable[[str], bool]) -> Probe:
        """When a pipeline run finished last, of those whose repository (empty: none) is wanted; likewise."""
        newest, since, at = self._once("finished", self._finished)
        return Probe(max((when for key, when in newest.items() if is_wanted(key)), default=since), at)

    def _once(self, name: str, fetch: Callable[[], T]) -> T:
        """What was fetched by the first who asked, or why it could not be: each repository would be refused alike."""
        with self._lock:
            if name not in self._known:
                try:
                    self._known[name] = fetch()
                except CollectError as error:
                    self._known[name] = error
            found = self._known[name]
        if isinstance(found, CollectError):
            raise found
        return cast("T", found)

    def _open_changes(self) -> Iterator[Payload]:
        met = 0
        while True:
            params = {"searchCriteria.status": "active", "$top": OPEN_AT_ONCE, "$skip": met}
            with needing("changes"):
                rows = self.api.page(self.path("git/pullrequests"), params).rows
            yield from rows
            met += len(rows)
            if len(rows) < OPEN_AT_ONCE:
                return

    def _builds(self, params: Mapping[str, Any]) -> Iterator[Payload]:
        with needing("pipelines"):
            yield from self.api.all(self.path("build/builds"), {"$top": RECENT_AT_ONCE, **params})

    def _closed(self) -> tuple[dict[str, datetime], datetime, datetime]:
        since, now = self._recent()
        params = {
            "searchCriteria.status": "all",
            "searchCriteria.queryTimeRangeType": "closed",
            "searchCriteria.minTime": f"{since:%Y-%m-%dT%H:%M:%SZ}",
            "$top": RECENT_AT_ONCE,
        }
        with needing("changes"):
            answer = self.api.page(self.path("git/pullrequests"), params)
        at = answer.served_at or now
        if len(answer.rows) >= RECENT_AT_ONCE:  # there may be more: every repository has to be asked
            return {}, at, at
        return _newest(answer.rows, "closedDate"), since, at

    def _finished(self) -> tuple[dict[str, datetime], datetime, datetime]:
        since, now = self._recent()
        params = {"queryOrder": "finishTimeDescending", "minTime": f"{since:%Y-%m-%dT%H:%M:%SZ}"}
        return _newest(self._builds({"statusFilter": "completed", **params}), "finishTime"), since, now

    def _recent(self) -> tuple[datetime, datetime]:
        now = self.api.client.server_time().astimezone(UTC)
        return now - LOOKED_BACK, now


def probed(ask: Callable[[], Probe]) -> Probe | None:
    """What a probe tells; None where it cannot be asked: the list itself is, and says why not."""
    try:
        return ask()
    except (AuthError, LimitedError):
        raise
    except CollectError:
        return None


def discover(api: Api, settings: AzureDevOpsSettings) -> tuple[list[Listed], list[Project], dict[str, NotFoundError]]:
    """The repositories of the settings, their projects, and of single repositories that are not there, why."""
    found: dict[str, Listed] = {}
    absent: dict[str, NotFoundError] = {}
    whole: set[str] = set()
    for name in settings.organisations:
        for one in _of(api, name):
            whole.add(one.project_id)
            if settings.forks or not one.is_fork:
                found.setdefault(one.id, one)
    for name in settings.repositories:
        try:
            one = _single(api, name)
        except NotFoundError as error:
            absent[name] = error
        else:
            found.setdefault(one.id, one)
    wanted = {key: one for key, one in found.items() if not settings.excludes(one.name)}
    return list(wanted.values()), list(_projects(api, wanted, whole)), absent


def _projects(api: Api, wanted: Mapping[str, Listed], whole: Container[str]) -> Iterator[Project]:
    """The projects of the wanted repositories."""
    for one in {one.project_id: one for one in wanted.values()}.values():
        elsewhere = frozenset(key for key, other in wanted.items() if other.project_id != one.project_id)
        yield Project(api, one, wanted=frozenset(wanted), elsewhere=elsewhere, is_whole=one.project_id in whole)


def _of(api: Api, name: str) -> Iterator[Listed]:
    """The repositories of an organisation, or of one of its projects."""
    organisation, _, project = name.partition("/")
    place = "/".join(part(one) for one in (organisation, project) if one)
    try:
        rows = api.page(f"{place}/_apis/git/repositories").rows
    except AuthError as error:
        raise AuthError(f"{error}; it needs the permission {PERMISSIONS['changes']!r} in {organisation!r}") from error
    yield from (Listed(row, organisation) for row in rows)


def _single(api: Api, name: str) -> Listed:
    organisation, project, repository = name.split("/")
    row = api.one(f"{part(organisation)}/{part(project)}/_apis/git/repositories/{part(repository)}")
    if row is None:
        raise CollectError(f"{api.name}: {name} is answered with nothing: its form has changed")
    return Listed(row, organisation)


def _by_repository(rows: Iterable[Payload]) -> dict[str, list[Payload]]:
    """Pull requests or builds by their repository, those of none under an empty name."""
    found: dict[str, list[Payload]] = {}
    for row in rows:
        found.setdefault(_repository_of_row(row), []).append(row)
    return found


def _newest(rows: Iterable[Payload], field: str) -> dict[str, datetime]:
    """The newest time in `field` of the rows of each repository; of those that have none under an empty name."""
    found: dict[str, datetime] = {}
    for row in rows:
        key, at = _repository_of_row(row), instant(row.get(field))
        if at is not None:
            found[key] = max(at, found.get(key, at))
    return found


def _repository_of_row(row: Payload) -> str:
    stated = row.get("repository") or {}
    return str(stated["id"]).lower() if "pullRequestId" in row else repository_of(stated) or ""
