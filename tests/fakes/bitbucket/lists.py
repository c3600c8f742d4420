"""How lists are asked for: parameters, queries, order, and which fields are wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .world import Row

QUERY = re.compile(r'^updated_on (>=|<=) "([^"]+)"$')


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.status = status
        error: Row = {"message": message}
        if detail:
            error["detail"] = detail
        self.body = {"type": "error", "error": error}


class Params:
    """The parameters of a request."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.pairs if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]


def matching(rows: Iterable[Row], query: str | None) -> list[Row]:
    """The rows that a query lets through; one it would not understand is refused."""
    found = list(rows)
    for part in query.split(" AND ") if query else ():
        matched = QUERY.match(part)
        if not matched:
            raise Refused(400, f"Invalid query: {part}")
        limit = datetime.fromisoformat(matched[2])
        accepts = limit.__le__ if matched[1] == ">=" else limit.__ge__
        found = [row for row in found if accepts(datetime.fromisoformat(row["updated_on"]))]
    return found


def in_order(rows: Sequence[Row], params: Params) -> list[Row]:
    order = params.get("sort") or "created_on"
    return sorted(rows, key=lambda row: str(row[order.lstrip("-")]), reverse=order.startswith("-"))


def deployments_in_order(rows: Sequence[Row], params: Params) -> list[Row]:
    """What has no instant to be sorted by stands first."""
    order = params.get("sort") or "state.started_on"
    if order.lstrip("-") not in {"state.started_on", "state.completed_on"}:
        raise Refused(400, "Invalid sort attribute provided")
    name = order.rpartition(".")[2]
    wanted = [row for row in rows if params.get("state.name") in (None, row["state"]["name"])]
    waiting = [row for row in wanted if name not in row["state"]]
    begun = [row for row in wanted if name in row["state"]]
    return waiting + sorted(begun, key=lambda row: str(row["state"][name]), reverse=order.startswith("-"))


def only(body: Row, fields: str | None) -> Any:
    """What is left of a body by `fields`, a list of paths."""
    return body if fields is None else _kept(body, [path.split(".") for path in fields.split(",")])


def _kept(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    if any(not path for path in paths):
        return value
    if isinstance(value, list):
        return [_kept(one, paths) for one in value]
    if not isinstance(value, Mapping):
        return value
    by_name: dict[str, list[Sequence[str]]] = {}
    for name, *rest in paths:
        by_name.setdefault(name, []).append(rest)
    return {name: _kept(value[name], rest) for name, rest in by_name.items() if name in value}
