"""What the cards of adoption, experience and cost show, as HTML; where nothing is known, what makes it known."""

from collections.abc import Sequence
from html import escape

from dxmetrics import numbers
from dxmetrics.metrics import FEW_PEOPLE
from dxmetrics.survey import Measure
from dxmetrics.ui import bars, reading, sparkline
from dxmetrics.ui.adoption import rows as reaching
from dxmetrics.ui.adoption import view as adopting
from dxmetrics.ui.adoption.reach import Reach
from dxmetrics.ui.cost import view as spending
from dxmetrics.ui.cost import words as money
from dxmetrics.ui.experience import rows as saying
from dxmetrics.ui.experience import scores
from dxmetrics.ui.experience import view as asking
from dxmetrics.ui.experience.view import View
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Reading

MOST_CAPABILITIES = 4  # rows that fit: what is known and what people may choose comes first


def adoption(read: Reading, choice: Choice) -> str:
    """How far capabilities reach among those they could serve, in the last complete week."""
    declared = reading.project().settings.capabilities
    if not declared:
        return nothing(
            "Adoption", "No capability is declared", "Say under [[capabilities]] in dx.toml what the platform offers."
        )
    seen = adopting.View(read, declared, declared[0], choice)
    reaches = read.once(("reaches", choice), lambda: reaching.reaches(seen))
    shown = sorted(reaches, key=lambda one: (one.share is None, one.is_mandated))[:MOST_CAPABILITIES]
    more = len(reaches) - len(shown)
    note = f'<div class="dx-note">and {numbers.count(more, "other", "others")}</div>' if more else ""
    return f"{label('Adoption', 'of eligible services or people')}{bars.drawn(map(_reach, shown))}{note}"


def experience(read: Reading) -> str:
    """What developers said in the newest wave: the indices and the recommend score, and who took part."""
    surveys = asking.results(read)
    names = asking.order(surveys)
    if not names:
        return nothing("Experience", "No survey has results", "Open a wave on the page Surveys: it takes a minute.")
    wave = surveys.waves(names[0])[0].wave
    seen = read.once(("experience", names[0], wave), lambda: View.of(surveys, names[0], wave))
    told = "".join(_score(seen, measure) for measure in seen.measures("index", "recommend")[:2])
    return (
        f"{label('Experience', f'{seen.now.survey}, {wave}')}"
        f'<div class="dx-pair">{told}</div>{_part(seen)}{_loudest(seen)}'
    )


def cost(read: Reading, choice: Choice) -> str:
    """What the last whole month cost, and how much of it belongs to nobody."""
    seen = spending.view(read, choice)
    last = seen.last if seen else None
    if seen is None or last is None:
        why = "No charge is known" if seen is None else "No month is over yet"
        return nothing("Cost", why, "Name a source of bills in dx.toml, such as a folder of FOCUS exports.")
    before, name = seen.before, f"{last.cell.period_start:%B %Y}"
    spent = f"{last.cell.value or 0:,.0f}<small>{escape(seen.currency)}</small>"
    earlier = f"{money.money(before.cell.value, seen.currency)} in {before.cell.period_start:%B}" if before else ""
    left = numbers.measure(last.unallocated_share, "%")
    each = f"{last.per_deployment:,.2f} {seen.currency} a deployment" if last.per_deployment is not None else ""
    line = sparkline.drawn([month.cell for month in seen.months], "Cost by month")
    return (
        f"{label('Cost', name)}"
        f'<div class="dx-pair">{_figure(spent, earlier)}{_figure(f"{left[0]}<small>{left[1]}</small>", "unallocated")}'
        f'</div><div class="dx-note">{escape(each)}</div>{line}'
    )


def label(title: str, of: str) -> str:
    """The first line of a card: its title, and in grey what its numbers are of."""
    return f'<div class="dx-label">{escape(title)} <span>{escape(of)}</span></div>'


def nothing(title: str, why: str, remedy: str) -> str:
    """The card of a part that nothing is known of: never a number, and what to do."""
    return (
        f'<div class="dx-label">{escape(title)}</div><div class="dx-value none">–</div>'
        f'<div class="dx-note reason">{escape(why)}. {escape(remedy)}</div>'
    )


def _reach(one: Reach) -> str:
    cell, share = one.of_eligible, one.share
    if cell is None or share is None:
        hidden = cell is not None and one.hides(cell)
        return bars.bar(one.title, None, FEW_PEOPLE if hidden else (cell and cell.reason) or "not known")
    return bars.bar(one.title, share / 100, f"{share:.0f} % of {cell.n:,}")


def _score(seen: View, measure: Measure) -> str:
    cell = seen.cell(measure)
    said = f"{seen.said(measure.text)}, of 100" if measure.kind == "index" else "recommend score"
    if cell is None or cell.value is None:
        reason = cell.reason if cell is not None and cell.reason else "not asked in this wave"
        return _figure("–", f"{said}: {reason}")
    sure = f"{scores.UNITS[measure.kind]}; 95 %: {cell.low} to {cell.high}, n {cell.n}"
    return _figure(
        f'<span title="{escape(sure)}">{cell.value}</span>', said, saying.change(seen, cell, measure, is_short=True)
    )


def _figure(figure: str, note: str, change: str = "") -> str:
    return f'<div><div class="dx-value">{figure}</div><div class="dx-note">{escape(note)}</div>{change}</div>'


def _part(seen: View) -> str:
    everybody = scores.whole(seen.now)
    share = scores.rate(everybody) if everybody else None
    if everybody is None or share is None:
        return ""
    doubt = ": they may not speak for the others" if share < scores.ENOUGH else ""
    return f'<div class="dx-note">{100 * share:.0f} % of {everybody.invited:,} people answered{doubt}</div>'


def _loudest(seen: View) -> str:
    """The answer of everybody that changed most since the wave before, where that is more than noise."""
    asked: Sequence[Measure] = seen.measures("likert")
    found = [
        (change, measure)
        for measure in asked
        if (cell := seen.cell(measure)) is not None and (change := seen.change(cell)) is not None and change.is_signal
    ]
    if not found:
        return ""
    change, measure = max(found, key=lambda pair: abs(pair[0].value))
    arrow, tone = ("▲", "good") if change.value > 0 else ("▼", "bad")
    return (
        f'<div class="dx-change"><b class="{tone}">{arrow} {abs(change.value):.0f} points</b> '
        f"“{escape(seen.said(measure.text))}”</div>"
    )
