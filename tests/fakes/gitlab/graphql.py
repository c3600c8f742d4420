"""GraphQL answers: queries are validated against the schema beside this, scored, and executed on the world's nodes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
    visit,
)
from graphql.utilities import value_from_ast_untyped

from .world import Node, World

LIMIT = 250
LARGEST = 100
LONGEST_QUERY = 10_000
SCHEMA = Path(__file__).with_name("schema.graphql")
COSTS = {"mergedAt": 5, "diffHeadSha": 2, "diffStats": 2, "diffStatsSummary": 2, "labels": 5, "assignees": 5}
SORTED_BY = {"UPDATED": "updatedAt", "CREATED": "createdAt", "RELEASED_AT": "releasedAt"}


class QueryError(Exception):
    """What GitLab answers inside a 200, without data."""

    def __init__(self, *errors: Mapping[str, Any]) -> None:
        super().__init__(errors)
        self.errors = list(errors)


@cache
def schema() -> GraphQLSchema:
    """What there is to ask."""
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


def second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def compiled(query: str) -> DocumentNode:
    """The query, parsed and validated once; AssertionError names what the schema refuses."""
    assert len(query) <= LONGEST_QUERY, len(query)
    document = parse(query)
    errors = validate(schema(), document)
    assert not errors, [error.message for error in errors]
    return document


@cache
def fields_of(query: str) -> frozenset[tuple[str, str]]:
    """All that a query asks for, as type and field."""
    types, found = TypeInfo(schema()), set()

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            found.add((str(get_named_type(types.get_parent_type())), node.name.value))

    visit(compiled(query), TypeInfoVisitor(types, Fields()))
    return frozenset(found)


def score(query: str, variables: Mapping[str, Any]) -> int:
    """The complexity of a query: each field one or what it costs, a connection's by a hundredth more for each row."""
    operation = compiled(query).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return _score(operation.selection_set, variables)


def _score(selection: SelectionSetNode | None, variables: Mapping[str, Any]) -> int:
    total = 0
    for one in selection.selections if selection else ():
        assert isinstance(one, FieldNode)
        arguments = {
            each.name.value: value_from_ast_untyped(each.value, dict(variables)) for each in one.arguments or ()
        }
        own = COSTS.get(one.name.value, 1) + _score(one.selection_set, variables) + ("sort" in arguments)
        total += int(own * (1 + 0.01 * min(arguments.get("first") or 0, LARGEST)))
    return total


@dataclass
class Execution:
    """One query being answered."""

    world: World
    query: str
    variables: Mapping[str, Any]
    limit: int = LIMIT
    lacks: frozenset[tuple[str, str]] = frozenset()
    hidden: frozenset[str] = frozenset()  # connections of projects that the token may not read
    expires_cursors: bool = False
    complexity: int = field(init=False)

    def __post_init__(self) -> None:
        if unknown := sorted(fields_of(self.query) & self.lacks):
            raise QueryError(*(undefined(on, name) for on, name in unknown))
        self.complexity = score(self.query, self.variables)
        if self.complexity > self.limit:
            message = f"Query has complexity of {self.complexity}, which exceeds max complexity of {self.limit}"
            raise QueryError({"message": message})

    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        found = execute_sync(
            schema(), compiled(self.query), self._root(), variable_values=dict(self.variables), field_resolver=resolved
        )
        for error in found.errors or ():
            if error.original_error and not isinstance(error.original_error, GraphQLError):
                raise error.original_error
        return found.formatted  # type: ignore[return-value]

    def _root(self) -> dict[str, Any]:
        world = self.world
        return {
            "queryComplexity": {"score": self.complexity, "limit": self.limit},
            "project": lambda _, **given: self._project(world.find(given["fullPath"])),
            "projects": self._rows(lambda given: [self._project(world.projects.get(n)) for n in numbers(given["ids"])]),
            "group": lambda _, **given: self._group(world.groups.get(given["fullPath"])),
            "users": self._rows(
                lambda given: [one for one in world.users.values() if one["number"] in numbers(given["ids"])]
            ),
            "mergeRequest": lambda _, **given: self._request(self._one("mergeRequests", given["id"])),
        }

    # -- nodes --------------------------------------------------------------------------------------------------------

    def _project(self, project: Node | None) -> Node | None:
        if project is None:
            return None
        lists = {
            "mergeRequests": self._rows(lambda given: map(self._request, updated(project["mergeRequests"], given))),
            "issues": self._rows(lambda given: map(self._issue, updated(project["issues"], given))),
            "pipelines": self._rows(
                lambda given: map(self._pipeline, pipelines(project, given)), key=lambda row: (-row["number"],)
            ),
            "releases": self._rows(lambda _: project["releases"]),
        }
        return {
            **project,
            **{name: None if name in self.hidden else found for name, found in lists.items()},
            "pipeline": lambda _, **given: self._pipeline(self._one("pipelines", given["id"])),
            "release": lambda _, **given: next(
                (one for one in project["releases"] if one["tagName"] == given["tagName"]), None
            ),
        }

    def _one(self, kind: str, gid: str) -> Node | None:
        rows = (row for project in self.world.projects.values() for row in project[kind])
        return next((row for row in rows if row["id"] == gid), None)

    def _request(self, request: Node | None) -> Node | None:
        if request is None:
            return None
        stats = request["diffStats"]
        summary = {name: sum(one[name] for one in stats) for name in ("additions", "deletions")}
        return {
            **request,
            "labels": self._rows(lambda _: request["labels"]),
            "commits": self._rows(lambda _: request["commits"]),
            "notes": self._rows(lambda _: request["notes"]),
            "diffStatsSummary": {**summary, "fileCount": len(stats)},
        }

    def _issue(self, issue: Node) -> Node:
        return {
            **issue,
            "labels": self._rows(lambda _: issue["labels"]),
            "assignees": self._rows(lambda _: issue["assignees"]),
        }

    def _pipeline(self, pipeline: Node | None) -> Node | None:
        return pipeline and {**pipeline, "jobs": self._rows(lambda _: pipeline["jobs"])}

    def _group(self, group: Node | None) -> Node | None:
        if group is None:
            return None
        path = group["fullPath"]
        below = (one for name, one in sorted(self.world.groups.items()) if name.startswith(f"{path}/"))
        return {
            **group,
            "groupMembers": self._rows(lambda _: [{"user": one, **one} for one in group["members"]]),
            "descendantGroups": self._rows(lambda _: [self._group(one) for one in below]),
        }

    # -- connections --------------------------------------------------------------------------------------------------

    def _rows(
        self, rows: Callable[[Mapping[str, Any]], Any], key: Callable[[Node], tuple[float, ...]] | None = None
    ) -> Callable[..., Node]:
        """A connection: the page of rows that its arguments ask for, by a cursor that is a position, not a number."""

        def resolve(_info: Any, **given: Any) -> Node:
            found = [row for row in rows(given) if row is not None]
            ordered = [(key(row), row) for row in found] if key else in_order(found, given.get("sort"))
            after = given.get("after")
            if after is not None and self.expires_cursors:
                raise GraphQLError("Please provide a valid cursor")
            rest = ordered[position(ordered, after) :] if after else ordered
            size = min(given.get("first") or LARGEST, LARGEST)
            has_next = len(rest) > size
            page = [row for _, row in rest[:size]]
            end = cursor(*rest[:size][-1]) if page else None
            return {
                "nodes": page,
                "pageInfo": {"hasNextPage": has_next, "endCursor": end},
                "count": len(found),
            }

        return resolve


def resolved(node: Node, info: Any, /, **given: Any) -> Any:
    """The value of a field: as it stands in the node, or what its function gives; a time to the second."""
    value = node.get(info.field_name)
    if isinstance(value, datetime):
        return second(value)
    return value(info, **given) if callable(value) else value


Placed = tuple[tuple[float, ...], Node]


def in_order(rows: Sequence[Node], sort: str | None) -> list[Placed]:
    """Rows with what they are ordered by: as asked, else as they come."""
    if sort is None:
        return [((place,), row) for place, row in enumerate(rows)]
    name, _, direction = sort.rpartition("_")
    sign = -1 if direction == "DESC" else 1
    placed = [((sign * row[SORTED_BY[name]].timestamp(), sign * row["number"]), row) for row in rows]
    return sorted(placed, key=lambda one: one[0])


def cursor(key: tuple[float, ...], row: Node) -> str:
    """The position of a row, which is good also after it is gone. Rows without an order go by their own identity."""
    named = row.get("number", row.get("sha"))
    return base64.b64encode(json.dumps([list(key), named]).encode()).decode()


def position(ordered: Sequence[Placed], after: str) -> int:
    """The place of the first row below a cursor."""
    key, named = json.loads(base64.b64decode(after))
    if len(key) == 1 and key[0] >= 0:
        found = [place for place, (_, row) in enumerate(ordered) if row.get("number", row.get("sha")) == named]
        return found[0] + 1 if found else int(key[0])
    return next((place for place, (own, _) in enumerate(ordered) if list(own) > key), len(ordered))


def updated(rows: Sequence[Node], given: Mapping[str, Any]) -> Iterator[Node]:
    """Rows that changed in the time asked for, whose ends belong to it."""
    low, high = given.get("updatedAfter"), given.get("updatedBefore")
    for row in rows:
        if (not low or row["updatedAt"] >= moment(low)) and (not high or row["updatedAt"] <= moment(high)):
            yield row


def pipelines(project: Node, given: Mapping[str, Any]) -> Iterator[Node]:
    """Pipelines, the last made first; those that another has started only where that is asked for."""
    wanted = given.get("source")
    for row in reversed(list(updated(project["pipelines"], given))):
        is_child = row["source"] == "parent_pipeline"
        if (row["source"] == wanted if wanted else not is_child) and given.get("status") in (None, row["status"]):
            yield row


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def numbers(gids: Sequence[str] | None) -> list[int]:
    return [int(gid.rpartition("/")[2]) for gid in gids or ()]


def undefined(on: str, name: str) -> dict[str, Any]:
    """The error about a field that this version does not have."""
    return {
        "message": f"Field '{name}' doesn't exist on type '{on}'",
        "extensions": {"code": "undefinedField", "typeName": on, "fieldName": name},
    }
