"""A document with every block there is, and what is hardest to render: other scripts, markup, formulas, unknowns."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

from dxmetrics.reports.document import (
    Chart,
    Column,
    Document,
    Figure,
    Meaning,
    Meanings,
    Section,
    Sentence,
    Sentences,
    Series,
    Span,
    Table,
    Tile,
    Tiles,
    Value,
)
from dxmetrics.reports.render import render

FORMULA = "=cmd|' /C calc'!A0"
MARKUP = "<b>ledger</b> & co"
TYPST = "#panic($*_`@ledger`_*$) \\ //"
LONG = "checkout-" * 14 + "api"
SCRIPTS = ("Πληρωμές", "Платежи", "תשלומים", "المدفوعات", "支付服务", "決済", "결제")
NAMES = (FORMULA, MARKUP, TYPST, LONG, *SCRIPTS, "+1 team", "-2 team", "@team", "\tteam")
SERVICES = 200
HIDDEN = Value(value=None, unit="hours", is_hidden=True, reason="fewer than 5 people")
UNKNOWN = Value(value=None, unit="hours", n=3, reason="not enough data: 3 changes, at least 5 are needed")


def document(**changes: object) -> Document:
    """The example; `changes` replace its fields."""
    return Document.model_validate({**dict(EXAMPLE), **changes})


def service(number: int) -> str:
    """The name of a service: the first few are the hard ones."""
    return NAMES[number] if number < len(NAMES) else f"service-{number:03}"


@cache
def rendered(format_name: str) -> bytes:
    """The example in a format, made once for all tests."""
    return render(EXAMPLE, format_name)


def values() -> list[Value]:
    """Every number of the example's tiles and tables."""
    tiles = [tile.value for tile in TILES.tiles]
    return tiles + [entry for row in SERVICE_TABLE.rows for entry in row if isinstance(entry, Value)]


def figures() -> tuple[Figure, ...]:
    """Every figure of the example."""
    return (DEPLOYMENTS, LEAD_TIME, STAGES, SCORES)


def words(text: str, *strong: str, metric: str | None = None, change: str | None = None) -> Sentence:
    """A sentence in which each of `strong` is set off."""
    spans: list[Span] = []
    for word in strong:
        before, _, text = text.partition(word)
        spans += [Span(text=before), Span(text=word, is_strong=True)]
    return Sentence.model_validate({"spans": (*spans, Span(text=text)), "metric": metric, "change": change})


def sundays(first: date, weeks: int) -> tuple[date, ...]:
    """The first days of `weeks` weeks."""
    return tuple(first + timedelta(weeks=number) for number in range(weeks))


STARTS = sundays(date(2026, 8, 3), 13)
WEEKS = tuple(f"{day.day} {day:%b}" for day in STARTS)
LAST_IS_PARTIAL = (*[False] * 12, True)

TILES = Tiles(
    tiles=(
        Tile(
            metric="deployments",
            title="Deployment frequency",
            value=Value(value=42.4, unit="deployments/week", n=551),
            compared="+5 % against September",
            change="better",
            note="551 deployments",
            points=(38.0, 39.5, None, 41.0, 40.2, 42.4),
        ),
        Tile(
            metric="change_lead_time",
            title="Change lead time",
            value=Value(value=12.7, unit="hours", n=2541, low=11.9, high=13.4),
            compared="11 % shorter than in September",
            change="better",
            note="2,541 changes, 11.9 to 13.4 h",
            points=(16.1, 15.0, 14.2, 14.4, 13.1, 12.7),
        ),
        Tile(
            metric="change_fail_rate",
            title="Change fail rate",
            value=Value(value=9.0, unit="%", n=551, k=50, low=6.9, high=11.7),
            compared="+1.3 points against September",
            change="worse",
            note="50 of 551 deployments",
            points=(8.1, 7.7, 9.0),
        ),
        Tile(metric="failed_deployment_recovery_time", title="Failed deployment recovery time", value=UNKNOWN),
        Tile(metric="wellbeing", title="Satisfaction with the tools at hand", value=HIDDEN),
    )
)
CHANGED = Sentences(
    title="What changed",
    sentences=(
        words(
            "Lead time fell by 11 % to 12.7 hours. Mobile is still slowest at 22 hours; 4 of them are spent waiting.",
            "Mobile",
            metric="change_lead_time",
            change="better",
        ),
        words(f"{MARKUP} (18.5 %) and {TYPST} stand out.", MARKUP, TYPST, metric="change_fail_rate", change="worse"),
        words("15 of 21 services deploy through the golden path."),
    ),
)
NOTHING = Sentences(title="Risks", sentences=(), nothing="No risk was found by the rules that look for them.")
DEPLOYMENTS = Figure(
    title="Deployments a week",
    note="Light: no fix was needed. Red: needed a fix. The last week is not over.",
    alt="Columns: between 198 and 233 deployments a week, about one in ten needed a fix.",
    chart=Chart(
        kind="columns",
        categories=WEEKS,
        series=(
            Series(
                name="Did not need a fix",
                tone="bars",
                values=(192, 178, None, 180, 213, 191, 180, 199, 200, 206, 200, 210, 93),
            ),
            Series(name="Needed a fix", tone="bad", values=(20, 21, None, 19, 20, 14, 18, 18, 22, 16, 15, 11, 5)),
        ),
        unit="deployments",
        starts=STARTS,
        is_partial=LAST_IS_PARTIAL,
    ),
)
LEAD_TIME = Figure(
    title="Change lead time",
    note="The median, with the middle half as a band.",
    alt="A line that falls from 16.1 hours to 12.7 hours.",
    chart=Chart(
        kind="line",
        categories=WEEKS,
        series=(
            Series(
                name="Median",
                tone="accent",
                values=(16.1, 15.8, 15.0, None, 14.2, None, 14.4, 13.9, 13.1, 13.3, 12.9, 12.7, 11.0),
                low=(9.0, 8.8, 8.1, None, 7.5, None, 7.7, 7.2, 7.0, 6.9, 6.8, 6.1, 6.0),
                high=(30.2, 28.0, 27.1, None, 25.0, None, 26.1, 24.4, 22.2, 23.0, 22.1, 21.9, 19.0),
            ),
        ),
        unit="hours",
        starts=STARTS,
        is_partial=LAST_IS_PARTIAL,
    ),
)
STAGES = Figure(
    title="Where lead time goes",
    alt="Bars: Mobile takes longest, 22.2 hours, of which 4 are spent waiting for a review.",
    chart=Chart(
        kind="bars",
        categories=("Mobile", "Payments", LONG, *SCRIPTS, "Nobody knows"),
        series=(
            Series(name="Coding", tone="coding", values=(9.4, 6.4, 5.7, 4.9, 3.6, 2.8, 2.2, 2.0, 1.8, 1.0, None)),
            Series(name="Waiting", tone="pickup", values=(3.9, 2.8, 2.3, 2.1, 1.5, 1.3, 1.2, 1.0, 0.9, 0.5, None)),
            Series(name="Review", tone="review", values=(6.3, 3.8, 3.9, 3.1, 2.2, 2.0, 1.7, 1.5, 1.1, 0.6, None)),
            Series(name="Deploy", tone="deploy", values=(2.6, 1.9, 1.7, 1.5, 1.1, 0.9, 0.8, 0.5, 0.4, 0.2, None)),
        ),
        unit="hours",
    ),
)
SCORES = Figure(
    title="Satisfaction by driver",
    note="The share of favourable answers with its interval.",
    alt="Dots: builds are liked least, 41.0 %.",
    chart=Chart(
        kind="dots",
        categories=("Build speed", "Documentation", "On-call", "Reviews"),
        series=(
            Series(
                name="Favourable",
                tone="accent",
                values=(41.0, 55.5, None, 71.2),
                low=(30.1, 44.0, None, 60.9),
                high=(52.8, 66.1, None, 79.6),
            ),
        ),
        unit="%",
    ),
)
SERVICE_TABLE = Table(
    title="Services",
    note="Worst first.",
    columns=(
        Column(title="Service"),
        Column(title="Team"),
        Column(title="First deployment", kind="date"),
        Column(title="Deployments", kind="number", unit="deployments"),
        Column(title="Change fail rate", kind="number", unit="%", has_bar=True),
        Column(title="Lead time", kind="number", unit="hours"),
    ),
    rows=tuple(
        (
            service(number),
            None if number == 5 else SCRIPTS[number % len(SCRIPTS)],
            date(2024, 1, 1) + timedelta(days=number),
            Value(value=float(1200 - number), unit="deployments"),
            Value(value=18.5 - number * 0.09, unit="%", n=50 + number, k=9, low=1.0, high=20.0),
            HIDDEN if number == 3 else UNKNOWN if number == 4 else Value(value=number * 0.7, unit="hours", n=20),
        )
        for number in range(SERVICES)
    ),
)
EMPTY_TABLE = Table(
    title="Overdue actions", columns=(Column(title="Action"), Column(title="Due", kind="date")), rows=()
)
MEANINGS = Meanings(
    meanings=(
        Meaning(
            metric="change_lead_time",
            title="Change lead time",
            unit="hours",
            meaning="The median time from a change's first commit until it runs in production.",
            source="dora.dev, software delivery metrics",
        ),
        Meaning(
            metric="change_fail_rate",
            title="Change fail rate",
            unit="%",
            meaning="The share of deployments that needed a rollback, a hotfix or a patch.",
            source="dora.dev, software delivery metrics",
        ),
    )
)
EXAMPLE = Document(
    report="monthly-delivery",
    title="Monthly delivery review",
    organisation="Example & Sons",
    team="Платежи",
    start=date(2026, 10, 1),
    end=date(2026, 11, 1),
    compared_with="September 2026",
    zone="Europe/Berlin",
    as_of=datetime(2026, 11, 2, 6, 30, tzinfo=UTC),
    data_version="20261102T063012",
    sections=(
        Section(
            name="key_figures",
            title="Delivery performance",
            lead="Changes reach production faster; more of them need a fix.",
            blocks=(TILES, CHANGED, DEPLOYMENTS, LEAD_TIME),
        ),
        Section(name="stages", title="Where time goes", blocks=(STAGES, SCORES, NOTHING)),
        Section(name="services", title="Services", blocks=(SERVICE_TABLE, EMPTY_TABLE)),
        Section(name="definitions", title="Definitions", blocks=(MEANINGS,)),
    ),
    footnotes=("Teams with fewer than five changes are left out.",),
    id="monthly-delivery-payments-2026-10",
    edition=2,
    corrections=(words("Change fail rate was 8.8 %, and is 9.0 %: 2 incidents came late.", "Change fail rate"),),
)
