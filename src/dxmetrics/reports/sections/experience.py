"""What developers say: the newest wave of a survey that had closed when the period ended, with its suppression.

There is no number here that the wave's results do not show: a hidden cell stays hidden, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.reports.context import Context, told
from dxmetrics.reports.document import (
    Chart,
    Column,
    Figure,
    Meaning,
    Section,
    Sentence,
    Sentences,
    Series,
    Table,
    Tile,
    Tiles,
    Value,
)
from dxmetrics.reports.sections.entry import Entry
from dxmetrics.survey import Cell, Measure, Results
from dxmetrics.survey import read as published
from dxmetrics.survey.read import Change
from dxmetrics.survey.results import Cut

LANGUAGE = "en"  # of reports
ENOUGH = 0.5  # of those who were asked; below it, those who answered may not speak for the others
RECOMMEND = "Recommend score (NPS-style)"
NOTHING = "No answer changed by more than noise."
SCORES = ("index", "recommend")
MEANT = {
    "index": ("Mean over its items of where answers lie between the worst point (0) and the best one (100).", "points"),
    "recommend": (
        "Share of those who would recommend it less that of those who would not, from −100 to 100.",
        "points",
    ),
    "likert": ("Share of answers on the favourable points of the scale; of a complaint, of those who disagree.", "%"),
    "choice": ("Share of those who answered the question and chose it.", "%"),
}


class Experience(Entry):
    """The newest wave of one survey, of that with the most to measure where none is named."""

    about: ClassVar[str] = "What developers say: the newest wave of a survey, against the wave before"
    section: Literal["experience"] = "experience"
    survey: str | None = None

    def write(self, context: Context) -> Section | None:
        wave = _wave(context, self.survey)
        if wave is None:
            return self._without_results()
        if wave.now.attribution and wave.now.attribution not in context.footnotes:
            context.footnotes.append(wave.now.attribution)
        for measure in wave.now.measures:
            _mean(context, wave, measure)
        said = _changes(wave)
        blocks = [
            Tiles(tiles=(_took_part(wave), *(_score(wave, one) for one in wave.measures(*SCORES)))),
            *_items(wave, "likert", "What people say", "Share of favourable answers with its 95 % interval"),
            *_items(wave, "choice", "What people chose", "Share of those who answered the question"),
            *(
                [Sentences(title=f"Changed since {wave.before.wave}", sentences=said, nothing=NOTHING)]
                if wave.before
                else []
            ),
            *_teams(wave),
            *_themes(wave),
        ]
        return Section(
            name=self.section,
            title=f"Experience: {_said(wave, wave.now.title)}",
            lead=_lead(wave),
            blocks=tuple(blocks),
        )

    def _without_results(self) -> Section | None:
        """That a survey which the report names has no results; nothing where none is named."""
        if self.survey is None:
            return None
        said = f"No wave of the survey {self.survey!r} had results by the end of the period."
        return Section(name=self.section, title="Experience", blocks=(Sentences(sentences=(), nothing=said),))


@dataclass(frozen=True)
class Wave:
    """A wave as it is told of: to everybody, or to one team that has answers of its own."""

    history: Sequence[Results]  # waves of the survey until this one, the newest first
    changes: Mapping[tuple[str, Cut, str], Change]
    team: str | None

    @property
    def now(self) -> Results:
        return self.history[0]

    @property
    def before(self) -> Results | None:
        return self.history[1] if len(self.history) > 1 else None

    @property
    def cut(self) -> tuple[Cut, str]:
        """Whose answers are told."""
        return ("team", self.team) if self.team else ("all", "")

    def measures(self, *kinds: str) -> tuple[Measure, ...]:
        """The measures of these kinds, in the survey's order."""
        return tuple(one for one in self.now.measures if one.kind in kinds)

    def cell(self, measure: Measure, cut: tuple[Cut, str] | None = None) -> Cell | None:
        """What is known of a measure."""
        return published.cell(self.now, measure.id, *(cut or self.cut))


def _wave(context: Context, survey: str | None) -> Wave | None:
    """The wave to tell of; None where none had closed by then, or it knows nothing of the team."""
    closed = {
        name: [one for one in context.surveys.waves(name) if one.closed_on < context.window.end]
        for name in ([survey] if survey else context.surveys.names())
    }
    known = [name for name in closed if closed[name]]
    if not known:
        return None
    chosen = max(known, key=lambda name: sum(one.measured_by is not None for one in closed[name][0].measures))
    history = closed[chosen]
    team = context.team if context.team in {one.name for one in history[0].teams} else None
    if context.team and team is None:
        return None
    found = published.changes(history[0], history[1]) if len(history) > 1 else ()
    return Wave(history, {(one.measure, one.cut, one.key): one for one in found}, team)


def _lead(wave: Wave) -> str:
    now = wave.now
    asked = f"Asked {numbers.day(now.opened_on)} to {numbers.day(now.closed_on)}; "
    asked += f"no number of fewer than {now.k_cell} people."
    share = _rate(now, wave.team)
    if share is not None and share < ENOUGH:
        asked += " Fewer than half of those asked answered: they may not speak for the others."
    return asked


def _rate(results: Results, team: str | None) -> float | None:
    part = next((one for one in results.participation if one.team == team), None)
    return part.answered / part.invited if part and part.shown and part.invited and part.answered is not None else None


def _took_part(wave: Wave) -> Tile:
    part = next((one for one in wave.now.participation if one.team == wave.team), None)
    share = _rate(wave.now, wave.team)
    if part is None or share is None:
        reason = "too few to tell" if part is not None else "how many were asked is not known"
        answered = wave.now.answered if wave.team is None else None
        note = f"{answered:,} answered" if answered is not None else None
        return Tile(
            metric="participation", title="Took part", value=Value(value=None, unit="%", reason=reason), note=note
        )
    rates = [_rate(one, wave.team) for one in reversed(wave.history)]
    return Tile(
        metric="participation",
        title="Took part",
        value=Value(value=100 * share, unit="%", n=part.invited, k=part.answered),
        note=f"{part.answered:,} of {part.invited:,} people",
        points=tuple(None if one is None else 100 * one for one in rates),
    )


def _score(wave: Wave, measure: Measure) -> Tile:
    cell = wave.cell(measure)
    points = [published.cell(one, measure.id, *wave.cut) for one in reversed(wave.history)]
    change = wave.changes.get((measure.id, *wave.cut))
    compared = None
    if change is not None and wave.before is not None:
        since = f"since {wave.before.wave}"
        size = f"{'+' if change.value > 0 else '−'}{abs(change.value):.0f} points {since}"
        compared = (
            f"{size} (95 %: {numbers.difference(change.low, change.high, '%')})"
            if change.is_signal
            else f"Within noise {since}"
        )
    return Tile(
        metric=measure.id,
        title=_title(wave, measure),
        value=_value(cell, measure),
        compared=compared,
        change=_news(measure, change) if change is not None and change.is_signal else None,
        note=_basis(cell),
        points=tuple(None if one is None or one.value is None else float(one.value) for one in points),
    )


def _items(wave: Wave, kind: str, title: str, note: str) -> list[Figure]:
    """Every item as a dot with its interval, the least first; of a team beside everybody."""
    asked = [(one, wave.cell(one)) for one in wave.measures(kind)]
    known = [(one, cell) for one, cell in asked if cell is not None and cell.value is not None]
    if not known:
        return []
    known.sort(key=lambda pair: (pair[1].value or 0, pair[0].id))
    hidden = len(asked) - len(known)
    note += ", the least first"
    note += f"; {numbers.count(hidden, 'item')} of too few people hidden." if hidden else "."
    series = [_dots(wave.team or "Everybody", [cell for _, cell in known], is_first=True)]
    if wave.team:
        series.append(_dots("Everybody", [wave.cell(one, ("all", "")) for one, _ in known], is_first=False))
    return [
        Figure(
            title=title,
            note=note,
            alt="; ".join(f"{_text(wave, one)} {cell.value} %" for one, cell in known),
            chart=Chart(
                kind="dots", categories=tuple(_text(wave, one) for one, _ in known), series=tuple(series), unit="%"
            ),
        )
    ]


def _dots(name: str, cells: Sequence[Cell | None], *, is_first: bool) -> Series:
    return Series(
        name=name,
        tone="accent" if is_first else "muted",
        values=tuple(_number(cell.value) if cell else None for cell in cells),
        low=tuple(_number(cell.low) if cell else None for cell in cells) if is_first else (),
        high=tuple(_number(cell.high) if cell else None for cell in cells) if is_first else (),
    )


def _changes(wave: Wave) -> tuple[Sentence, ...]:
    """What is signal since the wave before, the largest first."""
    measures = {one.id: one for one in wave.now.measures if one.kind not in SCORES}
    found = [
        one
        for one in wave.changes.values()
        if one.is_signal and (one.cut, one.key) == wave.cut and one.measure in measures
    ]
    return tuple(
        told(
            f"“{_text(wave, measures[one.measure])}”: {'up' if one.value > 0 else 'down'} {abs(one.value):.0f} points "
            f"(95 %: {numbers.difference(one.low, one.high, '%')}).",
            metric=one.measure,
            change=_news(measures[one.measure], one),
        )
        for one in sorted(found, key=lambda one: -abs(one.value))
    )


def _teams(wave: Wave) -> list[Table]:
    """The scores by team in alphabetical order; what must not be shown is hidden."""
    measures = wave.measures(*SCORES)
    names = sorted({one.name for one in wave.now.teams}, key=str.casefold)
    rows = [(name, [wave.cell(one, ("team", name)) for one in measures]) for name in names]
    told_of = [(name, cells) for name, cells in rows if any(cell is not None for cell in cells)]
    if wave.team or not told_of:
        return []
    has_hidden = any(cell is not None and not cell.shown for _, cells in told_of for cell in cells)
    return [
        Table(
            title="By team",
            note=f"In alphabetical order. Hidden: fewer than {wave.now.k_cell} answered, or it would tell of so few."
            if has_hidden
            else "In alphabetical order.",
            columns=(
                Column(title="Team"),
                *(Column(title=_title(wave, one), kind="number", unit="points") for one in measures),
                Column(title="Took part", kind="number", unit="%"),
            ),
            rows=tuple(
                (name, *(_value(cell, one) for cell, one in zip(cells, measures, strict=True)), _part(wave, name))
                for name, cells in told_of
            ),
        )
    ]


def _part(wave: Wave, team: str) -> Value:
    share = _rate(wave.now, team)
    if share is None:
        return Value(value=None, unit="%", is_hidden=True, reason="too few were asked, or it would tell of so few")
    return Value(value=100 * share, unit="%")


def _themes(wave: Wave) -> list[Table]:
    """How often comments speak of a theme; of everybody only, as nobody knows whose they are."""
    counted = [(one.name, float(one.count)) for one in wave.now.themes if one.count is not None]
    if wave.team or wave.now.comments is None or not counted:
        return []
    few = sum(one.count is None for one in wave.now.themes)
    note = f"Of {numbers.count(wave.now.comments, 'comment')}"
    note += f"; {numbers.count(few, 'theme')} of fewer than {wave.now.k_cell} comments not shown." if few else "."
    return [
        Table(
            title="Comments by theme",
            note=note,
            columns=(Column(title="Theme"), Column(title="Comments", kind="number", unit="comments", has_bar=True)),
            rows=tuple((name, Value(value=count, unit="comments")) for name, count in counted),
        )
    ]


def _mean(context: Context, wave: Wave, measure: Measure) -> None:
    """Note what a score means; of items once for all."""
    meant, unit = MEANT[measure.kind]
    title = (
        _title(wave, measure)
        if measure.kind in SCORES
        else {"likert": "Favourable answers"}.get(measure.kind, "Chosen")
    )
    key = measure.id if measure.kind in SCORES else measure.kind
    source = measure.source or f"survey {wave.now.survey}, version {wave.now.version}"
    context.meanings.setdefault(key, Meaning(metric=key, title=title, unit=unit, meaning=meant, source=source))


def _news(measure: Measure, change: Change) -> Literal["better", "worse"] | None:
    """An option that more people chose is neither good nor bad; all else is counted so that more is better."""
    if measure.kind == "choice":
        return None
    return "better" if change.value > 0 else "worse"


def _value(cell: Cell | None, measure: Measure) -> Value:
    if cell is None:
        return Value(value=None, unit=measure.unit, reason="not asked in this wave")
    if not cell.shown:
        return Value(value=None, unit=measure.unit, is_hidden=True, reason=cell.reason)
    n = int(cell.n) if cell.n and cell.n.isdecimal() else None
    return Value(
        value=_number(cell.value),
        unit=measure.unit,
        n=n,
        low=_number(cell.low),
        high=_number(cell.high),
        reason=cell.reason,
    )


def _basis(cell: Cell | None) -> str | None:
    return (
        None if cell is None or cell.value is None else f"n {cell.n}, 95 %: {cell.low} to {cell.high}".replace("-", "−")
    )


def _title(wave: Wave, measure: Measure) -> str:
    return RECOMMEND if measure.kind == "recommend" else _text(wave, measure)


def _text(wave: Wave, measure: Measure) -> str:
    """What was asked; of a complaint it is favourable to disagree."""
    return f"{_said(wave, measure.text)} (share who disagree)" if measure.is_reversed else _said(wave, measure.text)


def _said(wave: Wave, texts: Mapping[str, str]) -> str:
    languages = (LANGUAGE, *wave.now.languages)
    return next((texts[one] for one in languages if one in texts), next(iter(texts.values())))


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)
