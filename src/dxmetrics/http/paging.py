"""Pages: how many rows to ask for, less after an answer that came too late, and whether another page follows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from dxmetrics.errors import CollectError, OverloadError

T = TypeVar("T")

log = logging.getLogger(__name__)
_MAY_ASK_FOR_LESS: ContextVar[bool] = ContextVar("_MAY_ASK_FOR_LESS", default=False)


@dataclass
class PageSize:
    """How many rows to ask for: `value`, halved down to `floor`. Kept with the cursor, the next run starts there."""

    value: int
    floor: int = 5


def with_size(size: PageSize, fetch: Callable[[int], T]) -> T:
    """What `fetch(rows)` returns, asked for with fewer rows after each OverloadError; the one at the floor goes out.

    `fetch` sends its request before it returns: a generator would send it later, outside of this.
    """
    while size.value > size.floor:
        mark = _MAY_ASK_FOR_LESS.set(True)
        try:
            return fetch(size.value)
        except OverloadError as error:
            smaller = max(size.floor, size.value // 2)
            log.info("page_size=%d smaller=%d reason=%s", size.value, smaller, error)
            size.value = smaller
        finally:
            _MAY_ASK_FOR_LESS.reset(mark)
    return fetch(size.value)


def may_ask_for_less() -> bool:
    """Whether the request goes out from `with_size` and can become smaller: then it is not repeated for long."""
    return _MAY_ASK_FOR_LESS.get()


def rows_of(place: str, body: Any, items: str | None) -> list[Any]:
    """The rows of a page: its whole body, or what stands under `items`; CollectError if that is no list."""
    if body is None:
        return []
    rows = body.get(items) if items is not None and isinstance(body, Mapping) else body
    if not isinstance(rows, list):
        where = f"under {items!r}" if items else "as its body"
        raise CollectError(f"{place} has no list {where}: its form has changed")
    return rows


def has_more(response: httpx2.Response, met: int, *, is_full: bool) -> bool:
    """Whether another numbered page follows, after `met` rows.

    The server's word counts first (`Link`, `X-Total-Count`): Forgejo gives at most 50 rows, whatever is asked for, so a
    short page is not the last there. Where it says nothing, a page `is_full` that has as many rows as were asked for.
    """
    if "link" in response.headers:
        return "next" in response.links
    total = response.headers.get("x-total-count", "")
    return met < int(total) if total.isdecimal() else is_full
