"""Results on stdout: tables for people, JSON for machines."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dxmetrics.sources import configured, described, kinds

if TYPE_CHECKING:
    from dxmetrics.metrics import Cell, Definition, Health, Receipt
    from dxmetrics.project import Project
    from dxmetrics.reports.library import ReportFile
    from dxmetrics.state import ApiToken, Failure, Wave
    from dxmetrics.state.deliveries import Planned, ReportDelivery
    from dxmetrics.state.editions import Edition
    from dxmetrics.survey import Instrument, Results
    from dxmetrics.trial import Trial

NEWEST = 30  # editions in a table
PIPE_WIDTH = 200  # columns where no terminal says how wide it is
NUMBERS = frozenset({"value", "n", "k", "scopes", "rows", "measure"})


def as_json(value: Any) -> None:
    """Print `value` (dataclasses, mappings, sequences of them) as JSON."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, ensure_ascii=False) + "\n")


def catalogue(definitions: Sequence[Definition], *, is_json: bool) -> None:
    """Every metric: its name, title, unit and question."""
    rows = [{"name": one.name, "title": one.title, "unit": one.unit, "question": one.question} for one in definitions]
    as_json(definitions) if is_json else _table(rows, "name", "title", "unit", "question")


def instruments(found: Mapping[str, Instrument], waves: Sequence[Wave], *, is_json: bool) -> None:
    """Every survey: its title, how many items it has, and its newest wave."""
    newest = {wave.survey: wave for wave in reversed(waves)}
    rows = [
        {
            "survey": name,
            "version": one.survey.version,
            "title": one.survey.title.of(one.survey.languages[0]),
            "items": len(one.items),
            "languages": " ".join(one.survey.languages),
            "wave": newest[name].name if name in newest else None,
            "state": None if name not in newest else "open" if newest[name].closed_at is None else "closed",
        }
        for name, one in found.items()
    ]
    as_json(rows) if is_json else _table(rows, *(rows[0] if rows else ()))


def results(found: Results, *, is_json: bool) -> None:
    """A wave of a survey: who took part, and a line per measure with the teams that can be shown."""
    if is_json:
        as_json(found.model_dump(mode="json"))
        return
    language = found.languages[0]
    invited = f" of {found.invited:,}" if found.invited else ""
    answered = "fewer than can be told" if found.answered is None else f"{found.answered:,}{invited}"
    sys.stdout.write(f"{found.title[language]} · {found.wave} · closed {found.closed_on} · answered: {answered}\n")
    texts = {measure.id: (measure.text.get(language, measure.id), measure.unit) for measure in found.measures}
    rows = [
        {
            "question": texts[cell.measure][0],
            "group": cell.key or "everybody",
            "n": cell.n,
            "value": f"{cell.value} {texts[cell.measure][1]}" if cell.shown else "hidden",
            "95 % interval": None if cell.low is None else f"{cell.low} to {cell.high}",
        }
        for cell in found.cells
    ]
    _table(rows, "question", "group", "n", "value", "95 % interval")
    if any(not cell.shown for cell in found.cells):
        sys.stdout.write(f"hidden: fewer than {found.k_cell} answered, or it would give away what so few said\n")


def reports(found: Sequence[ReportFile], planned: Mapping[str, Planned]) -> None:
    """Every report: for whom it is, of which period, and when it is sent."""
    rows = [
        {
            "report": one.name,
            "title": one.title,
            "for": "each team" if one.audience == "team" else "everybody",
            "period": one.period,
            "formats": " ".join(one.formats),
            "schedule": one.schedule,
            "next": planned[one.name].next_at if one.name in planned else None,
            "sent by": " ".join(dict.fromkeys(target.channel for target in one.deliver)) or None,
        }
        for one in found
    ]
    _table(rows, *(rows[0] if rows else ()))


def editions(found: Sequence[Edition], deliveries: Sequence[ReportDelivery]) -> None:
    """The newest of the editions that are kept, with how many recipients have them."""
    ended: dict[tuple[str, int], list[str]] = {}
    for one in deliveries:
        ended.setdefault((one.id, one.edition), []).append(one.status)
    rows = [
        {
            "id": one.id,
            "edition": one.edition,
            "from": one.starts_on,
            "to": one.ends_on,
            "written": one.made_at,
            "data to": one.as_of,
            "arrived": f"{told.count('sent')} of {len(told)}" if (told := ended.get((one.id, one.edition))) else None,
        }
        for one in found[:NEWEST]
    ]
    _table(rows, *rows[0])


def cells(found: Sequence[Cell], definition: Definition, *, is_json: bool) -> None:
    """A line per number, with its interval and what it is made from."""
    if is_json:
        as_json([cell.as_json() for cell in found])
        return
    sys.stdout.write(f"{definition.title}, {definition.unit}\n")
    dimensions = tuple(dict.fromkeys(name for cell in found for name in cell.dimensions))
    rows = [
        {
            "from": cell.period_start,
            "to": cell.period_end,
            **{name: cell.dimensions.get(name) or "unmapped" for name in dimensions},
            "value": number(cell.value),
            "n": cell.n,
            "k": cell.k,
            "95 % interval": _interval(cell),
            "remarks": ", ".join(
                filter(None, ["partial" if cell.is_partial else "", *cell.quality_flags, cell.reason or ""])
            ),
        }
        for cell in found
    ]
    _table(rows, "from", "to", *dimensions, "value", "n", "k", "95 % interval", "remarks")


def receipt(found: Receipt, *, is_json: bool) -> None:
    """Everything behind one number."""
    if is_json:
        as_json({**_plain(found), "value": found.value.as_json()})
        return
    definition, cell = found.definition, found.value
    filters = [f"{name} {' or '.join(one or 'unmapped' for one in values)}" for name, values in found.where.items()]
    value = cell.reason or "unknown" if cell.value is None else f"{number(cell.value)} {definition.unit}"
    facts = {
        definition.title: value,
        "question": definition.question,
        "definition": f"{definition.name} version {definition.version}, {definition.aggregate}; {definition.source}",
        "caveat": definition.caveat,
        "window": "; ".join([f"{found.window.start} up to {found.window.end}", *filters]),
        "events": f"n {cell.n}" + (f", k {cell.k}" if cell.k is not None else "") + f"; bots {found.bots}",
        "95 % interval": _interval(cell),
        "left out": ", ".join(f"{count} {reason}" for reason, count in found.exclusions.items()) or "nothing",
        "coverage": f"{number(found.coverage.value)} {found.coverage.unit}" if found.coverage else "",
        "data": f"to {found.as_of:%Y-%m-%d %H:%M} UTC, publication {found.data_version}",
    }
    width = max(map(len, facts)) + 2
    for name, text in facts.items():
        if text:
            sys.stdout.write(f"{name:<{width}}{text}\n")
    shown = ("occurred_at", "entity_id", "title", "measure", "excluded_because", "url")
    _table([{**row, "measure": number(row.get("measure"))} for row in found.rows], *shown)
    why = ": they are people, who are counted and never listed" if found.definition.is_of_people else ""
    sys.stdout.write(f"{len(found.rows)} of {found.total_rows} rows{why}\n")


def sources(project: Project, health: Health | None, *, is_json: bool) -> None:
    """The configured sources with how their last collection ended, then the kinds a section can name."""
    scopes: dict[str, list[Mapping[str, Any]]] = {}
    for scope in health.scopes if health else ():
        scopes.setdefault(scope["source"], []).append(scope)
    ours = [
        {"name": source.name, "kind": source.settings.kind, **_state(scopes.get(source.name, []))}
        for source in configured(project)
    ]
    found = [{"kind": kind, "reads": described(kind)} for kind in kinds(project)]
    if is_json:
        as_json({"sources": ours, "kinds": found})
        return
    _table(ours, "name", "kind", "scopes", "rows", "state", "last_collected_at")
    _table(found, "kind", "reads")


def trial(found: Trial, *, is_json: bool) -> None:
    """What rules make of a source, list by list, each with what to do where it is not what was meant."""
    matches = found.matches
    if is_json:
        as_json(found)
        return
    sys.stdout.write(f"{matches.source}: {found.looked_at}; nothing is kept\n")
    for title, rows, hint in (
        ("Deployments", matches.deployments, "none: name the runs or jobs that deploy in [[deployments.rules]]"),
        ("Rules", matches.rules, ""),
        ("CI runs", matches.runs, ""),
        ("CI jobs", matches.jobs, ""),
        ("Issues", matches.issues, ""),
    ):
        if rows:
            sys.stdout.write(f"\n{title}\n")
            _table([{**row, "newest": _minute(row.get("newest"))} for row in rows], *rows[0])
        elif hint:
            sys.stdout.write(f"\n{title}: {hint}\n")


def tokens(found: Sequence[ApiToken], *, is_json: bool) -> None:
    """Every API token with what it may do and whether it still may; none of them can be shown."""
    if is_json:
        as_json(found)
        return
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "scopes": ", ".join(one.scopes),
            "created": one.created_at,
            "last used": one.last_used_at,
            "expires": one.expires_at,
            "revoked": one.revoked_at,
        }
        for one in found
    ]
    _table(rows, "id", "name", "scopes", "created", "last used", "expires", "revoked")


def failures(found: Sequence[Failure], waiting: int, *, is_json: bool) -> None:
    """What was pushed and could not be mapped, and how much waits to be landed."""
    if is_json:
        as_json({"waiting": waiting, "failures": found})
        return
    rows = [
        {"endpoint": one.endpoint, "rows": one.deliveries, "last": one.last_received_at, "reason": one.error}
        for one in found
    ]
    if rows:
        _table(rows, "endpoint", "rows", "last", "reason")
    sys.stdout.write(f"{waiting} waiting, {sum(one.deliveries for one in found)} that could not be mapped\n")


def _minute(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else ""


def number(value: Any) -> str:
    """A number for people: three significant decimals at most, unknown as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool | str):
        return str(value)
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _state(scopes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if not scopes:
        return {"scopes": 0, "rows": 0, "state": "not collected yet", "last_collected_at": None}
    failed = [scope for scope in scopes if scope["status"] != "ok"]
    state = f"{len(failed)} of {len(scopes)} scopes failed: {failed[0]['error']}" if failed else "ok"
    finished = [scope["finished_at"] for scope in scopes if scope["finished_at"]]
    return {
        "scopes": len(scopes),
        "rows": sum(scope["rows_read"] or 0 for scope in scopes),
        "state": state,
        "last_collected_at": max(finished, default=None),
    }


def _interval(cell: Cell) -> str:
    return "" if cell.ci_low is None and cell.ci_high is None else f"{number(cell.ci_low)} to {number(cell.ci_high)}"


def _table(rows: Sequence[Mapping[str, Any]], *columns: str) -> None:
    """Print the columns that hold something."""
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    filled = [name for name in columns if any(row.get(name) not in (None, "") for row in rows)]
    for name in filled:
        table.add_column(name.replace("_", " "), justify="right" if name in NUMBERS else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_text(row.get(name)) for name in filled))
    console.print(table)


def _text(value: Any) -> Text:
    """What a cell shows; as Text, since titles may hold what Rich would take for markup."""
    if isinstance(value, datetime):
        return Text(f"{value:%Y-%m-%d %H:%M}")
    return Text("" if value is None else str(value))


def _plain(value: Any) -> Any:
    """`value` in the types JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, Path) else value
