"""Where lead time goes: the mean hours of each stage, which add up where medians would not."""

from __future__ import annotations

from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.metrics.changes import STAGES as SAID
from dxmetrics.metrics.changes import STAGES_METRIC as METRIC
from dxmetrics.metrics.selection import UNMAPPED
from dxmetrics.reports.context import Context
from dxmetrics.reports.document import Chart, Figure, Section, Series, Tone
from dxmetrics.reports.sections.entry import Entry

MOST = 15  # rows a reader still takes in
STAGES: dict[str, tuple[str, Tone]] = {
    "coding_hours": ("Coding", "coding"),
    "pickup_hours": ("Waiting for review", "pickup"),
    "review_hours": ("In review", "review"),
    "merge_wait_hours": ("Waiting to merge", "bars"),
    "before_merge_hours": ("Before merge, no review seen", "muted"),
    "deploy_wait_hours": ("Merge to production", "deploy"),
}


class Stages(Entry):
    """Lead time by stage, for each team or, of one team, each service."""

    about: ClassVar[str] = "Where lead time goes: its stages by team, or by service of one team"
    section: Literal["stages"] = "stages"

    def write(self, context: Context) -> Section | None:
        whole = {str(cell.dimensions["measure"]): cell.value for cell in context.cells(METRIC)}
        known = {name: hours for name, hours in whole.items() if hours}
        if not known:
            return None
        longest = max(known, key=lambda name: known[name])
        of_whole = f"{numbers.text(known[longest], 'hours')} of {numbers.text(sum(known.values()), 'hours')}"
        is_most = known[longest] > sum(known.values()) / 2
        lead = f"{'Most of it' if is_most else 'The longest stage'} is {SAID[longest]}: {of_whole} on average."
        return Section(
            name=self.section, title="Where lead time goes", lead=lead, blocks=(_figure(context, tuple(known)),)
        )


def _figure(context: Context, known: tuple[str, ...]) -> Figure:
    dimension = "service" if context.team else "team"
    found: dict[str, dict[str, float]] = {}
    sizes: dict[str, int] = {}
    for cell in context.cells(METRIC, by=(dimension,)):
        if cell.value is not None:
            name = cell.dimensions[dimension] or UNMAPPED
            found.setdefault(name, {})[str(cell.dimensions["measure"])] = cell.value
            sizes[name] = cell.n
    most = sorted(found, key=lambda name: (-sizes[name], name))[:MOST]
    names = sorted(most, key=lambda name: (name == UNMAPPED, name.casefold()))
    left_out = len(found) - len(names)
    note = "Mean hours of each stage, which add up; in alphabetical order."
    if left_out:
        note += f" The {MOST} with the most changes; {left_out:,} are left out."
    return Figure(
        title=f"Lead time by stage and {dimension}",
        note=note,
        alt="; ".join(f"{name}: {numbers.text(sum(found[name].values()), 'hours')}" for name in names),
        chart=Chart(
            kind="bars",
            categories=tuple(names),
            series=tuple(
                Series(name=title, tone=tone, values=tuple(found[name].get(stage) for name in names))
                for stage, (title, tone) in STAGES.items()
                if stage in known
            ),
            unit="hours",
        ),
    )
