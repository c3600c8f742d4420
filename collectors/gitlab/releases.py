"""Published releases, which stand for deployments where nothing else does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from dxmetrics.collectors.feeds import Feed, Memo, Position, Probe, Slice, down_to
from dxmetrics.records import Deployment, Identity

from . import queries
from .api import AT_ONCE, Node, explained, follower, nodes, partly
from .people import account, everybody
from .slices import Place, Rows, instant

FEED = "releases"


def releases(place: Place, probe: Probe | None) -> Feed:
    """The feed of releases, by when they were made: their dates of release are set by people, also into the past. One
    that is to come is looked at again until it has come."""
    return Feed(FEED, (), partial(_read, place), probe=probe, reread=partial(_again, place))


def _read(place: Place, position: Position) -> Slice:
    with explained(place.path, FEED):
        answer = place.api.query(queries.RELEASES, path=place.path, n=AT_ONCE, after=position.token)
        found = place.api.at(answer, ("project", FEED), place.path)
    listed = nodes(found)
    now = answer.served_at or place.api.client.server_time()
    return Slice(
        _rows(place, listed, now),
        oldest=down_to((instant(one["createdAt"]) for one in listed), has_more=follower(found) is not None),
        token=follower(found),
        is_end=follower(found) is None,
        served_at=answer.served_at,
        unfinished={one["tagName"]: not _is_out(one, now) for one in listed},
        notes=partly(answer),
    )


def _again(place: Place, tags: Sequence[str], _memo: Memo) -> Iterator[Slice]:
    """Releases that were still to come, by their tags; those that are gone are left out."""
    for tag in tags:
        answer = place.api.query(queries.RELEASE, path=place.path, tag=tag)
        one = (answer.data.get("project") or {}).get("release")
        if one:
            now = answer.served_at or place.api.client.server_time()
            yield Slice(_rows(place, [one], now), unfinished={tag: not _is_out(one, now)})


def _rows(place: Place, listed: Sequence[Node], now: datetime) -> Rows:
    out = [one for one in listed if _is_out(one, now)]
    return {
        Deployment: [{"repository": place.id, "release": one} for one in out],
        Identity: everybody(one.get("author") for one in out),
    }


def _is_out(release: Node, now: datetime) -> bool:
    return bool(release.get("releasedAt")) and instant(release["releasedAt"]) <= now


def release(payload: Mapping[str, Any]) -> Deployment:
    """A release, as far as it stands for a deployment. GitLab itself knows it by its project and tag."""
    node = payload["release"]
    return Deployment(
        ext_id=f"release:{payload['repository']}/{node['tagName']}",
        url=(node.get("links") or {}).get("selfUrl"),
        repository=payload["repository"],
        environment="production",
        status="success",
        sha=(node.get("commit") or {}).get("sha"),
        version=node["tagName"],
        created_at=node.get("createdAt"),
        finished_at=node["releasedAt"],
        actor=account(node.get("author")),
        via="release",
    )
