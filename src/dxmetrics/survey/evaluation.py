"""Computing the results of a wave: once, from all its answers, leaving out what must not be shown.

Only `compute` sees answers, and what it gives is frozen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dxmetrics.survey import privacy, scoring
from dxmetrics.survey.answers import Comment, Response
from dxmetrics.survey.instrument import Index, Instrument, Item
from dxmetrics.survey.results import (
    Cell,
    Cut,
    Measure,
    MeasureKind,
    Participation,
    Quote,
    Results,
    TeamNode,
    Theme,
)  # fmt: skip
from dxmetrics.survey.scoring import Score
from dxmetrics.survey.themes import Themes, scrub

EXACT = 10  # the least number of respondents that is told exactly
FEW = "5–9"
NO_THEMES = Themes({})
HIDDEN = "fewer than {k} answered, or showing it would give away what so few said"
UNRELIABLE = "the items do not measure one thing here (Cronbach's alpha {alpha:.2f}, below 0.70): read them one by one"


@dataclass(frozen=True)
class Facts:
    """What is known of a wave beside its answers."""

    wave: str
    opened_on: date
    closed_on: date
    teams: Sequence[TeamNode]
    team_of: Callable[[str], str | None]  # slug, name or address of a team -> its name in `teams`
    invited: Mapping[str | None, int] | None  # by team's name, None: of no team; None: not known
    names: Collection[str] = ()  # of people, taken out of comments
    themes: Themes = NO_THEMES


def compute(
    instrument: Instrument, facts: Facts, responses: Sequence[Response], comments: Sequence[Comment]
) -> Results:
    """The results of a wave that is closed. Deterministic but for the order of quotes."""
    rows = [_placed(one, facts) for one in responses]
    k = instrument.privacy.k_cell
    by_band = Counter(row.tenure for row in rows if row.tenure)
    tenures = tuple(sorted(band for band, count in by_band.items() if count >= k))  # others would tell who took part
    wave = _Wave(instrument, facts, rows, tenures)
    found = [(measure, answers) for measure, answers in wave.measures()]
    cells = tuple(wave.all_cells(found))
    said = _told(comments, instrument.privacy.k_comment)
    is_told = bool(said)
    quotes = _quotes(instrument, facts, said)
    total = sum(facts.invited.values()) if facts.invited is not None else None
    return Results(
        survey=instrument.survey.id,
        version=instrument.survey.version,
        wave=facts.wave,
        title=_texts(instrument, instrument.survey.title.texts),
        owner=instrument.survey.owner,
        confidentiality=instrument.survey.confidentiality,
        k_cell=k,
        opened_on=facts.opened_on,
        closed_on=facts.closed_on,
        invited=total if total is not None and total >= max(k, len(rows)) else None,
        answered=len(rows) if len(rows) >= k else None,
        languages=instrument.survey.languages,
        teams=tuple(facts.teams),
        tenures=tenures,
        participation=_participation(facts, rows, k),
        measures=tuple(measure for measure, _ in found),
        cells=cells,
        comments=len(said) if is_told else None,
        quotes=quotes,
        themes=_counted(facts.themes, said, k) if is_told else (),
        unusable=wave.unusable if wave.unusable == 0 or wave.unusable >= k else None,
        attribution=_attribution(instrument),
    )


@dataclass(frozen=True)
class _Row:
    team: str | None
    tenure: str | None
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class _Answer:
    """One respondent's answer to a measure: what is shown of it is `said`, what is averaged is `value`."""

    row: int
    value: float
    said: float


class _Wave:
    def __init__(self, instrument: Instrument, facts: Facts, rows: Sequence[_Row], tenures: Sequence[str]) -> None:
        self.instrument = instrument
        self.facts = facts
        self.rows = rows
        self.tenures = tenures
        self.parents = {team.name: team.parent for team in facts.teams}
        self.places = [tuple(self._places(row)) for row in rows]
        self.codes = {item.id: dict(self._codes(item)) for item in instrument.items if item.type != "text"}
        given = sum(
            row.answers.get(item.id) is not None for row in rows for item in instrument.items if item.type != "text"
        )
        self.unusable = given - sum(map(len, self.codes.values()))

    def _codes(self, item: Item) -> Iterator[tuple[int, int | str]]:
        """Who answered an item, by row, and how: codes of its scale, flipped for a reversed item, or options."""
        scale = None if item.type == "choice" else self.instrument.scale_of(item)
        for number, row in enumerate(self.rows):
            said = row.answers.get(item.id)
            if scale is None:
                if said in item.options:
                    yield number, str(said)
            elif isinstance(said, int | float) and said in scale.codes:
                code = int(said)
                yield number, scale.min + scale.max - code if item.reverse else code

    def measures(self) -> Iterator[tuple[Measure, list[_Answer]]]:
        """Every measure with the answers it is made of, the indices first."""
        for index in self.instrument.indices:
            yield self._index(index)
        for item in self.instrument.items:
            if item.type == "choice":
                yield from self._options(item)
            elif item.type != "text":
                yield self._item(item)

    def _item(self, item: Item) -> tuple[Measure, list[_Answer]]:
        scale = self.instrument.scale_of(item)
        kind: MeasureKind = "recommend" if item.type == "recommend" else "likert"
        measure = Measure(
            id=item.id,
            kind=kind,
            text=_texts(self.instrument, item.text.texts),
            dimension=item.dimension,
            unit="points" if kind == "recommend" else "%",
            is_reversed=item.reverse,
            measured_by=item.measured.metric if item.measured else None,
            metric_better=item.measured.better if item.measured else None,
            source=_credit(item),
        )
        answers = []
        for row, code in self.codes[item.id].items():
            in_favour = code in (scale.promoters if kind == "recommend" else scale.favourable)
            is_against = kind == "recommend" and code in scale.detractors
            answers.append(_Answer(row, float(code), float(in_favour - is_against)))
        return measure, answers

    def _options(self, item: Item) -> Iterator[tuple[Measure, list[_Answer]]]:
        for option, text in item.options.items():
            measure = Measure(
                id=f"{item.id}.{option}",
                kind="choice",
                text=_texts(self.instrument, text.texts),
                dimension=item.dimension,
                unit="%",
                source=_credit(item),
            )
            chosen = self.codes[item.id].items()
            yield measure, [_Answer(row, float(said == option), float(said == option)) for row, said in chosen]

    def _index(self, index: Index) -> tuple[Measure, list[_Answer]]:
        items = [item for item in self.instrument.items if item.index == index.items_by_tag]
        scales = {item.id: (self.instrument.scale_of(item).min, self.instrument.scale_of(item).max) for item in items}
        answers = []
        for row in range(len(self.rows)):
            codes = {name: int(self.codes[name][row]) for name in scales if row in self.codes[name]}
            value = scoring.index_of(codes, scales, index.min_answered)
            if value is not None:
                answers.append(_Answer(row, value, round(value, 6)))  # the last bits depend on the order of adding
        measure = Measure(id=index.id, kind="index", text=_texts(self.instrument, index.title.texts), unit="points")
        return measure, answers

    def all_cells(self, found: Sequence[tuple[Measure, Sequence[_Answer]]]) -> Iterator[Cell]:
        """The cells of all measures. Options of one question are shown for the same groups: their shares add up."""
        unreliable = {measure.id: self._unreliable(measure) for measure, _ in found}
        may = [
            self._may(measure, answers) if unreliable[measure.id] is None else privacy.Shown()
            for measure, answers in found
        ]
        together: dict[str, privacy.Shown] = {}
        for (measure, _), seen in zip(found, may, strict=True):
            question = _question(measure)
            together[question] = together[question].both(seen) if question in together else seen
        for measure, answers in found:
            yield from self._cells(measure, answers, together[_question(measure)], unreliable[measure.id])

    def _may(self, measure: Measure, answers: Sequence[_Answer]) -> privacy.Shown:
        breakdowns = self.instrument.privacy.breakdowns
        return privacy.shown(
            [privacy.Answer(self.rows[one.row].team, self.rows[one.row].tenure, one.said) for one in answers],
            self.parents,
            self.instrument.privacy.k_cell,
            least=-1.0 if measure.kind == "recommend" else 0.0,
            most=100.0 if measure.kind == "index" else 1.0,
            with_teams="team" in breakdowns,
            with_tenures="tenure" in breakdowns,
        )

    def _cells(
        self, measure: Measure, answers: Sequence[_Answer], may: privacy.Shown, unreliable: str | None
    ) -> Iterator[Cell]:
        """The cells of a measure: everybody, each team that was asked or answered, each band of tenure."""
        reason = unreliable or HIDDEN.format(k=self.instrument.privacy.k_cell)
        groups: dict[tuple[Cut, str], list[_Answer]] = {}
        for answer in answers:
            for place in self.places[answer.row]:
                groups.setdefault(place, []).append(answer)
        for cut, key in self._cuts():
            if may.whole if cut == "all" else key in (may.teams if cut == "team" else may.tenures):
                yield self._cell(measure, cut, key, groups[cut, key])
            else:
                yield Cell(measure=measure.id, cut=cut, key=key, shown=False, reason=reason)

    def _cuts(self) -> Iterator[tuple[Cut, str]]:
        yield "all", ""
        if "team" in self.instrument.privacy.breakdowns:
            asked = {row.team for row in self.rows} | set(self.facts.invited or ())
            involved = {above for team in asked for above in _up(team, self.parents)}
            yield from (("team", team.name) for team in self.facts.teams if team.name in involved)
        if "tenure" in self.instrument.privacy.breakdowns:
            yield from (("tenure", band) for band in self.tenures)

    def _places(self, row: _Row) -> Iterator[tuple[Cut, str]]:
        """The groups a respondent belongs to."""
        yield "all", ""
        yield from (("team", team) for team in _up(row.team, self.parents))
        if row.tenure is not None:
            yield "tenure", row.tenure

    def _cell(self, measure: Measure, cut: Cut, key: str, group: Sequence[_Answer]) -> Cell:
        score = self._score(measure, group)
        low, high = (None if bound is None else round(bound) for bound in (score.low, score.high))
        n = str(score.n) if score.n >= EXACT else FEW
        return Cell(measure=measure.id, cut=cut, key=key, shown=True, n=n, value=round(score.value), low=low, high=high)

    def _score(self, measure: Measure, group: Sequence[_Answer]) -> Score:
        score: Score | None
        if measure.kind == "index":
            score = scoring.index([one.value for one in group], _seed(measure.id, self.facts.wave))
        elif measure.kind == "recommend":
            scale = self.instrument.scale_of(self.instrument.item(measure.id))
            score = scoring.recommend([int(one.value) for one in group], scale.promoters, scale.detractors)
        elif measure.kind == "choice":
            score = scoring.favourable([int(one.value) for one in group], (1,))
        else:
            scale = self.instrument.scale_of(self.instrument.item(measure.id))
            score = scoring.favourable([int(one.value) for one in group], scale.favourable)
        assert score is not None, "a shown cell has answers"  # noqa: S101
        return score

    def _unreliable(self, measure: Measure) -> str | None:
        """Why an index is not shown, None for one whose items hang together, and for everything else."""
        if measure.kind != "index":
            return None
        index = next(one for one in self.instrument.indices if one.id == measure.id)
        items = [item.id for item in self.instrument.items if item.index == index.items_by_tag]
        whole = set.intersection(*(set(self.codes[item]) for item in items))
        alpha = scoring.cronbach([[float(self.codes[item][row]) for item in items] for row in sorted(whole)])
        if alpha is None or len(whole) < EXACT or alpha >= scoring.ALPHA:
            return None  # too few to judge: k decides
        return UNRELIABLE.format(alpha=alpha)


def _question(measure: Measure) -> str:
    """The item a measure is of."""
    return measure.id.partition(".")[0]


def _placed(response: Response, facts: Facts) -> _Row:
    team = facts.team_of(response.team) if response.team else None
    return _Row(team, (response.tenure or "").strip() or None, response.answers)


def _participation(facts: Facts, rows: Sequence[_Row], k: int) -> tuple[Participation, ...]:
    """Everybody, then the teams of which k or more were asked; counts of fewer do not follow from what is told."""
    if facts.invited is None:
        return ()
    parents = {team.name: team.parent for team in facts.teams}
    may = privacy.countable(facts.invited, parents, k)
    asked = [team for team, count in facts.invited.items() for _ in range(count)]
    invited = Counter(above for team in asked for above in _up(team, parents))
    answered = Counter(above for row in rows for above in _up(row.team, parents))
    whole = [Participation(team=None, invited=len(asked), answered=len(rows), shown=True)] if may.whole else []
    by_team = [
        Participation(team=team.name, invited=invited[team.name], answered=answered[team.name], shown=True)
        if team.name in may.teams
        else Participation(team=team.name, invited=None, answered=None, shown=False)
        for team in facts.teams
        if invited[team.name]
    ]
    return (*whole, *by_team)


def _up(team: str | None, parents: Mapping[str, str | None]) -> Iterator[str]:
    """A team and those above it; nothing for one that is unknown."""
    seen: set[str] = set()
    above = team
    while above is not None and above in parents and above not in seen:
        seen.add(above)
        yield above
        above = parents[above]


def _told(comments: Sequence[Comment], k: int) -> list[Comment]:
    """Those of questions that k people or more commented on: one person has at most one comment for each."""
    written = [one for one in comments if one.text.strip()]
    times = Counter(one.item for one in written)
    return [one for one in written if times[one.item] >= k]


def _quotes(instrument: Instrument, facts: Facts, said: Sequence[Comment]) -> tuple[Quote, ...]:
    texts = {item.id for item in instrument.items if item.type == "text"}
    shared = [one for one in said if one.may_share and one.item in texts]
    quotes = [
        Quote(item=one.item, text=scrub(one.text, facts.names), themes=facts.themes.of(one.text)) for one in shared
    ]
    random.SystemRandom().shuffle(quotes)
    return tuple(quotes)


def _counted(themes: Themes, said: Sequence[Comment], k: int) -> tuple[Theme, ...]:
    """The themes by how often they come up; those of fewer than k comments are named without a number."""
    spoken = [theme for one in said for theme in themes.of(one.text)]
    counts = {name: spoken.count(name) for name in themes.names}
    told = [Theme(name=name, count=count if count >= k else None) for name, count in counts.items() if count]
    return tuple(sorted(told, key=lambda one: (-(one.count or 0), one.name)))


def _texts(instrument: Instrument, texts: Mapping[str, str]) -> dict[str, str]:
    return {language or instrument.survey.languages[0]: text for language, text in texts.items()}


def _credit(item: Item) -> str | None:
    source = item.source
    if source.licence is None:
        return None
    said = ", ".join(part for part in (source.name, source.url, source.licence) if part)
    return f"Adapted from {said}" if source.modified else said


def _attribution(instrument: Instrument) -> str | None:
    return "; ".join(dict.fromkeys(credit for item in instrument.items if (credit := _credit(item)))) or None


def _seed(*parts: str) -> int:
    return random.Random("/".join(parts)).getrandbits(32)  # noqa: S311  (resampling, not secrecy)
