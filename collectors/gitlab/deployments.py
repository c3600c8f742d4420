"""Deployments to environments, with the merge requests that GitLab says they shipped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from dxmetrics.collectors.feeds import Feed, Memo, Position, Probe, Slice
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Deployment, DeploymentStatus, Identity

from .api import Node, explained
from .people import People, account
from .slices import Place, instant, rest_page, rest_slice

FEED = "deployments"
OVERLAP = timedelta(hours=1)
DEEP_OVERLAP = timedelta(hours=50)  # once a day: what was reported by others, of which no pipeline tells
SETTLED = timedelta(minutes=30)  # which requests were shipped is known some time after the success
REMEMBERED = DEEP_OVERLAP + timedelta(hours=24)
MOST_REMEMBERED = 300

STATUSES: Mapping[Any, DeploymentStatus] = {
    "success": "success", "failed": "failure", "canceled": "cancelled", "running": "running",
}  # fmt: skip
NOT_BEGUN = frozenset({"created", "blocked", "skipped"})
ENDED = frozenset({"success", "failed", "canceled"})
# How GitLab guesses the tier of an environment from its name, where nobody has set one: the first that fits.
OTHER_TIERS = re.compile(
    r"dev|review|trunk|test|tst|int|ac(?:ce|)pt|qa|qc|control|quality|st(?:a|)g|mod(?:e|)l|pre|demo|non", re.IGNORECASE
)
PRODUCTION_TIER = re.compile(r"pr(?:o|)d|live", re.IGNORECASE)
MAY_BE_PRODUCTION = frozenset({"production", "other", ""})


class _Memo:
    """What is kept with the cursor: `told` has the last change of deployments that were told whole, `tiers` those of
    environments by their ids; `is_reported`: some deployments are not made by pipelines.
    """

    def __init__(self, kept: Memo) -> None:
        self.told: dict[str, str] = dict(kept.get("told") or {})
        self.tiers: dict[str, str] = dict(kept.get("tiers") or {})
        self.is_reported = bool(kept.get("is_reported"))

    def knows(self, row: Node) -> bool:
        """Whether a deployment was told whole and is the same."""
        return self.told.get(str(row["id"])) == str(row["updated_at"])

    def add(self, row: Node, now: datetime) -> None:
        """A deployment was told; whole, if GitLab had the time to find out what it shipped."""
        self.is_reported |= not row.get("deployable")
        if now - instant(row["updated_at"]) > SETTLED:
            self.told[str(row["id"])] = row["updated_at"]

    def kept(self, now: datetime) -> dict[str, Any]:
        """What to keep: of deployments only those that may be met again."""
        young = [(name, at) for name, at in self.told.items() if now - instant(at) < REMEMBERED]
        young = sorted(young, key=lambda one: instant(one[1]))[-MOST_REMEMBERED:]
        kept: dict[str, Any] = {"told": dict(young), "tiers": self.tiers, "is_reported": self.is_reported}
        return {name: value for name, value in kept.items() if value}


class Deployments:
    """The deployments of one project as they are read: which were told whole before, and what its environments are.

    Both are kept with the cursor. A deployment that was told whole is not asked for again while it stays the same.
    """

    def __init__(self, place: Place, people: People, *, ships_changes: bool) -> None:
        self._place = place
        self._people = people
        self._ships_changes = ships_changes

    def feed(self, probe: Probe | None, memo: Memo) -> Feed:
        """The feed. A project whose deployments others report too has no sign of them but the list itself."""
        return Feed(
            FEED,
            (Deployment,),
            self._read,
            overlap=OVERLAP,
            deep_overlap=DEEP_OVERLAP,
            by_time=True,
            probe=None if memo.get("is_reported") else probe,
        )

    def _read(self, position: Position) -> Slice:
        with explained(self._place.path, FEED):
            listing = rest_page(self._place, FEED, "deployments", position)
            memo = _Memo(position.memo)
            now = listing.served_at or self._place.api.client.server_time()
            new = [row for row in listing.rows if row.get("status") not in NOT_BEGUN and not memo.knows(row)]
            rows = [self._payload(row, memo) for row in new]
        for row in new:
            memo.add(row, now)
        people = self._people.looked_up(row.get("user") for row in new)
        return rest_slice(
            self._place, FEED, position, listing, rows={Deployment: rows, Identity: people}, memo=memo.kept(now)
        )

    def _payload(self, row: Node, memo: _Memo) -> dict[str, Any]:
        payload = {"repository": self._place.id, "web": self._place.web, "deployment": _trimmed(row)}
        if self._ships_changes and row.get("status") == "success" and self._may_be_production(row, memo):
            payload["changes"] = self._shipped(row)
        return payload

    def _shipped(self, row: Node) -> list[str]:
        """The ids of the merge requests that a deployment shipped."""
        path = f"projects/{self._place.id}/deployments/{row['id']}/merge_requests"
        try:
            pages = self._place.api.client.numbered_pages(path, {"view": "simple"})
            return [str(one["id"]) for page in pages for one in page]
        except NotFoundError:  # deleted meanwhile
            return []

    def _may_be_production(self, row: Node, memo: _Memo) -> bool:
        """By the environment's name, else by its tier, which is asked for once; true where neither tells. Those in
        folders are not asked for: there is one for each branch that is reviewed."""
        environment = row.get("environment") or {}
        key, name = str(environment.get("id")), str(environment.get("name") or "")
        if PRODUCTION_TIER.search(name) and not OTHER_TIERS.search(name):
            return True
        if "/" in name and OTHER_TIERS.search(name):
            return False
        if key not in memo.tiers:
            memo.tiers[key] = self._tier(key)
        return memo.tiers[key] in MAY_BE_PRODUCTION

    def _tier(self, environment: str) -> str:
        path = f"projects/{self._place.id}/environments/{quote(environment, safe='')}"
        try:
            return str(self._place.api.client.json(path).get("tier") or "")
        except NotFoundError:  # deleted meanwhile
            return ""


def _trimmed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A deployment without all that its job, its commit and its people repeat."""
    environment, job = row.get("environment") or {}, row.get("deployable")
    kept = {name: row.get(name) for name in ("id", "ref", "sha", "status", "created_at", "updated_at", "finished_at")}
    kept["environment"] = {name: environment.get(name) for name in ("id", "name")}
    kept["user"] = {name: row["user"].get(name) for name in ("id", "username")} if row.get("user") else None
    kept["deployable"] = None
    if job:
        kept["deployable"] = {name: job.get(name) for name in ("id", "tag", "started_at", "finished_at", "web_url")}
    return kept


def deployment(payload: Mapping[str, Any]) -> Deployment:
    """A deployment. One that was reported by others has ended when its status was last changed."""
    row = payload["deployment"]
    environment, job = row.get("environment") or {}, row.get("deployable") or {}
    ended = row.get("finished_at") or job.get("finished_at") or row["updated_at"]
    page = f"{payload['web']}/-/environments/{environment['id']}" if environment.get("id") else None
    return Deployment(
        ext_id=str(row["id"]),
        url=job.get("web_url") or page,
        updated_at=row["updated_at"],
        repository=payload["repository"],
        environment=environment.get("name") or "unknown",
        status=STATUSES.get(row.get("status"), "unknown"),
        sha=row.get("sha"),
        version=row.get("ref") if job.get("tag") else None,
        created_at=row["created_at"],
        started_at=job.get("started_at"),
        finished_at=ended if row.get("status") in ENDED else None,
        actor=account(row.get("user")),
        via="pipeline" if job else "api",
        changes=tuple(payload.get("changes") or ()),
    )
