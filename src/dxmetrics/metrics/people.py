"""Who is in which team, under which mail addresses, and who stands behind a deployment: for asking people.

No number is made of it and no page shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from dxmetrics.metrics.store import Reading, Store
from dxmetrics.warehouse.surveys import Tree, team_tree

# Declared addresses first, then those that most accounts have.
ADDRESSES = """
    select
        identities.person_id as person,
        lower(accounts.email) as address,
        bool_or(accounts.source = 'project') as is_declared,
        count(*) as accounts,
    from landing.identities as accounts
    inner join core.identities as identities
        on accounts.source = identities.source and accounts.ext_id = identities.account
    where not identities.is_bot and accounts.deleted_at is null and accounts.email is not null
    group by all
    order by person, is_declared desc, accounts desc, address
"""

MEMBERS = """
    select distinct
        memberships.person_id as person,
        memberships.team,
    from core.memberships as memberships
    where
        memberships.valid_from <= $day and $day < memberships.valid_to
        and memberships.person_id not in (
            select identities.person_id from core.identities as identities where identities.is_bot
        )
    order by memberships.person_id
"""

# A rollback or the same revision again brings nobody's change to production.
DEPLOYMENTS = """
    with finished as (
        select
            deployments.deployment_id,
            actors.person_id as actor,
        from core.deployments as deployments
        left join core.identities as actors on deployments.actor_id = actors.person_id and not actors.is_bot
        where
            deployments.is_production
            and deployments.status in ('success', 'failure')
            and deployments.kind not in ('rollback', 'redeploy')
            and deployments.finished_at > $since
            and deployments.finished_at <= $until
    ),

    authors as (
        select
            shipped.deployment_id,
            changes.author_id as person,
        from core.change_deployments as shipped
        inner join core.changes as changes on shipped.change_id = changes.change_id
        where
            shipped.deployment_id in (select finished.deployment_id from finished where finished.actor is null)
            and not changes.is_bot
            and changes.author_id is not null
    )

    select distinct
        finished.deployment_id as deployment,
        coalesce(finished.actor, authors.person) as person,
    from finished
    left join authors on finished.deployment_id = authors.deployment_id
    where coalesce(finished.actor, authors.person) is not null
    order by deployment, person
"""


@dataclass(frozen=True)
class Directory:
    """People of one day by person id, machines left out."""

    teams: Mapping[str, str]
    addresses: Mapping[str, tuple[str, ...]]  # the likeliest first
    tree: Tree


def directory(data: Path, day: date) -> Directory:
    """The people of the newest publication; WarehouseError where nothing is published."""
    with _reading(data) as reading:
        addresses: dict[str, tuple[str, ...]] = {}
        for row in reading.rows(ADDRESSES):
            addresses[row["person"]] = (*addresses.get(row["person"], ()), row["address"])
        members = {row["person"]: row["team"] for row in reading.rows(MEMBERS, {"day": day})}
        return Directory(members, addresses, team_tree(reading.cursor))


def finished_deployments(data: Path, since: datetime, until: datetime) -> dict[str, tuple[str, ...]]:
    """The deployments to production that ended after `since` and until `until`, each with the ids of its people.

    Its people are whoever started it, else the authors of the changes it shipped first; machines are none of them.
    """
    found: dict[str, tuple[str, ...]] = {}
    with _reading(data) as reading:
        for row in reading.rows(DEPLOYMENTS, {"since": since, "until": until}):
            found[row["deployment"]] = (*found.get(row["deployment"], ()), row["person"])
    return found


@contextmanager
def _reading(data: Path) -> Iterator[Reading]:
    store = Store.of(data)
    publication = store.newest()
    try:
        with store.reading(publication) as reading:
            yield reading
    finally:
        store.release(publication)
