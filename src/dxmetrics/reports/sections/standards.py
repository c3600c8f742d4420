"""Standards: how many services meet what all are held to, and what to do where they do not."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.reports.context import Context
from dxmetrics.reports.document import Column, Section, Table, Value
from dxmetrics.reports.sections.entry import Entry

METRIC = "standard_results"
TIERS = ("bronze", "silver", "gold")  # the lowest first; tiers of other names come after these


class Standards(Entry):
    """Every standard with the services that meet it, as of the newest data."""

    about: ClassVar[str] = "How many services meet each standard, and what to do where they do not"
    section: Literal["standards"] = "standards"

    def write(self, context: Context) -> Section | None:
        counted: dict[tuple[str, str, str], Counter[str]] = {}
        context.definition(METRIC)
        by = ("tier", "standard_title", "remedy", "status")
        for cell in context.metrics.query(METRIC, by=by, where=context.where):
            said = [cell.dimensions[name] or "" for name in by]
            left_out = sum(
                int(flag.rpartition("=")[2]) for flag in cell.quality_flags if flag.startswith(f"{said[3]}=")
            )
            counted.setdefault((said[0], said[1], said[2]), Counter())[said[3]] += cell.n or left_out
        if not counted:
            return None
        met, judged = (sum(found[one] for found in counted.values()) for one in ("pass", "fail"))
        judged += met
        return Section(
            name=self.section,
            title="Standards",
            lead=f"{100 * met / judged:.0f} % of what applies is met: {met:,} of {numbers.count(judged, 'result')}."
            if judged
            else None,
            is_current=True,
            blocks=(_table(context, counted),),
        )


def _table(context: Context, counted: dict[tuple[str, str, str], Counter[str]]) -> Table:
    order = sorted(counted, key=lambda key: (TIERS.index(key[0]) if key[0] in TIERS else len(TIERS), key[0], key[1]))
    return Table(
        title="What every service is held to",
        note=f"As of {numbers.instant(context.metrics.as_of)}. What does not apply and what is exempt is in no share.",
        columns=(
            Column(title="Standard"),
            Column(title="Tier"),
            Column(title="Met", kind="number", unit="%", has_bar=True),
            Column(title="Fail", kind="number", unit="services"),
            Column(title="Exempt", kind="number", unit="services"),
            Column(title="What to do"),
        ),
        rows=tuple(
            (
                title,
                tier,
                _share(counted[tier, title, remedy]),
                Value(value=float(counted[tier, title, remedy]["fail"]), unit="services"),
                Value(value=float(counted[tier, title, remedy]["exempt"]), unit="services"),
                remedy if counted[tier, title, remedy]["fail"] else None,
            )
            for tier, title, remedy in order
        ),
    )


def _share(found: Counter[str]) -> Value:
    n = found["pass"] + found["fail"]
    if not n:
        return Value(value=None, unit="%", n=0, reason="it applies to no service")
    return Value(value=100 * found["pass"] / n, unit="%", n=n, k=found["pass"])
