"""Where lead time goes: the mean hours of every stage, which add up where medians would not."""

from collections import defaultdict
from dataclasses import dataclass

from dxmetrics.metrics.selection import UNMAPPED
from dxmetrics.palette import Tokens
from dxmetrics.ui.charts import Stage
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Reading

METRIC = "change_cycle_stages"
WITHOUT_REVIEWS = {"before_merge_hours", "deploy_wait_hours"}


@dataclass(frozen=True)
class Split:
    """The chart's content: rows by team or service, the stages that are known, or the `reason` for having none."""

    title: str
    note: str
    rows: dict[str, dict[str, float]]
    parts: tuple[Stage, ...]
    reason: str | None

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        return tuple((part.title, part.colour) for part in self.parts)


def by_team_or_service(read: Reading, choice: Choice, colour: Tokens) -> Split:
    """Mean hours by team; by service where the choice, or the organisation, has only one team."""
    teams = choice.teams or read.values("team")
    dimension = "team" if len(teams) > 1 and not choice.services else "service"
    cells = read.cells(METRIC, choice.start, choice.end, choice.where, by=(dimension,))
    rows: dict[str, dict[str, float]] = defaultdict(dict)
    for cell in cells:
        if cell.value is not None:
            rows[cell.dimensions[dimension] or UNMAPPED][str(cell.dimensions["measure"])] = cell.value
    known = {name for row in rows.values() for name, hours in row.items() if hours}
    reason = next((cell.reason for cell in cells if cell.reason), "no change was deployed in this window")
    return Split(
        title=f"Where lead time goes, by {dimension}",
        note="Mean hours in each stage, which add up (medians do not); longest first",
        rows=dict(rows),
        parts=tuple(part for part in parts(colour, knows_reviews=bool(known - WITHOUT_REVIEWS)) if part.name in known),
        reason=None if known else reason,
    )


def parts(colour: Tokens, knows_reviews: bool = True) -> tuple[Stage, ...]:
    """The stages in the order a change passes them; git alone knows of a merge and a release only."""
    if not knows_reviews:
        return (
            Stage("before_merge_hours", "Before merge", colour.coding),
            Stage("deploy_wait_hours", "Waiting for release", colour.deploy, is_dark=True),
        )
    return (
        Stage("coding_hours", "Coding", colour.coding),
        Stage("pickup_hours", "Waiting for review", colour.pickup, is_dark=True),
        Stage("review_hours", "In review", colour.review),
        Stage("merge_wait_hours", "Waiting to merge", colour.bars),
        Stage("before_merge_hours", "Before merge, no review seen", colour.muted),
        Stage("deploy_wait_hours", "Deploying", colour.deploy, is_dark=True),
    )
