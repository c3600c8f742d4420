"""One outcome of both sides: what is drawn of it and what may be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dxmetrics import numbers
from dxmetrics.metrics import Cell, Definition
from dxmetrics.metrics.adopters import (
    Better,
    Confounder,
    Contrast,
    Outcome,
    Verdict,
    compare_medians,
    compare_shares,
    confounders,
)
from dxmetrics.ui.comparison import sides
from dxmetrics.ui.comparison.figures import Arm
from dxmetrics.ui.comparison.sides import Sides
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Reading

OUTCOMES = ("change_lead_time", "deployment_frequency", "change_fail_rate")


@dataclass(frozen=True)
class Finding:
    """One metric of both sides; the arms are empty with too few services to show any."""

    definition: Definition
    contrast: Contrast
    arms: tuple[Arm, Arm]

    @property
    def is_shown(self) -> bool:
        """Whether there are services enough to draw them."""
        return self.contrast.verdict.shown != "counts"

    @property
    def verdict(self) -> str:
        """The sentence above the chart."""
        return sentence(self.contrast.verdict)


def findings(read: Reading, found: Sides, choice: Choice) -> tuple[Finding, ...]:
    """Both sides by each outcome, over a window."""
    return read.once(("findings", found, choice), lambda: tuple(_finding(read, one, found, choice) for one in OUTCOMES))


def others(read: Reading, found: Sides, choice: Choice) -> tuple[Confounder, ...]:
    """What else differs between the sides, the furthest apart first."""
    adopting, rest = (sides.traits(read, side, choice) for side in (found.adopters, found.others))
    return tuple(one for one in confounders(adopting, rest) if one.apart is not None)


def contrast(definition: Definition, adopters: Mapping[str, Cell], others: Mapping[str, Cell]) -> Contrast:
    """Each service's own number against those of the other side: shares pooled, everything else by medians."""
    if definition.aggregate == "proportion":
        one, other = ({name: (cell.k or 0, cell.n) for name, cell in side.items()} for side in (adopters, others))
        return compare_shares(one, other, outcome(definition))
    ours, theirs = ({name: cell.value for name, cell in side.items()} for side in (adopters, others))
    return compare_medians(ours, theirs, outcome(definition), is_duration=definition.unit == "hours")


def outcome(definition: Definition) -> Outcome:
    """What services are compared by, as sentences name it."""
    return Outcome(definition.title.lower(), definition.unit, _better(definition.better))


def sentence(verdict: Verdict) -> str:
    """A verdict as a sentence of its own."""
    return verdict.text[0].upper() + verdict.text[1:]


def sizes(one: Contrast, unit: str) -> str:
    """The effect sizes in words: difference with interval, Hodges-Lehmann shift, Cliff's delta, ratio."""
    if one.difference is None:
        return ""
    points = "points" if unit == "%" else ""
    said = [f"Difference {_signed(one.difference.value, unit, points)}"]
    if one.difference.interval is not None:
        low, high = one.difference.interval
        said[0] += f" (95 %: {_signed(low, unit, points)} to {_signed(high, unit, points)})"
    if one.hodges_lehmann is not None:
        said.append(f"Hodges-Lehmann {_signed(one.hodges_lehmann, unit, points)}")
    if one.cliffs_delta is not None:
        said.append(f"Cliff's delta {one.cliffs_delta:+.2f}")
    if one.ratio is not None:
        said.append(f"ratio {one.ratio.value:.2f}")
    return " · ".join(said)


def summary(found: Sequence[Finding]) -> str:
    """What can be said of all outcomes together, bad news first."""
    parts = [
        f"{change}: {', '.join(one.definition.title.lower() for one in found if one.contrast.verdict.change == change)}"
        for change in ("worse", "better")
        if any(one.contrast.verdict.change == change for one in found)
    ]
    return f"Adoption is associated with {'; '.join(parts)}" if parts else "No difference that can be told at this n"


def _finding(read: Reading, name: str, found: Sides, choice: Choice) -> Finding:
    definition = read.definition(name)
    cells = sides.outcomes(read, name, choice)
    ours, theirs = (
        {service: cells[service] for service in side if service in cells} for side in (found.adopters, found.others)
    )
    one = contrast(definition, ours, theirs)
    arms = (
        Arm("Adopters", sides.dots(found.adopters, cells, definition.entities), one.adopters),
        Arm("Others", sides.dots(found.others, cells, definition.entities), one.others),
    )
    return Finding(definition, one, arms)


def _better(word: str) -> Better:
    return "lower" if word == "lower" else "higher" if word == "higher" else "none"


def _signed(value: float, unit: str, points: str) -> str:
    text = numbers.text(abs(value), unit)
    text = text.replace("%", points) if points else text
    return f"{'-' if value < 0 else '+'}{text}"
