"""GraphQL answers: the parsed query walked over the world's dictionaries, connections with keyset cursors.

Each distinct query is validated once against GitHub's own schema, where that is at hand.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    parse,
    validate,
)
from graphql.utilities import value_from_ast_untyped

from .world import Node, World, stamp

SCHEMA = Path(__file__).parents[4] / "shared/data/contracts/github/schema.graphql"
INTERFACES = {
    "Actor": {"User", "Bot", "Mannequin", "Organization", "EnterpriseUserAccount"},
    "RequestedReviewer": {"User", "Team", "Bot", "Mannequin"},
    "RepositoryOwner": {"User", "Organization"},
    "ProfileOwner": {"User", "Organization"},
}
ORDER = {
    "UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "PUSHED_AT": "pushedAt", "NAME": "name", "LOGIN": "login",
}  # fmt: skip
NODE_LIMIT = 500_000


class QueryError(Exception):
    """What GitHub answers inside a 200."""

    def __init__(self, message: str, kind: str | None = None) -> None:
        super().__init__(message)
        self.error = {"message": message} | ({"type": kind} if kind else {})


@dataclass(frozen=True)
class Compiled:
    """A parsed query: its selections and fragments."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]


@cache
def compiled(query: str) -> Compiled:
    """The query, parsed once and validated once; AssertionError names what the schema refuses."""
    document = parse(query)
    schema = _schema()
    if schema is not None:
        errors = validate(schema, document)
        assert not errors, [error.message for error in errors]
    return _compiled(document)


def _compiled(document: DocumentNode) -> Compiled:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    return Compiled(operations[0], fragments)


@cache
def _schema() -> Any:
    if not SCHEMA.exists():
        return None
    # As published it defines two fields twice, which a strict reading refuses.
    return build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid=True, assume_valid_sdl=True)


@dataclass
class Execution:
    """One query being answered."""

    world: World
    query: Compiled
    variables: Mapping[str, Any]
    remaining: int
    errors: list[dict[str, Any]] = field(default_factory=list)
    expired: Callable[[str], bool] = lambda _: False

    def data(self) -> dict[str, Any]:
        """The `data` of the answer."""
        if self.nodes() > NODE_LIMIT:
            raise QueryError(f"This query requests up to {self.nodes():,} possible nodes", "MAX_NODE_LIMIT_EXCEEDED")
        return self.selected(self.query.operation.selection_set, {"__typename": "Query"}, ())

    # -- what it costs ------------------------------------------------------------------------------------------------

    @property
    def cost(self) -> int:
        """Points, by the documented rule: requests assuming every limit is reached, by 100, rounded, at least 1."""
        requests = sum(times for times, _ in self._connections(self.query.operation.selection_set, 1))
        return max(1, round(requests / 100))

    def nodes(self) -> int:
        """The most nodes there can be in the answer."""
        return sum(times * first for times, first in self._connections(self.query.operation.selection_set, 1))

    def _connections(self, selection: SelectionSetNode, times: int) -> Iterator[tuple[int, int]]:
        for one in self._fields(selection):
            if one.selection_set is None:
                continue
            arguments = self._arguments(one)
            first = arguments.get("first") or arguments.get("last")
            if one.name.value == "nodes" and "ids" in arguments:
                yield from self._connections(one.selection_set, times * len(arguments["ids"]))
            elif first:
                yield times, first
                yield from self._connections(one.selection_set, times * first)
            else:
                yield from self._connections(one.selection_set, times)

    def _fields(self, selection: SelectionSetNode) -> Iterator[FieldNode]:
        for one in selection.selections:
            if isinstance(one, FieldNode):
                yield one
            elif isinstance(one, InlineFragmentNode):
                yield from self._fields(one.selection_set)
            elif isinstance(one, FragmentSpreadNode):
                yield from self._fields(self.query.fragments[one.name.value].selection_set)

    # -- values -------------------------------------------------------------------------------------------------------

    def selected(self, selection: SelectionSetNode, node: Node, path: tuple[Any, ...]) -> dict[str, Any]:
        """What a selection picks of a node."""
        found: dict[str, Any] = {}
        for one in selection.selections:
            if isinstance(one, FieldNode):
                key = one.alias.value if one.alias else one.name.value
                found[key] = self._value(one, node, (*path, key))
            elif isinstance(one, InlineFragmentNode):
                if one.type_condition is None or is_a(node, one.type_condition.name.value):
                    found |= self.selected(one.selection_set, node, path)
            elif isinstance(one, FragmentSpreadNode):
                fragment = self.query.fragments[one.name.value]
                if is_a(node, fragment.type_condition.name.value):
                    found |= self.selected(fragment.selection_set, node, path)
        return found

    def _value(self, one: FieldNode, node: Node, path: tuple[Any, ...]) -> Any:
        name = one.name.value
        arguments = self._arguments(one)
        if node["__typename"] == "Query":
            value = self._root(name, arguments, path)
        elif name == "object" and node["__typename"] == "Repository":
            text = node["files"].get(arguments["expression"].partition(":")[2])
            value = None if text is None else {"__typename": "Blob", "text": text, "byteSize": len(text)}
        else:
            value = node.get(name)
        if one.selection_set is None or value is None:
            return value
        if isinstance(value, list) and name != "nodes":
            return self._connection(one.selection_set, value, arguments, name, path)
        if isinstance(value, list):
            return [
                None if each is None else self.selected(one.selection_set, each, (*path, place))
                for place, each in enumerate(value)
            ]
        return self.selected(one.selection_set, value, path)

    def _arguments(self, one: FieldNode) -> dict[str, Any]:
        return {
            each.name.value: value_from_ast_untyped(each.value, dict(self.variables)) for each in one.arguments or ()
        }

    def _root(self, name: str, arguments: Mapping[str, Any], path: tuple[Any, ...]) -> Any:
        world = self.world
        if name == "rateLimit":
            reset = stamp(world.now.replace(minute=59, second=59))
            return {
                "__typename": "RateLimit", "cost": self.cost, "remaining": self.remaining, "resetAt": reset,
                "limit": 5000, "used": 5000 - self.remaining, "nodeCount": self.nodes(),
            }  # fmt: skip
        if name == "repository":
            return self._found(world.find(f"{arguments['owner']}/{arguments['name']}"), "Repository", arguments, path)
        if name in {"organization", "repositoryOwner", "user"}:
            return self._found(world.owners.get(arguments["login"]), "owner", arguments, path)
        if name == "nodes":
            return [self._found(world.nodes.get(one), "node", {"id": one}, path) for one in arguments["ids"]]
        if name == "node":
            return self._found(world.nodes.get(arguments["id"]), "node", arguments, path)
        if name == "viewer":
            return world.user("ada")
        raise QueryError(f"the fake knows no {name}")

    def _found(self, value: Any, what: str, arguments: Mapping[str, Any], path: tuple[Any, ...]) -> Any:
        if value is None:
            message = f"Could not resolve to a {what} with {dict(arguments)}."
            self.errors.append({"type": "NOT_FOUND", "message": message, "path": list(path)})
        return value

    # -- connections --------------------------------------------------------------------------------------------------

    def _connection(
        self,
        selection: SelectionSetNode,
        rows: list[Node],
        arguments: Mapping[str, Any],
        name: str,
        path: tuple[Any, ...],
    ) -> dict[str, Any]:
        everything = len(rows)  # what the totalCount of a timeline is of, whatever is asked for
        rows = [row for row in rows if wanted(row, arguments)]
        rows, key = ordered(rows, arguments.get("orderBy"))
        start = 0
        if after := arguments.get("after"):
            start = self._place(rows, key, after, arguments.get("orderBy"))
        first = arguments.get("first") or arguments.get("last") or 0
        page = rows[-first:] if arguments.get("last") else rows[start : start + first]
        more = start + first < len(rows)
        end = cursor(key(page[-1]), page[-1]) if page else None
        made = {
            "__typename": f"{name}Connection", "nodes": page,
            "totalCount": everything if name == "timelineItems" else len(rows),
            "pageInfo": {"__typename": "PageInfo", "hasNextPage": more, "endCursor": end, "hasPreviousPage": start > 0,
                         "startCursor": cursor(key(page[0]), page[0]) if page else None},
        }  # fmt: skip
        found: dict[str, Any] = {}
        for one in self._fields(selection):
            label = one.alias.value if one.alias else one.name.value
            value = made.get(one.name.value)
            if one.name.value == "nodes" and one.selection_set is not None:
                found[label] = [
                    self.selected(one.selection_set, each, (*path, label, place)) for place, each in enumerate(page)
                ]
            elif one.selection_set is not None and isinstance(value, dict):
                found[label] = self.selected(one.selection_set, value, (*path, label))
            else:
                found[label] = value
        return found

    def _place(self, rows: list[Node], key: Callable[[Node], Any], after: str, order: Mapping[str, Any] | None) -> int:
        """The first row behind a cursor. The row itself may be gone, or somewhere else by now."""
        if self.expired(after):
            raise QueryError(f"`{after}` does not appear to be a valid cursor.", "INVALID_CURSOR_ARGUMENTS")
        value, number = json.loads(base64.b64decode(after))
        falls = order is not None and order["direction"] == "DESC"
        for place, row in enumerate(rows):
            mine = (key(row), row_number(row))
            if (mine < (value, number)) if falls else (mine > (value, number)):
                return place
        return len(rows)


def is_a(node: Node, kind: str) -> bool:
    """Whether a node is of a type or an interface."""
    own = node["__typename"]
    return own == kind or kind == "Node" or own in INTERFACES.get(kind, ())


def wanted(row: Node, arguments: Mapping[str, Any]) -> bool:
    """Whether a row passes the filters of its connection."""
    if (states := arguments.get("states")) and row.get("state") not in states:
        return False
    if (kinds := arguments.get("itemTypes")) and event_name(row["__typename"]) not in kinds:
        return False
    if (environments := arguments.get("environments")) and row["environment"] not in environments:
        return False
    since = (arguments.get("filterBy") or {}).get("since")
    return not (since and row["updatedAt"] < since.replace("+00:00", "Z"))


def event_name(kind: str) -> str:
    """`ReadyForReviewEvent` -> `READY_FOR_REVIEW_EVENT`."""
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in kind).lstrip("_").upper()


def ordered(rows: list[Node], order: Mapping[str, Any] | None) -> tuple[list[Node], Callable[[Node], Any]]:
    """Rows in the order asked for, else as they came; and the value they are ordered by."""
    if not order:
        places = {id(row): place for place, row in enumerate(rows)}
        return rows, lambda row: places[id(row)]
    name = ORDER[order["field"]]
    is_falling = order["direction"] == "DESC"
    return sorted(rows, key=lambda row: (row[name], row_number(row)), reverse=is_falling), lambda row: row[name]


def row_number(row: Node) -> int:
    """What orders rows of one instant."""
    return int(row.get("databaseId") or 0)


def cursor(value: Any, row: Node) -> str:
    """The position of a row by its value and its number."""
    return base64.b64encode(json.dumps([value, row_number(row)]).encode()).decode()
