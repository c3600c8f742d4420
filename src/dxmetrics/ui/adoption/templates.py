"""How many new services begin from a template, and how far services have fallen behind theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.ui import frame, receipt

MOST = 8  # services that are listed


@dataclass(frozen=True)
class Behind:
    """A service, the template's version it has, and how many versions and days that is behind the newest.

    The days are None where a template's releases are not known.
    """

    service: str
    team: str | None
    version: str
    versions: int
    days: int | None = None


def show(share: Cell, lag: Cell, found: Sequence[Behind]) -> None:
    """The card: what begins from a template, and who is furthest behind."""
    with frame.card("templates", "Templates", summary(share, lag)):
        if found:
            st.html(frame.listing(listing(found)))
            st.caption(rest(found, lag))
        receipt.button("template_lag", "versions behind the template", place="templates")


def summary(share: Cell, lag: Cell) -> str:
    """Both numbers in a sentence, each with what it is made of."""
    said = [f"{numbers.text(share.value, '%')} of services made in the last year began from one"]
    if share.value is None:
        said = ["No service was made in the last year"] if not share.n else ["Not known which services have one"]
    else:
        said[0] += f" ({share.k or 0:,} of {share.n:,})"
    if lag.value is not None:
        versions = "version" if lag.value == 1 else "versions"
        said.append(f"a service is {numbers.decimal(lag.value)} {versions} behind it in the median (n {lag.n:,})")
    return "; ".join(said)


def listing(found: Sequence[Behind]) -> list[dict[str, object]]:
    """The services that are furthest behind, as rows of a table."""
    ordered = sorted(found, key=lambda one: (-one.versions, one.service))
    return [
        {
            "Service": one.service,
            "Team": one.team or "no owner",
            "Has version": one.version,
            "Behind": numbers.count(one.versions, "version")
            + (f", {numbers.count(one.days, 'day')}" if one.days is not None else ""),
        }
        for one in ordered[:MOST]
    ]


def rest(found: Sequence[Behind], lag: Cell) -> str:
    """Who is not in the table: the others that are behind, and those that are not."""
    more = f"{numbers.count(len(found) - MOST, 'more service')} behind; " if len(found) > MOST else ""
    return f"{more}{numbers.count(lag.n - len(found), 'service')} on the newest version."
