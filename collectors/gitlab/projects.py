"""Which projects there are, and what one question for fifty of them tells: whether anything is new."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dxmetrics.collectors.feeds import Probe
from dxmetrics.errors import AuthError, CollectError, LimitedError, NotFoundError, SettingsError
from dxmetrics.http import Answer, PageSize, with_size
from dxmetrics.records import Repository

from . import queries
from .api import Api, Node, nodes, number_of
from .slices import instant, written

if TYPE_CHECKING:
    from dxmetrics.collectors.hosts import HostSettings

PROBED_AT_ONCE = 50
LONG_AGO = datetime.min.replace(tzinfo=UTC)
# Pipelines have no order by when they changed: it is asked whether one did since each of these. A collection every
# quarter of an hour, every hour and every day finds its own.
STEPS = (timedelta(minutes=45), timedelta(hours=3), timedelta(hours=26))
SWITCHES = {
    "changes": "merge_requests_access_level", "issues": "issues_access_level", "pipelines": "builds_access_level",
    "deployments": "environments_access_level", "releases": "releases_access_level",
}  # fmt: skip
KEPT = ("id", "path_with_namespace", "web_url", "default_branch", "archived", "forked_from_project", "created_at")

log = logging.getLogger("dxmetrics.collectors.gitlab")


@dataclass(frozen=True)
class Listed:
    """A project as the listing tells of it, and what is new in it by the name of the feed."""

    row: Mapping[str, Any]
    probes: Mapping[str, Probe] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its id, which no renaming changes."""
        return str(self.row["id"])

    @property
    def path(self) -> str:
        """`group/subgroup/project`."""
        return str(self.row["path_with_namespace"])

    @property
    def web(self) -> str:
        """Its page."""
        return str(self.row["web_url"])

    @property
    def default_branch(self) -> str | None:
        """The branch that is merged to; None: it is empty."""
        return self.row.get("default_branch")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was pushed to it yet."""
        return bool(self.row.get("empty_repo")) or not self.default_branch

    @property
    def is_fork(self) -> bool:
        """Whether it was made of another."""
        return bool(self.row.get("forked_from_project"))

    @property
    def is_imported(self) -> bool:
        """Whether what is in it may be older than itself."""
        return self.row.get("import_status") not in {None, "none"}

    @property
    def is_going(self) -> bool:
        """Whether it is marked for deletion."""
        return bool(self.row.get("marked_for_deletion_on") or self.row.get("marked_for_deletion_at"))

    @property
    def born(self) -> datetime:
        """When it was made."""
        return instant(self.row["created_at"])

    @property
    def active_at(self) -> datetime:
        """When something last happened in it; it is told once an hour at most."""
        return instant(self.row["last_activity_at"]) if self.row.get("last_activity_at") else LONG_AGO

    @property
    def config_path(self) -> str:
        """The file that describes its pipelines."""
        return self.row.get("ci_config_path") or ".gitlab-ci.yml"

    def has(self, read: str) -> bool:
        """Whether the feature that `read` names is switched on."""
        return self.row.get(SWITCHES[read]) != "disabled"


@dataclass(frozen=True)
class Discovery:
    """The projects that are wanted, by id, those with the newest activity first, and why single ones are not there."""

    found: Mapping[str, Listed] = field(default_factory=dict)
    absent: Mapping[str, NotFoundError] = field(default_factory=dict)


def discover(api: Api, settings: HostSettings) -> Discovery:
    """What the settings name; CollectError where a group cannot be listed, SettingsError where they name nothing."""
    if not settings.organisations and not settings.repositories:
        raise SettingsError(
            f"{api.name}: nothing is named: set `organisations` to groups, or `repositories` to group/project, in"
            f" [sources.{api.name}]"
        )
    found: dict[str, Listed] = {}
    absent: dict[str, NotFoundError] = {}
    for group in settings.organisations:
        found |= {one.id: one for one in _of_group(api, group) if settings.forks or not one.is_fork}
    for path in settings.repositories:
        try:
            one = Listed(api.client.json(f"projects/{quote(path.strip('/'), safe='')}"))
        except NotFoundError as error:
            absent[path] = error
        else:
            found.setdefault(one.id, one)
    wanted = [one for one in found.values() if not (one.is_going or settings.excludes(one.path))]
    wanted.sort(key=lambda one: one.active_at, reverse=True)
    return Discovery({one.id: one for one in _probed(api, wanted, settings.reads)}, absent)


def _of_group(api: Api, group: str) -> Iterator[Listed]:
    """The projects of a group and the groups below it, not those that others share with it."""
    params = {
        "include_subgroups": "true", "with_shared": "false", "order_by": "last_activity_at", "sort": "desc",
    }  # fmt: skip
    try:
        for rows in api.client.numbered_pages(f"groups/{quote(group.strip('/'), safe='')}/projects", params):
            yield from map(Listed, rows)
    except NotFoundError as error:
        raise NotFoundError(
            f"{api.name}: group {group!r}: it is not there, or the token may not see it: correct `organisations`, or"
            " give access; projects of a person are named in `repositories`"
        ) from error


# -- what is new ------------------------------------------------------------------------------------------------------


def _probed(api: Api, listed: Sequence[Listed], reads: Sequence[str]) -> Iterator[Listed]:
    """The projects with what is new in them."""
    query = queries.probe(reads)
    size = PageSize(PROBED_AT_ONCE)
    start = 0
    while start < len(listed):
        left = listed[start:]
        try:
            some, found = with_size(size, lambda n, left=left: (left[:n], _asked(api, query, left[:n])))  # type: ignore[misc]
        except (AuthError, LimitedError):
            raise
        except CollectError as error:
            # Only asked for to leave the quiet ones alone: without an answer each is asked by itself.
            log.warning("source=%s probe=failed reason=%s", api.name, error)
            some, found = left, {}
        yield from (Listed(one.row, found.get(one.id, {})) for one in some)
        start += len(some)


def _asked(api: Api, query: str, some: Sequence[Listed]) -> Mapping[str, Mapping[str, Probe]]:
    """By project, the probes of its feeds."""
    if not query:
        return {}
    now = api.client.server_time()
    steps = {f"step{place}": written(now - step) for place, step in enumerate(STEPS) if f"$step{place}" in query}
    answer = api.query(query, ids=[f"gid://gitlab/Project/{one.id}" for one in some], n=len(some), **steps)
    return {number_of(node): _probes(node, answer, now) for node in nodes(answer.data.get("projects"))}


def _probes(node: Node, answer: Answer, asked_at: datetime) -> dict[str, Probe]:
    served_at = answer.served_at or asked_at
    found = {}
    for feed, name, stands_at in (
        ("changes", "mergeRequests", "updatedAt"), ("issues", "issues", "updatedAt"),
        ("releases", "releases", "createdAt"),
    ):  # fmt: skip
        if node.get(name) is not None:
            found[feed] = Probe(max((instant(one[stands_at]) for one in nodes(node[name])), default=None), served_at)
    if node.get("step0") is None:
        return found
    # The first step that has a row bounds when the newest changed: between it and the step before.
    reached = next((place for place in range(len(STEPS)) if nodes(node[f"step{place}"])), len(STEPS))
    newest = served_at if reached == 0 else asked_at - STEPS[reached - 1]
    found["pipelines"] = Probe(newest, served_at)
    if not nodes(node.get("children")):
        found["children"] = Probe(asked_at - STEPS[-1], served_at)
        if not nodes(node.get("running")):
            # A job that deploys changes its pipeline too, while it runs at the latest.
            found["deployments"] = Probe(newest, served_at)
    return found


def oldest(api: Api, listed: Listed, reads: Iterable[str]) -> datetime:
    """When the history of an imported project begins."""
    wanted = {"changes", "issues"} & set(reads)
    if not wanted:
        return listed.born
    project = api.at(api.query(queries.oldest(wanted), path=listed.path), ("project",), listed.path)
    rows = [*nodes(project.get("mergeRequests")), *nodes(project.get("issues"))]
    return min([listed.born, *(instant(row["createdAt"]) for row in rows)])


# -- the repository ---------------------------------------------------------------------------------------------------


def told(listed: Listed, kept: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Repository payload, with the names it had before, and what to keep: it is told again when that differs."""
    names = [*kept.get("names", ())]
    if full_name(listed.row) not in names:
        names.append(full_name(listed.row))
    project = {name: listed.row.get(name) for name in KEPT}
    if listed.is_fork:
        project["forked_from_project"] = {"id": listed.row["forked_from_project"].get("id")}
    payload = {"project": project, "aliases": [name for name in names if name != full_name(listed.row)]}
    digest = hashlib.sha256(repository(payload).model_dump_json().encode()).hexdigest()[:16]
    return payload, {**kept, "names": names, "digest": digest}


def repository(payload: Mapping[str, Any]) -> Repository:
    """A project, with the names it had; not its last activity, or what refers to it would be built anew each hour."""
    project = payload["project"]
    return Repository(
        ext_id=str(project["id"]),
        url=project.get("web_url"),
        name=full_name(project),
        aliases=tuple(payload.get("aliases") or ()),
        default_branch=project.get("default_branch"),
        is_archived=bool(project.get("archived")),
        is_fork=bool(project.get("forked_from_project")),
        created_at=project.get("created_at"),
    )


def full_name(project: Mapping[str, Any]) -> str:
    """`gitlab.com/acme/shop`: the host, without a port, and the path of the project's page."""
    return re.sub(r"^\w+://([^/:]+)(?::\d+)?", r"\1", project["web_url"]).rstrip("/")
