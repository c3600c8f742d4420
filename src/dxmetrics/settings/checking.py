"""A document as a model, and what is wrong with it in words: where it stands, the value, and the remedy."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dxmetrics.errors import SettingsError
from dxmetrics.settings.parts import Section

Model = TypeVar("Model", bound=BaseModel)
Keys = tuple[str | int, ...]


def checked(
    model: type[Model], value: Mapping[str, Any], where: str, origins: Mapping[Keys, str] | None = None, at: Keys = ()
) -> Model:
    """`value` as `model`; SettingsError with one line per problem, each naming section, key, value and remedy."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        lines = [_problem(model, detail, where, origins or {}, at) for detail in error.errors()]
        raise SettingsError("\n".join(dict.fromkeys(lines))) from None  # the cause repeats values, secrets too


def _problem(model: type[BaseModel], detail: ErrorDetails, where: str, origins: Mapping[Keys, str], at: Keys) -> str:
    path: Keys = (*at, *detail["loc"])
    origin = origins.get(path[:3]) or origins.get(path[:2]) or where
    named = f"{origin}: {_place(path)}"
    owner = _model_at(model, detail["loc"][:-1])
    key = str(path[-1])
    if detail["type"] == "extra_forbidden":
        kind = owner.of_what if owner and issubclass(owner, Section) else "a setting"
        problem = unknown(key, list(owner.model_fields) if owner else [], kind)
        return " ".join(filter(None, [f"{origin}:", _place(path[:-1]), problem]))
    if detail["type"] == "missing":
        return f"{named} is missing: add it"
    message = detail["msg"].removeprefix("Value error, ")
    field = owner.model_fields.get(key) if owner else None
    if field and "Secret" in str(field.annotation):
        return f"{named}: {message}"
    return f"{named} = {detail['input']!r}: {message[:1].lower()}{message[1:]}"


def unknown(key: str, valid: Sequence[str], kind: str) -> str:
    """That `key` is not one of `valid`, with the nearest that is."""
    close = difflib.get_close_matches(key, valid, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{key!r} is not {kind}: {hint}valid: {', '.join(valid)}"


def _place(path: Keys) -> str:
    """A path as a person finds it in the file: `[serve] port`, `[sources.git] tags`, `[[teams]] number 2 name`."""
    if not path:
        return ""
    section, rest = f"[{path[0]}]", path[1:]
    if path[0] == "sources" and rest:
        section, rest = f"[sources.{rest[0]}]", rest[1:]
    elif rest and isinstance(rest[0], int):
        section, rest = f"[[{path[0]}]] number {rest[0] + 1}", rest[1:]
    return " ".join([section, *(f"number {key + 1}" if isinstance(key, int) else key for key in rest)])


def _model_at(model: type[BaseModel], path: Iterable[str | int]) -> type[BaseModel] | None:
    """The model that holds the keys at `path`, looking through tuples and unions."""
    found: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int) or found is None or part not in found.model_fields:
            continue
        found = next(_models_in(found.model_fields[part].annotation), None)
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
