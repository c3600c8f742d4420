"""What is worth having ready before the first reader comes."""

from dxmetrics import palette
from dxmetrics.errors import DxError
from dxmetrics.ui import cards, charts, filters, reading, stages, tables
from dxmetrics.ui.overview import faces, news
from dxmetrics.ui.reading import Reading


def run() -> None:
    """Imports what pages import and asks what the first two will ask; without a readable publication that is all."""
    try:
        read = reading.current()
        _overview(read)
        _delivery(read)
    except DxError:
        return  # the page says what is wrong; a server that does not start says it to nobody


def _overview(read: Reading) -> None:
    choice = filters.usual(read)
    for name, label in cards.DORA.items():
        cards.compact(read, name, label, choice)
    faces.adoption(read, choice)
    faces.experience(read)
    faces.cost(read, choice)
    news.changed(read, choice)
    news.needed(read)


def _delivery(read: Reading) -> None:
    choice, colour = filters.usual(read), palette.LIGHT
    for name, label in cards.DORA.items():
        cards.face(read, name, label, choice)
    weeks = read.cells("change_fail_rate", choice.start, choice.until, choice.where, period="week")
    counted = read.cells("deployments", choice.start, choice.end, choice.where, period="week")
    charts.validated(charts.deployments(weeks, counted, colour))
    dots = read.few_rows("change_lead_time", choice.start, choice.until, choice.where)
    weeks = read.cells("change_lead_time", choice.start, choice.until, choice.where, period="week")
    charts.validated(charts.lead_time(weeks, dots, colour))
    split = stages.by_team_or_service(read, choice, colour)
    charts.validated(charts.stages(split.rows, split.parts, colour))
    tables.services(read, choice, "delivery")
