"""The TOML header of a file in `sql/`, and the text after it.

A file starts with `/*---`, the header as TOML, `---*/`, then one select. Unknown keys are refused by name.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from dxmetrics.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

_FORM = re.compile(r"\A\s*/\*---\s*\n(?P<toml>.*?)\n?---\*/(?P<sql>.*)\Z", re.DOTALL)

Text = Annotated[str, Field(min_length=1)]
Several = Annotated[tuple[Text, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class Header(BaseModel):
    """What is written at the top of a file in `sql/`."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    def as_json(self) -> str:
        """The keys that the file states, as published for the metrics API."""
        return self.model_dump_json(exclude_unset=True)


class CoreHeader(Header):
    """A cleaned, joined fact; see the package's docstring for `key`, `keys` and `affects`."""

    grain: Text = Field(description="what one row is: `one row per change`")
    description: Text | None = None
    materialize: Literal["table", "view"] = "table"
    key: tuple[Text, ...] = Field(default=(), description="columns by which the model is key-local")
    keys: dict[str, Several] = Field(default={}, description="input table -> its key as SQL, one per key column")
    affects: dict[str, Text] = Field(default={}, description="input table -> select of the keys its changes affect")

    @model_validator(mode="after")
    def _fits_together(self) -> CoreHeader:
        if (self.keys or self.affects) and not self.key:
            raise ValueError("`keys` and `affects` need `key`")
        if self.key and self.materialize == "view":
            raise ValueError("a view has no `key`: it is not stored")
        for table, expressions in self.keys.items():
            if len(expressions) != len(self.key):
                raise ValueError(f"keys.{table} has {len(expressions)} expressions for {len(self.key)} key columns")
        return self


class MetricHeader(Header):
    """A metric: its definition for people, and how the metrics API aggregates its rows."""

    title: Text
    question: Text = Field(description="the question it answers, one sentence")
    unit: Text
    better: Literal["lower", "higher", "none"]
    aggregate: Literal["median", "proportion", "count", "active_days", "recovery", "stock", "sum", "rate", "mean"]
    measure: Several | None = Field(
        default=None, description="column with the measure, several for the parts of a whole; none for counts"
    )
    entity: Text = Field(description="what one row is about: change, deployment, incident ...")
    stream: Text | None = Field(default=None, description="the observation that makes a zero a zero")
    version: int = Field(default=1, ge=1)
    source: Text
    decision: Text | None = None
    caveat: Text | None = None
    description: Text | None = None
    bots: Literal["included", "excluded"] | None = None
    coverage: Text | None = Field(default=None, description="the proportion metric of the linkage this one rests on")
    minimum_coverage: float | None = Field(default=None, ge=0, le=1, description="below it no number is shown")
    band: Text | None = None
    minimum_n: int | None = Field(default=None, ge=1)
    level_minimum_n: int | None = Field(default=None, ge=1)
    per: Text | None = Field(default=None, description="the metric a rate is divided by")
    scale: float | None = Field(default=None, gt=0)
    is_current: bool = Field(default=False, description="its rows are the present state: a window ends with now")
    materialize: Literal["table", "view"] = "view"


class StandardHeader(Header):
    """What every service is held to: a select of service_id, status, failing_since and detail.

    `status` is pass, fail or not_applicable, `failing_since` null where that is not known, `detail` what was found.
    """

    title: Text
    tier: Literal["bronze", "silver", "gold"] = Field(description="the level that needs it")
    weight: int = Field(default=1, ge=1)
    remedy: Text = Field(description="what to do where it fails")
    since: date | None = Field(default=None, description="the day it was agreed on")
    grace_days: int = Field(
        default=0, ge=0, description="so long after that, or after a service is made, failing is let off"
    )
    description: Text | None = None
    materialize: Literal["table"] = "table"


class CheckHeader(Header):
    """A query that must return no rows."""

    title: Text
    severity: Literal["error", "warning"] = "error"
    remedy: Text
    description: Text | None = None


SomeHeader = TypeVar("SomeHeader", bound=Header)


def parse(path: Path, kind: type[SomeHeader]) -> tuple[SomeHeader, str, int]:
    """The header of the file as `kind`, its select, and the line that begins on; ModelError names file and key."""
    text = path.read_text(encoding="utf-8")
    found = _FORM.match(text)
    if found is None:
        raise ModelError(f"{path}: the file must start with a header: /*--- TOML ---*/")
    try:
        values: dict[str, Any] = tomllib.loads(found["toml"])
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path}: the header is not TOML: {error}") from error
    try:
        header = kind.model_validate(values)
    except ValidationError as error:
        raise ModelError(
            f"{path}: header: {'; '.join(_said(one, kind) for one in error.errors(include_context=False))}"
        ) from error
    sql = found["sql"].strip().rstrip(";").rstrip()
    if not sql:
        raise ModelError(f"{path}: there is no select after the header")
    return header, sql, text.count("\n", 0, text.index(sql, found.start("sql"))) + 1


def _said(error: Any, kind: type[Header]) -> str:
    key = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"key {key!r} is not known: use {', '.join(sorted(kind.model_fields))}"
    if error["type"] == "missing":
        return f"key {key!r} is missing"
    return f"{key}: {error['msg']}" if key else str(error["msg"])
