"""The state of the data: what was read, what is missing, refused, unmapped or failed, and what to do about each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Health
from dxmetrics.ui import frame

Row = Mapping[str, Any]
STALE_HOURS = 26  # a daily run that is two hours late


@dataclass(frozen=True)
class Section:
    """One kind of trouble: its rows, how they are drawn, and the remedy. Without rows it says that all is well."""

    name: str
    title: str
    fine: str
    remedy: str
    rows: tuple[dict[str, Any], ...]


def sections(health: Health) -> tuple[Section, ...]:
    """What wants attention, the most urgent first; each with what to do about it."""
    failed = [scope for scope in health.scopes if scope["status"] != "ok"]
    noted = [scope for scope in health.scopes if scope.get("notes")]
    broken = [check for check in health.checks if check["failures"]]
    return (
        Section(
            "failed",
            "Scopes that could not be read",
            "Every scope was read.",
            "The message says what to correct in dx.toml or the environment; then run dxmetrics up. What was "
            "collected before stays, and nothing is read twice.",
            _pick(failed, source="Source", title="Scope", status="Ended", error="Message"),
        ),
        Section(
            "checks",
            "Failed checks",
            f"All {len(health.checks)} checks pass." if health.checks else "No check has run.",
            "A check is a query in sql/checks/ that must return no rows. Numbers that rest on what it found are shown "
            "all the same: read them with care.",
            _pick(broken, title="Check", severity="Severity", failures="Rows", remedy="Remedy", sample="Rows found"),
        ),
        Section(
            "quarantine",
            "Quarantine: rows that were refused",
            "No row was refused.",
            "Each is kept with its payload and is taken in as soon as the source delivers a valid one. Correct it "
            "there; the reason names the field.",
            _pick(health.quarantine, source="Source", record="Record", reason="Reason", rows="Rows"),
        ),
        Section(
            "unmapped",
            "Unmapped: what belongs to no service, team or person",
            "Everything has a service, a team and a person.",
            "It is counted in totals and shown as unmapped. Name the service or the team in dx.toml, or in the CSV "
            "files it points to; history is mapped again on the next build.",
            _pick(health.unmapped, what="What", name="Where", rows="Rows"),
        ),
        Section(
            "notes",
            "Notes of the last runs",
            "No source had anything to remark.",
            "Not errors: what a source left out or assumed, so that a gap in a chart has an explanation.",
            tuple(
                {"Source": scope["source"], "Scope": scope["title"], "Note": note}
                for scope in noted
                for note in scope["notes"]
            ),
        ),
    )


def show(section: Section) -> None:
    """Draws the rows of a section as a card, below what to do about them."""
    with frame.card(section.name, section.title, section.remedy):
        st.html(frame.listing(section.rows))


def sources(health: Health) -> pd.DataFrame:
    """One row per source: when it was last read whole, how the last run ended, and what it brought."""
    return pd.DataFrame(
        {
            "Source": row["source"],
            "Last read": row["last_success_at"],
            "Age": _age(row["age_hours"]),
            "Last run": row["last_status"],
            "Scopes": f"{row['scopes'] - row['scopes_not_ok']:,} of {row['scopes']:,} read",
            "Rows read": row["rows_read"],
            "Changed": row["rows_changed"],
            "Refused": row["rows_refused"],
        }
        for row in health.sources
    )


def coverage(health: Health) -> pd.DataFrame:
    """One row per source and stream: since when and until when it is complete."""
    return pd.DataFrame(
        {
            "Source": row["source"],
            "Stream": row["stream"].replace("_", " "),
            "Complete since": row["complete_since"],
            "Until": row["complete_until"],
            "Scopes": row["scopes"],
            "Still reading history": row["scopes_in_arrears"],
        }
        for row in health.coverage
    )


def summary(health: Health) -> str:
    """The five counts at the top of the page, as HTML: red only where something has to be done."""
    troubled = sum(1 for row in health.sources if row["scopes_not_ok"])
    oldest = max((row["age_hours"] for row in health.sources if row["age_hours"] is not None), default=None)
    refused = sum(row["rows"] for row in health.quarantine)
    unmapped = sum(row["rows"] for row in health.unmapped)
    broken = sum(1 for check in health.checks if check["failures"])
    tiles = (
        ("Sources read", f"{len(health.sources) - troubled} of {len(health.sources)}", troubled > 0),
        ("Oldest source", _age(oldest), oldest is not None and oldest > STALE_HOURS),
        ("Failed checks", f"{broken:,}", broken > 0),
        ("Rows refused", f"{refused:,}", False),
        ("Rows unmapped", f"{unmapped:,}", False),
    )
    drawn = "".join(
        f'<div><span class="dx-label">{escape(label)}</span>'
        f'<b class="dx-value{" bad" if is_bad else ""}">{escape(value)}</b></div>'
        for label, value, is_bad in tiles
    )
    return f'<div class="dx-tiles">{drawn}</div>'


def instants(*names: str) -> dict[str, Any]:
    """Column settings for instants, in UTC."""
    return {name: st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm", timezone="UTC") for name in names}


def _pick(rows: Sequence[Row], /, **columns: str) -> tuple[dict[str, Any], ...]:
    return tuple({title: row.get(name) for name, title in columns.items()} for row in rows)


def _age(hours: float | None) -> str:
    return "never" if hours is None else numbers.text(max(hours, 0.0), "hours")
