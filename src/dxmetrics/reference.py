"""The reference pages that are written from the code: records, sources, metrics and the command line.

`python -m dxmetrics.reference` writes them into `docs/`; a test fails while a page there says something else.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from typer.core import TyperGroup
from typer.main import get_command

from dxmetrics import collectors, records
from dxmetrics.cli import app
from dxmetrics.collectors import Collector
from dxmetrics.models.header import MetricHeader, parse
from dxmetrics.project import builtin_root
from dxmetrics.records import RECORDS, Record, table_name

NOTICE = "<!-- Written by `make docs` from the code: change it there. -->"
PARTS = ("Reads", "Needs", "Limits")
WORDS = {
    str: "text", int: "whole number", float: "number", bool: "true or false", date: "date", datetime: "instant",
    AwareDatetime: "instant", Decimal: "decimal number", Path: "path", SecretStr: "secret text",
}  # fmt: skip
FORMATS = """\
## How a row is written

Every source fills these tables; the source `files` ([sources](sources.md#files)) reads them from `<table>.jsonl`,
`<table>.csv` and `<table>.parquet` as described here. A field that is left out, empty in CSV or null elsewhere has its
default. A column that is not in the table is refused by name.

| type | JSON Lines | CSV | Parquet |
|---|---|---|---|
| text | string, or whole number | as it is | string, or whole number |
| instant | ISO 8601 with offset: `2026-11-23T09:30:00+01:00` | the same | timestamp with time zone, or such text |
| date | `2026-11-23` | the same | date, or such text |
| true or false | `true`, `false` | `true`, `false`, `1`, `0`, `yes`, `no` | boolean |
| list of text | `["a", "b"]` | `a\\|b`, or as in JSON | list of strings, or such text |
| object, list of objects | as JSON | JSON text | struct, map or list of structs, or JSON text |

```json
{"ext_id": "4711", "service": "checkout", "sha": "8f3c2a1", "status": "success", "finished_at": "2026-11-23T09:30:00Z"}
```
"""


def records_page() -> str:
    """The page of the record types: each field with its type, whether it is required, and what it means."""
    shared = set(Record.model_fields)
    parts = [NOTICE, "# Records", _prose(records), FORMATS, "## In every record", _docstring(Record)]
    parts.append(_fields(Record, Record.model_fields))
    for record in RECORDS:
        own = {name: field for name, field in record.model_fields.items() if name not in shared}
        parts += [f"## {record.__name__}", f"Table `{table_name(record)}`. {_docstring(record)}", _fields(record, own)]
        for nested in _models_in(record):
            parts += [f"Each of its `{nested.__name__}` objects:", _fields(nested, nested.model_fields)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def sources_page(kinds: tuple[str, ...] | None = None) -> str:
    """The page of the sources: what each reads, needs and cannot do, and its settings. `kinds`: all there are."""
    chosen = collectors.available() if kinds is None else kinds
    intro = (
        "A source is a section `[sources.NAME]` of `dx.toml`; its `kind` is one of these. A secret belongs in the "
        "environment: `DX_NAME__TOKEN` sets `token` of `[sources.NAME]`."
    )
    parts = [NOTICE, "# Sources", intro]
    for kind in chosen:
        parts += _source(collectors.load(kind))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def described(collector: type[Collector]) -> Mapping[str, str]:
    """What the docstring of a collector's module says: `summary`, and the text after Reads, Needs and Limits."""
    module = sys.modules[collector.__module__]
    head, *rest = re.split(rf"^({'|'.join(PARTS)}):", inspect.getdoc(module) or "", flags=re.MULTILINE)
    found = {"summary": " ".join(head.split())}
    return found | {name: " ".join(text.split()) for name, text in zip(rest[::2], rest[1::2], strict=True)}


def write(folder: Path) -> tuple[Path, ...]:
    """Write every page into `folder`; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")
    return tuple(folder / name for name in PAGES)


def _builtin_sources() -> str:
    collectors.extend_path([builtin_root() / "collectors"])
    return sources_page()


def metrics_page(folder: Path) -> str:
    """The page of the metrics in `folder` (`sql/metrics`), area by area, and of what their headers can say."""
    intro = (
        "A metric is one SQL file in `sql/metrics/<area>/`: a header, and a query that yields one row per event. The "
        "Definitions page shows the same with the SQL."
    )
    parts = [NOTICE, "# Metrics", intro]
    for area in sorted(path for path in folder.iterdir() if path.is_dir()):
        parts.append(f"## {area.name.capitalize()}")
        for file in sorted(area.glob("*.sql")):
            parts += _metric(file)
    parts += ["## What a header says", _fields(MetricHeader, MetricHeader.model_fields)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _metric(file: Path) -> Iterator[str]:
    header = parse(file, MetricHeader)[0]
    yield f"### {header.title}"
    yield f"`{file.stem}`, {header.aggregate} in {header.unit}, version {header.version}. {header.question}"
    told = {"What it is good for": header.decision, "Read with care": header.caveat, "Source": header.source}
    yield "\n".join(f"- **{name}**: {' '.join(text.split())}" for name, text in told.items() if text)


def cli_page() -> str:
    """The page of the verbs: what each does, its arguments and options."""
    command = get_command(app)
    if not isinstance(command, TyperGroup):
        raise TypeError("the command line has no verbs")
    parts = [NOTICE, "# Command line", "Results go to stdout, everything else to stderr; `--json` is for machines."]
    for name, verb in _verbs(command):
        parts += [f"## dxmetrics {name}", " ".join((verb.help or "").split()), _parameters(verb)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _verbs(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb with its whole name, those below another right after it."""
    for name, verb in group.commands.items():
        yield f"{prefix}{name}", verb
        if isinstance(verb, TyperGroup):
            yield from _verbs(verb, f"{prefix}{name} ")


def _parameters(verb: Any) -> str:
    lines = ["| | |", "|---|---|"]
    for one in verb.params:
        names = (
            ", ".join(f"`{name}`" for name in one.opts) if one.param_type_name == "option" else f"`{one.name.upper()}`"
        )
        lines.append(f"| {names} | {one.help or ''} |")
    return "\n".join(lines) if verb.params else ""


def _builtin_metrics() -> str:
    return metrics_page(builtin_root() / "sql" / "metrics")


PAGES: Mapping[str, Callable[[], str]] = {
    "records.md": records_page,
    "sources.md": _builtin_sources,
    "metrics.md": _builtin_metrics,
    "cli.md": cli_page,
}


def _source(collector: type[Collector]) -> Iterator[str]:
    texts = described(collector)
    settings = collector.Settings
    yield f"## {collector.kind}"
    yield texts["summary"]
    yield "\n".join(f"- **{name}**: {texts[name]}" for name in PARTS if name in texts)
    filled = (f"[{table_name(record)}](records.md#{record.__name__.lower()})" for record in collector.produces)
    yield f"Fills {', '.join(filled)}."
    yield f'```toml\n[sources.{collector.kind}]\nkind = "{collector.kind}"\n{_required_settings(settings)}```'
    own = {name: field for name, field in settings.model_fields.items() if name != "kind"}
    if own:
        yield _fields(settings, own)
    for nested in _models_in(settings):
        more = {name: field for name, field in nested.model_fields.items() if name not in own}
        yield f"Each `{nested.__name__.lower()}` has those of these settings that differ, and:"
        yield _fields(nested, more)


def _required_settings(settings: type[BaseModel]) -> str:
    names = [name for name, field in settings.model_fields.items() if field.is_required() and name != "kind"]
    return "".join(f'{name} = "..."\n' for name in names)


def _prose(module: types.ModuleType) -> str:
    """A module's docstring without its title line."""
    return (inspect.getdoc(module) or "").partition("\n")[2]


def _docstring(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").split())


def _fields(model: type[BaseModel], fields: Mapping[str, FieldInfo]) -> str:
    """A Markdown table of fields."""
    lines = ["| field | type | default | description |", "|---|---|---|---|"]
    for name, field in fields.items():
        cells = (f"`{name}`", type_words(field), _default(field), field.description or _about(model, name))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _about(model: type[BaseModel], name: str) -> str:
    """What the fields every record has mean; the others speak for themselves or have a description."""
    shared = {
        "ext_id": "the source's own id of it, for ever the same",
        "url": "where a person can look at it",
        "updated_at": "when the source last changed it; an older row never replaces a newer one",
    }
    return shared.get(name, "") if issubclass(model, Record) else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ((), {}, ""):
        return ""
    return f"`{json.dumps(value, default=str, ensure_ascii=False)}`"


def type_words(field: FieldInfo) -> str:
    """The type of a field in words, with its limits."""
    words = _words(field.annotation)
    limits = {type(rule).__name__: rule for rule in field.metadata}
    low, high = getattr(limits.get("Ge"), "ge", None), getattr(limits.get("Le"), "le", None)
    above = getattr(limits.get("Gt"), "gt", None)
    if low is not None and high is not None:
        return f"{words} from {low} to {high}"
    if low is not None:
        return f"{words}, {low} or more"
    if above is not None:
        return f"{words} above {above}" + (f", up to {high}" if high is not None else "")
    return words


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0])
    if origin in {Union, types.UnionType}:
        return " or ".join(_words(kind) for kind in arguments if kind is not types.NoneType)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        is_model = isinstance(arguments[0], type) and issubclass(arguments[0], BaseModel)
        return "list of objects" if is_model else f"list of {_words(arguments[0])}"
    if origin is dict:
        return "object of text"
    return WORDS.get(annotation) or getattr(annotation, "__name__", str(annotation)).lower()


def _models_in(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models that lists of `model` are made of."""
    for field in model.model_fields.values():
        for kind in get_args(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield kind


if __name__ == "__main__":
    write(builtin_root() / "docs")
