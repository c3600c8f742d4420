"""Receipts: what a number is made of, down to the rows. The address (`?receipt=…`) opens one, so it can be sent."""

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Definition, Receipt
from dxmetrics.ui import frame
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Reading

PARAMETER = "receipt"
FIRST = ("occurred_at", "title", "url", "measure", "excluded_because", "team", "service", "evidence")
NOTHING: Mapping[str, Choice] = {}
HIDDEN = ("entity_id", "repository", "is_open")


def button(name: str, label: str, place: str = "card") -> None:
    """The small button in a card's corner that opens the receipt of its number."""
    st.button(
        "",
        icon=":material/receipt_long:",
        type="tertiary",
        key=f"receipt-{place}-{name}",
        help=f"Receipt of {label.lower()}: definition, what was left out, the rows, the SQL",
        on_click=_ask,
        args=(name,),
    )


def show_asked(read: Reading, choice: Choice, others: Mapping[str, Choice] = NOTHING) -> None:
    """Opens the receipt the address asks for, if it does; call it at the end of a page.

    `others` are the choices of metrics that the page shows of another window than `choice`.
    """
    name = st.query_params.get(PARAMETER)
    definition = next((one for one in read.catalogue() if one.name == name), None)
    if definition is not None:
        drawer = st.dialog(definition.title, width=760, position="right", on_dismiss=_dismiss)
        drawer(_body)(read, definition.name, _known(others.get(definition.name, choice), definition))


def _known(choice: Choice, definition: Definition) -> Choice:
    """The choice without filters that the metric cannot be cut by."""
    teams = choice.teams if "team" in definition.dimensions else ()
    return replace(choice, teams=teams, services=choice.services if "service" in definition.dimensions else ())


def summary(paper: Receipt) -> dict[str, str]:
    """What there is to say about a number, in the order one asks: keys and sentences."""
    value, definition, window = paper.value, paper.definition, paper.window
    interval = numbers.interval(value.ci_low, value.ci_high, value.unit)
    said = {
        "Value": numbers.text(value.value, value.unit) if value.reason is None else value.reason,
        "95 % interval": f"{interval} ({value.ci_method})" if interval else None,
        "Window": f"{numbers.span(window.start, window.end)}, both included",
        "Only": ", ".join(str(one) for values in paper.where.values() for one in values),
        "Counted": f"{value.n:,} {definition.entities}" + (f", {value.k:,} {_counting(paper)}" if value.k else ""),
        "Left out": _exclusions(paper),
        "Quality": ", ".join(flag.replace("=", ": ").replace("_", " ") for flag in value.quality_flags),
        "Bots": paper.bots,
        "Coverage": _coverage(paper),
        "Fresh": "; ".join(_freshness(one) for one in paper.freshness),
        "Definition": f"{definition.source}, version {definition.version}",
        "Read with care": definition.caveat,
        "Good for": definition.decision,
    }
    return {key: words for key, words in said.items() if words}


def rows(paper: Receipt) -> pd.DataFrame:
    """The rows of a receipt with the columns that say something, newest first."""
    table = pd.DataFrame([dict(row) for row in paper.rows])
    said = [column for column in table.columns if column not in HIDDEN and table[column].notna().any()]
    ordered = sorted(said, key=lambda column: FIRST.index(column) if column in FIRST else len(FIRST))
    words = [column for column in ordered if pd.api.types.is_string_dtype(table[column])]
    return table[ordered].fillna(dict.fromkeys(words, ""))


def listed(paper: Receipt) -> str:
    """What of the rows there is to see, in a sentence."""
    if paper.definition.is_of_people and not paper.rows:
        return "They are people: counted, and never listed"
    shown = f"{len(paper.rows):,} of {paper.total_rows:,}" if paper.total_rows > len(paper.rows) else "all"
    return f"Newest first, {shown}"


def _body(read: Reading, name: str, choice: Choice) -> None:
    paper = read.receipt(name, choice.start, choice.end, choice.where)
    st.html(f'<p class="dx-lead">{escape(paper.definition.question)}</p>')
    frame.facts(summary(paper))
    st.html(f'<div class="dx-head"><b>The rows</b><span>{listed(paper)}</span></div>')
    if paper.rows:
        st.dataframe(
            rows(paper), hide_index=True, column_config=_columns(paper), alt=f"Rows behind {paper.definition.title}"
        )
    elif not paper.definition.is_of_people:
        st.caption("No row in this window.")
    with st.expander("The SQL, as it stands in the repository"):
        st.code(paper.sql, language="sql")
    st.caption(f"Publication {paper.data_version}, data to {numbers.instant(paper.as_of)}")


def _ask(name: str) -> None:
    st.query_params[PARAMETER] = name


def _dismiss() -> None:
    if PARAMETER in st.query_params:
        del st.query_params[PARAMETER]


def _counting(paper: Receipt) -> str:
    """What those events have in common that a share or a recovery counts: "failed", "recovered"."""
    definition = paper.definition
    if definition.aggregate == "recovery":
        return "recovered"
    measure = next(iter(definition.measures), "counted")
    return measure.removeprefix("is_").removeprefix("has_").replace("_", " ")


def _exclusions(paper: Receipt) -> str:
    parts = [f"{count:,} {reason.replace('_', ' ')}" for reason, count in paper.exclusions.items()]
    return ", ".join(parts) or "nothing"


def _coverage(paper: Receipt) -> str | None:
    cell = paper.coverage
    if cell is None or cell.value is None:
        return None
    return f"{numbers.text(cell.value, cell.unit)} ({cell.k or 0:,} of {cell.n:,}) by {cell.metric.replace('_', ' ')}"


def _freshness(entry: Mapping[str, Any]) -> str:
    return f"{entry['source']}: read {numbers.instant(entry['last_success_at'])}, last run {entry['last_status']}"


def _columns(paper: Receipt) -> dict[str, Any]:
    """How the rows' columns are drawn; stages and other measures of their own are hours."""
    definition, column = paper.definition, st.column_config
    if definition.unit == "%":
        measure = column.CheckboxColumn(_counting(paper).capitalize())
    else:
        measure = column.NumberColumn(definition.unit.capitalize(), format="%.1f")
    named = {name: column.TextColumn(name.replace("_", " ").capitalize()) for name in definition.dimensions}
    stages = {
        name: column.NumberColumn(name.replace("_", " ").capitalize(), format="%.1f") for name in definition.measures
    }
    instants = {
        name: column.DatetimeColumn(title, format="D MMM YYYY, HH:mm", timezone="UTC")
        for name, title in {"occurred_at": "When (UTC)", "started_at": "From", "ended_at": "To"}.items()
    }
    return {
        **named,
        **stages,
        **instants,
        "measure": measure,
        "title": column.TextColumn("What", width="medium"),
        "url": column.LinkColumn("Link", display_text="open"),
        "excluded_because": column.TextColumn("Left out because"),
    }
