"""Before and after each adoption: what lead time became of services that adopted, less what it became of the others."""

from collections.abc import Mapping
from datetime import date, timedelta
from html import escape

from dxmetrics import numbers
from dxmetrics.metrics.adopters import Estimate
from dxmetrics.metrics.before_after import BEFORE, BeforeAfter, before_after
from dxmetrics.ui.comparison import sides, verdicts
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Reading

OUTCOME, ADOPTIONS = "change_lead_time", "service_adoptions"
LOOKED_BACK = timedelta(weeks=104)  # who adopted before that is left out, as one that was never seen without
READ_AS = (
    "Each point is three weeks: how far adopters moved from their own level before, against services that had not "
    "adopted yet. At 0 % both moved alike; points off it before adoption say that they were drifting apart already. "
    "The weeks around adoption are left out: delivery dips while a team learns."
)


def around(read: Reading, capability: str, choice: Choice) -> BeforeAfter | None:
    """Adopters after against before and against those that had not adopted yet; None where nobody is known to have."""
    return read.once(("around", capability, choice.end), lambda: _around(read, capability, choice.end))


def sentences(found: BeforeAfter) -> tuple[str, ...]:
    """What became of both sides, the effect with its interval, and who is left out."""
    said: list[str] = []
    if found.adopters_before is not None and found.ratio is not None:
        one, other = (
            f"{numbers.text(before, 'hours')} before, {numbers.text(after, 'hours')} after"
            for before, after in (
                (found.adopters_before, found.adopters_after),
                (found.others_before, found.others_after),
            )
        )
        said.append(
            f"{numbers.count(found.adopters_n, 'adopter')}: {one}. {numbers.count(found.others_n, 'other')} in the "
            f"same weeks: {other}."
        )
        said.append(f"{effect(found.ratio)} than it would be had adopters changed as the others did.")
    if found.left_out:
        parts = "; ".join(f"{count:,} {reason}" for reason, count in found.left_out.items())
        said.append(f"Left out: {parts}.")
    return tuple(said)


def effect(ratio: Estimate) -> str:
    """A ratio of lead times in words: "20 % shorter (95 %: 31 to 8 % shorter)"."""
    if ratio.interval is None:
        return f"Lead time {_moved(ratio.value)}"
    low, high = (_moved(end) for end in ratio.interval)
    if low.split()[-1] == high.split()[-1]:
        low = low.split()[0]
    return f"Lead time {_moved(ratio.value)} (95 %: {low} to {high})"


def told(found: BeforeAfter) -> str:
    """The sentences as HTML."""
    return f'<div class="dx-finding">{"<br>".join(map(escape, sentences(found)))}</div>'


def _moved(ratio: float) -> str:
    return f"{abs(100 * (ratio - 1)):.0f} % {'shorter' if ratio < 1 else 'longer'}"


def _around(read: Reading, capability: str, end: date) -> BeforeAfter | None:
    adopted_on = _adopted_on(read, capability, end)
    days = [day for day in adopted_on.values() if day is not None]
    if not days:
        return None
    start = min(days) + timedelta(weeks=BEFORE[0])
    levels = read.metrics.levels(OUTCOME, start=start - timedelta(days=start.weekday()), end=end)
    return before_after(adopted_on, levels.observed, levels.between, verdicts.outcome(read.definition(OUTCOME)))


def _adopted_on(read: Reading, capability: str, end: date) -> Mapping[str, date | None]:
    """The day each eligible service adopted the capability, None where it has not."""
    start = end - LOOKED_BACK
    rows = read.receipt(ADOPTIONS, start, end, {"capability": (capability,)}, limit=sides.MOST).rows
    eligible = sides.states(read, capability, end - sides.WEEK)
    known: dict[str, date | None] = {service: start if adopted else None for service, adopted in eligible.items()}
    return known | {row["service"]: row["occurred_at"].date() for row in rows if row["service"] in known}
