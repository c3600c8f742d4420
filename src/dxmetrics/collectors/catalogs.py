"""What sources of service catalogues have in common: looks at all there is, tiers, circles of teams, what is odd.

Such a catalogue cannot be asked for what has changed, so it is read whole at every look. A look lands the rows that are
not as they were at the last one; what is missing in two looks one after the other is let go.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from dxmetrics.collectors import Cursor, Page
from dxmetrics.collectors.hosts import memberships
from dxmetrics.records import Identity, Membership, Record, table_name

TIER = re.compile(r"(?:t|tier)?[-_ ]*(\d)", re.IGNORECASE)
MOST_NAMED = 10

Payload = Mapping[str, Any]
Known = Mapping[str, Mapping[str, str]]  # by table, the digest of each row by its id


def look(
    rows: Mapping[type[Record], Mapping[str, Payload]],
    members: Mapping[str, set[str]],
    cursor: Cursor | None,
    *,
    today: date,
    notes: Iterable[str],
) -> Iterator[Page]:
    """Pages of one look: the rows that changed, then who is in which team; a cursor only if one of them did.

    `rows` has the payloads of each type by id, accounts among them; `members` the accounts' ids by the team's.
    """
    kept: dict[str, Any] = dict(cursor or {})
    found = _Look(rows, kept.get("known", {}), kept.get("missing", {}))
    yield Page(rows=found.changed, present=found.present, snapshot=True, is_last=True)
    waiting = found.missing[table_name(Identity)]
    pairs = _with_missing(members, kept.get("members", {}), waiting)
    payloads, there = memberships(pairs, kept.get("members"), today)
    after = {"known": found.known, "missing": found.missing, "members": there}
    is_same = there == kept.get("members")
    yield Page(
        rows={} if is_same else {Membership: payloads},
        cursor=None if after == kept else after,
        notes=tuple(notes),
    )


def has_looked(cursor: Cursor | None) -> bool:
    """Whether a look before this one found anything."""
    return any((cursor or {}).get("known", {}).values())


class _Look:
    """What this look finds, beside what the ones before left."""

    def __init__(
        self,
        rows: Mapping[type[Record], Mapping[str, Payload]],
        known: Known,
        missing: Mapping[str, Sequence[str]],
    ) -> None:
        self.changed: dict[type[Record], Sequence[Payload]] = {}
        self.present: dict[type[Record], Sequence[str]] = {}
        self.known: dict[str, dict[str, str]] = {}
        self.missing: dict[str, list[str]] = {}
        for record, payloads in rows.items():
            table = table_name(record)
            before = known.get(table, {})
            digests = {key: _digest(payload) for key, payload in payloads.items()}
            waiting = sorted(before.keys() - digests.keys() - set(missing.get(table, ())))
            changed = [key for key, digest in digests.items() if before.get(key) != digest]
            if changed:
                self.changed[record] = [payloads[key] for key in changed]
            self.present[record] = [*(digests.keys() - set(changed)), *waiting]
            self.known[table] = digests | {key: before[key] for key in waiting}
            self.missing[table] = waiting


def _with_missing(
    present: Mapping[str, set[str]], known: Mapping[str, str | None], waiting: Sequence[str]
) -> Mapping[str, set[str]]:
    """The members, and those people who are missing for the first time, in the teams that they were in."""
    found = {team: set(people) for team, people in present.items()}
    for pair in known:
        team, _, person = pair.partition("\n")
        if person in waiting:
            found.setdefault(team, set()).add(person)
    return found


def _digest(payload: Payload) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:12]


# -- what entities say ------------------------------------------------------------------------------------------------


def tier_of(mark: str, tiers: Mapping[str, int]) -> int | None:
    """The tier that a mark says: by `tiers` whatever the case, else the number of 1, T1 or tier-1; else None."""
    told = {name.casefold(): tier for name, tier in tiers.items()}.get(mark.casefold())
    number = TIER.fullmatch(mark)
    return told if told is not None or number is None else int(number[1])


def circular(parents: Mapping[str, str]) -> frozenset[str]:
    """The teams that are above themselves, by the parent of each."""
    return frozenset(team for team in parents if team in _above(team, parents))


def _above(team: str, parents: Mapping[str, str]) -> set[str]:
    met: set[str] = set()
    while (parent := parents.get(team)) and parent not in met:
        met.add(parent)
        team = parent
    return met


def odd(what: str, names: Iterable[str], remedy: str) -> Iterator[str]:
    """A note on what is odd about these and what to do, ten of them by name; none where there are none."""
    if found := sorted(names):
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        yield f"{what}: {', '.join(found[:MOST_NAMED])}{more}: {remedy}"
