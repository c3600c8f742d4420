"""How far the numbers can be trusted, in one line: what was read and when, what is known of it, what fails."""

from collections.abc import Iterator
from html import escape

from dxmetrics import numbers
from dxmetrics.metrics import Health
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.health import STALE_HOURS
from dxmetrics.ui.reading import Reading

LINKED = "change_lead_time"  # rests on knowing which deployment brought which change


def line(read: Reading, choice: Choice) -> str:
    """Sources, linkage and checks as HTML; what asks for a look stands out."""
    state = read.health()
    known = read.comparison(LINKED, choice.start, choice.end, choice.where).current.coverage
    linked = [] if known is None else [f"{100 * known:.0f} % of deployments linked"]
    parts = [*_sources(state), *map(escape, linked), _checks(state), *_refused(state)]
    return f'<span class="dx-trust">{" · ".join(parts)}</span>'


def _sources(state: Health) -> Iterator[str]:
    """What is wrong with sources; where nothing is, that all of them are fresh."""
    failed = sum(bool(row["scopes_not_ok"]) for row in state.sources)
    old = sum(row["age_hours"] is None or row["age_hours"] > STALE_HOURS for row in state.sources)
    whole = numbers.count(len(state.sources), "source")
    if failed:
        yield f"<b>{failed:,} of {whole} not read whole</b>"
    if old:
        yield f"<b>{old:,} of {whole} older than {STALE_HOURS} h</b>"
    if not failed and not old:
        yield f"{whole} fresh"


def _checks(state: Health) -> str:
    broken = sum(bool(check["failures"]) for check in state.checks)
    whole = numbers.count(len(state.checks), "check")
    return f"<b>{broken:,} of {whole} failed</b>" if broken else f"{whole} passed"


def _refused(state: Health) -> Iterator[str]:
    rows = sum(row["rows"] for row in state.quarantine)
    if rows:
        yield f"<b>{numbers.count(rows, 'row')} refused</b>"
