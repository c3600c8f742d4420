"""Letting go of scopes a source no longer has: at once where a person took them out, else only when it is sure."""

from __future__ import annotations

import logging
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dxmetrics.collectors import Page, Scope
from dxmetrics.records import LANDED, Identity
from dxmetrics.warehouse import Loader, forget_scope, known_scopes, miss_scope, unmiss_scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from duckdb import DuckDBPyConnection

MISSES = 3  # collections in a row that a scope must be missing in
SURE_AFTER = timedelta(days=1)

log = logging.getLogger("dxmetrics.pipeline")


@dataclass(frozen=True)
class Absent:
    """A scope that is not listed any more, and what is said of it."""

    scope: str
    title: str
    message: str


def retire_absent(
    connection: DuckDBPyConnection,
    source: str,
    present: Container[str],
    clock: Callable[[], datetime],
    *,
    at_once: bool,
) -> Iterator[Absent]:
    """Let go of the scopes that are not `present`: `at_once`, or when they were missing for long; yield the others.

    Should a scope come back that was let go, it is read from the beginning and its rows are alive again.
    """
    known = known_scopes(connection, source)
    unmiss_scopes(connection, source, [scope for scope in known if scope in present])
    for scope, title in known.items():
        if scope in present:
            continue
        if not scope:  # stands for the source itself, when its scopes could not be listed
            forget_scope(connection, source, scope)
            continue
        if at_once:
            retire(connection, source, scope, clock)
            continue
        misses, since = miss_scope(connection, source, scope, clock())
        if misses >= MISSES and clock() - since >= SURE_AFTER:
            retire(connection, source, scope, clock)
            continue
        yield Absent(
            scope,
            title,
            f"{source}: {title} is not listed any more since {since:%Y-%m-%d %H:%M} UTC: deleted, or the token may not "
            "see it; what was read of it stays until it was missing for a day",
        )


def retire(
    connection: DuckDBPyConnection,
    source: str,
    scope: str,
    clock: Callable[[], datetime],
    *,
    with_people: bool = False,
) -> None:
    """Mark the rows of a scope as deleted, and forget how far it was read.

    Accounts stay unless `with_people`: other scopes of the source refer to the same ones.
    """
    records = [record for record in LANDED if with_people or record is not Identity]
    nothing = Page(rows=dict.fromkeys(records, ()), snapshot=True, is_last=True)
    counts = Loader(connection, source, clock=clock).write(Scope(scope, scope), nothing)
    forget_scope(connection, source, scope)
    log.info("source=%s scope=%s retired=%d", source, scope, counts.deleted)
