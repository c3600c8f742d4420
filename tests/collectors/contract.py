"""Whether a request is one that the vendor's own description of its API knows: OpenAPI 3 or Swagger 2."""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
import pytest
from jsonschema import (  # type: ignore[import-untyped]  # only tests use it
    Draft4Validator,
    Draft202012Validator,
    FormatChecker,
    ValidationError,
)
from jsonschema.validators import extend  # type: ignore[import-untyped]

FOLDER = Path(__file__).parents[3] / "shared/data/contracts"
METHODS = frozenset({"get", "head", "post", "put", "patch", "delete", "options"})
PART = re.compile(r"\{([^}]+)\}")
MANY_PARTS = frozenset({"path", "filepath"})  # what is called so may hold slashes, where nothing says so
SEPARATORS = {
    "csv": ",", "form": ",", "ssv": " ", "spaceDelimited": " ", "tsv": "\t", "pipes": "|", "pipeDelimited": "|",
}  # fmt: skip
JSON_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
# Of a Swagger 2 parameter, what is a schema: `required`, as there, is another thing.
SCHEMA_WORDS = frozenset(
    {
        "type", "format", "enum", "items", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf",
    }
)  # fmt: skip

Described = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """A method on a path, as described."""

    method: str
    template: str
    parameters: Sequence[Described]
    body: Described | None
    needs_body: bool

    @property
    def rank(self) -> tuple[int, int]:
        """Which of two that fit counts: first the one whose path says more literally what it is."""
        return len(PART.findall(self.template)), -len(PART.sub("", self.template))

    def fits(self, path: str) -> dict[str, str] | None:
        """The path's parts by their names; None where it is another path."""
        names = PART.findall(self.template)
        pattern = "".join(
            rf"(?P<p{place // 2}>{self._one(names[place // 2])})" if place % 2 else re.escape(text)
            for place, text in enumerate(PART.split(self.template))
        )
        found = re.fullmatch(pattern, path)
        return {name: unquote(found[f"p{place}"]) for place, name in enumerate(names)} if found else None

    def _one(self, name: str) -> str:
        is_last = self.template.endswith(f"{{{name}}}")
        described = next((one for one in self.parameters if one["in"] == "path" and one["name"] == name), {})
        return ".+" if described.get("x-multi-segment") or (is_last and name in MANY_PARTS) else "[^/]+"


class Contract:
    """A description of an API. `base` is where a server has it below the path that the description itself names."""

    def __init__(self, path: Path, base: str = "") -> None:
        self.name = f"{path.parent.name}/{path.name}"
        self._all: Described = json.loads(path.read_text(encoding="utf-8-sig"))
        self._prefix = base.rstrip("/") + self._own_prefix()
        self._operations = sorted(self._described(), key=lambda one: one.rank)

    def check(self, request: httpx2.Request) -> None:
        """AssertionError where the request is not as described; it says all that is not."""
        found = list(self._mistakes(request))
        if found:
            raise AssertionError(f"{self.name}: {request.method} {request.url.path}: {'; '.join(found)}")

    def template(self, request: httpx2.Request) -> str:
        """The path of the operation that a request is for: `/repos/{owner}/{repo}`."""
        operation, _ = self._operation(request)
        return operation.template

    def transport(self, inner: httpx2.BaseTransport) -> httpx2.BaseTransport:
        """`inner`, with every request checked on its way there."""
        return _Checked(self, inner)

    # -- what is described ------------------------------------------------------------------------------------------

    def _own_prefix(self) -> str:
        if "swagger" in self._all:
            return str(self._all.get("basePath", "")).rstrip("/")
        servers = self._all.get("servers") or [{"url": ""}]
        return urlsplit(PART.sub("any", servers[0]["url"])).path.rstrip("/")

    def _described(self) -> Iterator[Operation]:
        for template, known in self._all["paths"].items():
            item = self._resolved(known)
            for method in METHODS & item.keys():
                about = item[method]
                common = {(one["in"], one["name"]): one for one in map(self._resolved, item.get("parameters", ()))}
                own = {(one["in"], one["name"]): one for one in map(self._resolved, about.get("parameters", ()))}
                parameters = [one for one in {**common, **own}.values() if one["in"] != "body"]
                yield Operation(method, template, parameters, *self._body(about, {**common, **own}))

    def _body(self, about: Described, parameters: Mapping[tuple[str, str], Described]) -> tuple[Described | None, bool]:
        """The schema of the JSON body, and whether there has to be one."""
        for (place, _), one in parameters.items():
            if place == "body":
                return one["schema"], bool(one.get("required"))
        body = self._resolved(about.get("requestBody", {}))
        kinds = {kind: what for kind, what in body.get("content", {}).items() if "json" in kind}
        schema = next((what.get("schema", {}) for what in kinds.values()), None)
        return schema, bool(body.get("required"))

    def _resolved(self, part: Described) -> Described:
        while "$ref" in part:
            found: Any = self._all
            for key in part["$ref"].removeprefix("#/").split("/"):
                found = found[unquote(key).replace("~1", "/").replace("~0", "~")]
            part = found
        return part

    # -- whether a request is like that -----------------------------------------------------------------------------

    def _operation(self, request: httpx2.Request) -> tuple[Operation, Mapping[str, str]]:
        path = request.url.raw_path.decode().partition("?")[0]
        if not path.startswith(f"{self._prefix}/"):
            raise AssertionError(f"{self.name}: {path} is not below {self._prefix}")
        path = path.removeprefix(self._prefix)
        fitting = [(one, parts) for one in self._operations if (parts := one.fits(path)) is not None]
        for one, parts in fitting:
            if one.method == request.method.lower():
                return one, parts
        known = ", ".join(sorted({one.method.upper() for one, _ in fitting}))
        raise AssertionError(f"{self.name}: there is no {request.method} of {path}{f' (but {known})' if known else ''}")

    def _mistakes(self, request: httpx2.Request) -> Iterator[str]:
        operation, parts = self._operation(request)
        for one in operation.parameters:
            if one["in"] == "path" and one["name"] in parts:
                yield from self._of_value(one, [parts[one["name"]]])
        yield from self._of_query(operation, request)
        yield from self._of_body(operation, request)

    def _of_query(self, operation: Operation, request: httpx2.Request) -> Iterator[str]:
        known = {one["name"]: one for one in operation.parameters if one["in"] == "query"}
        given: dict[str, list[str]] = defaultdict(list)
        for name, value in request.url.params.multi_items():
            given[name].append(value)
        met = set()
        for name, values in given.items():
            outer = name.partition("[")[0]
            kind = self._schema(known[outer]).get("type") if outer in known else None
            if name in known:
                met.add(name)
                yield from self._of_value(known[name], values)
            elif kind == "array" and name == f"{outer}[]":
                met.add(outer)
                yield from self._of_value({**known[outer], "collectionFormat": "multi", "explode": True}, values)
            elif kind == "object":
                met.add(outer)  # its parts are not judged: few descriptions spell them out
            else:
                yield f"no parameter {name!r} (there are: {', '.join(sorted(known)) or 'none'})"
        yield from (f"lacks {name!r}" for name, one in known.items() if one.get("required") and name not in met)

    def _of_value(self, described: Described, values: Sequence[str]) -> Iterator[str]:
        """What is wrong with a parameter that stands in the address so many times."""
        name, schema = described["name"], self._schema(described)
        if "search syntax" in described.get("description", ""):  # GitHub's: `>=2026-01-05`, whatever the format says
            schema = {word: value for word, value in schema.items() if word != "format"}
        if schema.get("type") == "array":
            separator = self._separator(described)
            if separator and len(values) > 1:
                yield f"{name!r} is given {len(values)} times, where its values are to be joined by {separator!r}"
            items = self._resolved(schema.get("items", {}))
            texts = [text for value in values for text in (value.split(separator) if separator else [value])]
            given: Any = [self._typed(text, items) for text in texts]
        else:
            if len(values) > 1:
                yield f"{name!r} is given {len(values)} times and is no list"
            given = self._typed(values[-1], schema)
        yield from (f"{name!r}: {told}" for told in self._against(schema, given))

    def _of_body(self, operation: Operation, request: httpx2.Request) -> Iterator[str]:
        content = request.read()
        if not content:
            if operation.needs_body:
                yield "lacks a body"
        elif operation.body is None:
            yield "has a body, and none is described"
        else:
            try:
                body = json.loads(content)
            except ValueError as error:
                yield f"its body is no JSON ({error})"
            else:
                yield from (f"body: {told}" for told in self._against(operation.body, body))

    def _schema(self, parameter: Described) -> Described:
        if "schema" in parameter:
            return self._resolved(parameter["schema"])
        return {word: value for word, value in parameter.items() if word in SCHEMA_WORDS}

    def _separator(self, parameter: Described) -> str | None:
        """Between the values of a list; None: each is a parameter of its own."""
        if "swagger" in self._all:
            return SEPARATORS.get(parameter.get("collectionFormat", "csv"))
        style = parameter.get("style", "form" if parameter["in"] == "query" else "simple")
        return None if parameter.get("explode", style == "form") else SEPARATORS.get(style, ",")

    def _typed(self, text: str, schema: Described) -> Any:
        """What a text of the address is by its schema; the text itself, where it is not like that."""
        kinds = {str(kind) for one in self._alternatives(schema) for kind in _as_list(one.get("type"))}
        if "boolean" in kinds and text in {"true", "false"}:
            return text == "true"
        if "integer" in kinds and re.fullmatch(r"-?\d+", text):
            return int(text)
        if "number" in kinds and re.fullmatch(r"-?\d+(\.\d+)?", text):
            return float(text)
        return text

    def _alternatives(self, schema: Described) -> Iterator[Described]:
        yield schema
        for word in ("oneOf", "anyOf", "allOf"):
            for one in schema.get(word, ()):
                yield from self._alternatives(self._resolved(one))

    def _against(self, schema: Described, given: Any) -> Iterator[str]:
        """What of a value is not as its schema says."""
        root = {word: self._all[word] for word in ("definitions", "components") if word in self._all}
        judge = _judges()["openapi" in self._all and self._all["openapi"] >= "3.1"]
        for error in judge({**root, "allOf": [schema]}, format_checker=_formats()).iter_errors(given):
            where = "/".join(map(str, error.absolute_path))
            yield f"{where}: {error.message}" if where else error.message


class _Checked(httpx2.BaseTransport):
    def __init__(self, contract: Contract, inner: httpx2.BaseTransport) -> None:
        self._contract = contract
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._contract.check(request)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@cache
def contract(vendor_path: str, base: str = "") -> Contract:
    """The description that is kept beside the repository: `forgejo/swagger2.json`; the test is skipped without it."""
    path = FOLDER / vendor_path
    if not path.is_file():
        pytest.skip(
            f"the vendor's description {vendor_path} is not in {FOLDER}, where it is kept beside the repository"
        )
    return Contract(path, base)


@cache
def _judges() -> Mapping[bool, Any]:
    """The validator of a description, by whether it is OpenAPI 3.1, which has JSON Schema as it is."""
    return {
        is_new: extend(kind, {"type": _type})
        for is_new, kind in ((False, Draft4Validator), (True, Draft202012Validator))
    }


def _type(validator: Any, types: Any, given: Any, schema: Described) -> Iterator[ValidationError]:
    """The type of a value: null is allowed where OpenAPI 3.0 says so, and a type no schema knows is not judged."""
    kinds = _as_list(types)
    if given is None and schema.get("nullable"):
        return
    if all(kind in JSON_TYPES and not validator.is_type(given, kind) for kind in kinds):
        yield ValidationError(f"{given!r} is not of type {' or '.join(kinds)}")


def _as_list(types: Any) -> Sequence[str]:
    return [types] if isinstance(types, str) else types or ()


@cache
def _formats() -> FormatChecker:
    """The formats that a server refuses others than."""
    checker = FormatChecker(formats=())
    texts: Mapping[str, Callable[[str], object]] = {
        "date-time": _instant, "date": date.fromisoformat, "uuid": uuid.UUID,
    }  # fmt: skip
    for name, read in texts.items():
        checker.checks(name, raises=ValueError)(
            lambda given, read=read: not isinstance(given, str) or read(given) is not None
        )
    for bits in (32, 64):
        checker.checks(f"int{bits}")(
            lambda given, bits=bits: not isinstance(given, int) or -(2 ** (bits - 1)) <= given < 2 ** (bits - 1)
        )
    return checker


def _instant(text: str) -> datetime:
    """An instant as RFC 3339 writes it: with a zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None or "T" not in text.upper():
        raise ValueError(f"{text!r} names no zone")
    return found
