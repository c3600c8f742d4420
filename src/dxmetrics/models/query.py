"""What a select reads, as DuckDB's own parser sees it: tables with their places in the text, variables, column names.

Nothing is bound, so no table needs to exist; names of common table expressions are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from dxmetrics.errors import ModelError

_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_REFERENCE = re.compile(rf"({_NAME})\s*\.\s*({_NAME})".encode())


@dataclass(frozen=True)
class Reference:
    """One place where a select names a table."""

    table: str  # schema.table
    start: int  # byte offsets in the text
    end: int
    has_alias: bool


@dataclass(frozen=True)
class Query:
    """A parsed select."""

    text: str
    references: tuple[Reference, ...]
    variables: tuple[str, ...]
    columns: frozenset[str]  # every name used as a column, of whichever table, in lower case
    has_star: bool

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The tables it reads, each once, in alphabetical order."""
        return tuple(sorted({one.table for one in self.references}))

    def reading(self, replacements: Mapping[str, str]) -> str:
        """The text with tables replaced by others; columns stay reachable under the names used before."""
        text = self.text.encode()
        for one in sorted(self.references, key=lambda one: one.start, reverse=True):
            if one.table in replacements:
                alias = "" if one.has_alias else f" as {one.table.split('.')[1]}"
                text = text[: one.start] + (replacements[one.table] + alias).encode() + text[one.end :]
        return text.decode()


class Parser:
    """DuckDB's parser; keep one for many files."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()

    def parse(self, text: str, name: str, first_line: int = 1) -> Query:
        """What `text` reads; ModelError, beginning with `name`, where it is not one select over `schema.table`s.

        `first_line` is the line of the file that `text` begins on."""
        rows = self._connection.execute("select json_serialize_sql(?::varchar)", [text]).fetchall()
        tree = json.loads(rows[0][0])
        if tree["error"]:
            line = first_line + text.encode()[: int(tree.get("position") or 0)].count(b"\n")
            raise ModelError(f"{name}, line {line}: {tree['error_message']}")
        if len(tree["statements"]) != 1:
            raise ModelError(f"{name}: it must be one select, and has {len(tree['statements'])} statements")
        nodes = list(_nodes(tree["statements"][0]))
        expressions = {key for node in nodes for key in _expression_names(node)}
        aliases = {
            (node["alias"] or node["table_name"]).lower()
            for node in nodes
            if node.get("type") == "BASE_TABLE" and node["schema_name"]
        }
        references = []
        for node in nodes:
            if node.get("type") == "BASE_TABLE":
                if not node["schema_name"] and node["table_name"] in expressions:
                    continue
                references.append(_reference(node, text, name))
        return Query(
            text,
            tuple(references),
            tuple(sorted({one for node in nodes for one in _variables(node, name)})),
            frozenset(one.lower() for node in nodes for one in _column_names(node)),
            any(_reads_all(node, aliases) for node in nodes),
        )


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of the tree, from the root down."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _expression_names(node: Mapping[str, Any]) -> list[str]:
    """The names of the common table expressions a select node defines."""
    defined = node.get("cte_map")
    names = [node["cte_name"]] if isinstance(node.get("cte_name"), str) else []
    return names + ([one["key"] for one in defined["map"]] if isinstance(defined, dict) else [])


def _column_names(node: Mapping[str, Any]) -> list[str]:
    if node.get("class") == "COLUMN_REF":
        return list(node["column_names"])
    return list(node.get("using_columns") or ())


def _reads_all(node: Mapping[str, Any], aliases: set[str]) -> bool:
    """Whether a node reads columns of a table it does not name: `*`, a whole row by its table's alias, a natural join,
    columns under names of its own. The `*` of a common table expression has what that names."""
    if node.get("ref_type") == "NATURAL" or node.get("column_name_alias"):
        return True
    if node.get("class") == "STAR":
        return not node["relation_name"] or node["relation_name"].lower() in aliases
    return (
        node.get("class") == "COLUMN_REF"
        and len(node["column_names"]) == 1
        and node["column_names"][0].lower() in aliases
    )


def _reference(node: Mapping[str, Any], text: str, name: str) -> Reference:
    if not node["schema_name"] or node.get("catalog_name"):
        raise ModelError(f"{name}: table {node['table_name']!r} must be written schema.table (landing, core, metrics)")
    table = f"{node['schema_name']}.{node['table_name']}"
    start = node["query_location"]
    found = _REFERENCE.match(text.encode(), start)
    if found is None or ".".join(part.decode().strip('"') for part in found.groups()).lower() != table.lower():
        raise ModelError(f"{name}: cannot find {table} in the text where DuckDB's parser saw it")
    return Reference(table.lower(), start, found.end(), bool(node.get("alias")))


def _variables(node: Mapping[str, Any], name: str) -> Iterator[str]:
    if node.get("class") != "FUNCTION" or node.get("function_name") != "getvariable":
        return
    for inner in _nodes({key: node[key] for key in ("arguments", "children") if key in node}):
        if inner.get("class") == "CONSTANT":
            value = inner.get("literal") or inner.get("value") or {}
            text = value.get("text", value.get("value"))
            if isinstance(text, str):
                yield text
                return
    raise ModelError(f"{name}: getvariable() needs the variable's name as a plain string")
