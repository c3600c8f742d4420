"""The page's tiles, table and sentences."""

from html import escape

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import frame
from dxmetrics.ui.cost.view import Bearer, View

EXAMPLE = """\
[sources.cloud]
kind = "focus"           # a folder of FOCUS exports, as every large cloud writes them
folder = "billing"

[cost]
currency = "EUR"
shared = "usage"         # or "even": how what all share is split"""


def nothing_yet() -> None:
    """What to do where no charge is known."""
    with frame.card("nothing", "No charge is known yet", "Name where the bills are in dx.toml:"):
        st.code(EXAMPLE, language="toml")


def answer(seen: View) -> str:
    """The page's question answered in one line."""
    last, all_of_it = seen.last, seen.unallocated
    if last is None:
        return "No month is over yet"
    said = f"{money(last.cell.value, seen.currency)} in {last.cell.period_start:%B %Y}"
    if last.per_deployment is not None:
        said += f" · {last.per_deployment:,.2f} {seen.currency} a deployment"
    if all_of_it and all_of_it.unallocated_share is not None:
        said += f" · {numbers.text(all_of_it.unallocated_share, '%')} belongs to nobody"
    return said


def money(value: float | None, currency: str) -> str:
    """ "12,300 EUR", or a dash."""
    return "–" if value is None else f"{value:,.0f} {currency}"


def tiles(seen: View) -> str:
    """The four numbers of the page: of the last whole month."""
    last, before, of_all, minutes = seen.last, seen.before, seen.unallocated, seen.minutes
    name = f"{last.cell.period_start:%B %Y}" if last else "no month is over yet"
    earlier = f"; {money(before.cell.value, seen.currency)} in {before.cell.period_start:%B}" if before else ""
    found = [
        _tile("Cost", last.cell.value if last else None, ",.0f", seen.currency, f"{name}{earlier}"),
        _tile(
            "Cost per deployment",
            last.per_deployment if last else None,
            ",.2f",
            seen.currency,
            f"{numbers.count(last.deployments, 'deployment')} in {name}" if last else name,
        ),
        _tile(
            "Unallocated",
            of_all.unallocated_share if of_all else None,
            ".1f",
            "%",
            f"{money(of_all.unallocated, seen.currency)} of everybody's cost belong to nobody" if of_all else name,
        ),
    ]
    if minutes:
        again = f"{100 * minutes.reruns / minutes.total:.0f} % of it running again" if minutes.total else ""
        unpriced = f"; {numbers.count(minutes.unpriced, 'job')} without price or time" if minutes.unpriced else ""
        found.append(_tile("CI by price list", minutes.total, ",.0f", minutes.currency, f"{again}{unpriced}"))
    return f'<div class="dx-tiles">{"".join(found)}</div>'


def bearers(seen: View) -> str:
    """Who bears the cost of the last whole month, the most first."""
    return frame.listing([_row(one, seen) for one in seen.bearers])


def _row(one: Bearer, seen: View) -> dict[str, str]:
    each = one.per_deployment
    return {
        seen.dimension.capitalize(): one.name,
        "Cost": money(one.total, seen.currency),
        "Direct": money(one.direct, seen.currency),
        "Part of shared": money(one.shared, seen.currency),
        "Deployments": f"{one.deployments:,}",
        "Per deployment": "–" if each is None else f"{each:,.2f} {seen.currency}",
    }


def _tile(label: str, value: float | None, form: str, unit: str, note: str) -> str:
    figure = "–" if value is None else f"{value:{form}}<small>{escape(unit)}</small>"
    return (
        f'<div><div class="dx-label">{escape(label)}</div><div class="dx-value{" none" if value is None else ""}">'
        f'{figure}</div><div class="dx-note">{escape(note)}</div></div>'
    )
