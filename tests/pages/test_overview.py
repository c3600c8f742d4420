"""The first page says what the other pages say, in fewer words, and never a number where nothing is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dxmetrics import numbers, ui
from dxmetrics.metrics import Health, Metrics, complete_weeks
from dxmetrics.metrics.attention import Attention, attention
from dxmetrics.metrics.changes import WATCHED, Words, changes, sentences
from dxmetrics.project import Project
from dxmetrics.survey import read as surveys
from dxmetrics.ui import cards
from dxmetrics.ui.cost import view as spending
from dxmetrics.ui.experience import view as asking
from dxmetrics.ui.overview import news, trust
from dxmetrics.ui.reading import Reading

from .conftest import NOW, OpenPage, html

WINDOW = complete_weeks(13, NOW, "UTC")


def test_every_tile_shows_what_the_metrics_api_gives(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("overview")
    assert not app.exception
    assert [one.value for one in app.title] == ["Overview"]
    drawn = html(app)
    for name, label in cards.DORA.items():
        (cell,) = metrics.query(name, start=WINDOW.start, end=WINDOW.end)
        figure, unit = numbers.measure(cell.value, cell.unit)
        assert f'{label}</div><div class="dx-value">{figure}<small>{unit}</small>' in drawn
    assert "24 Aug to 22 Nov 2026, against the 13 weeks before" in drawn


def test_adoption_experience_and_cost_are_those_of_their_pages(
    open_page: OpenPage, metrics: Metrics, published: Project
) -> None:
    drawn = html(open_page("overview"))
    reached = metrics.query("market_share", start=WINDOW.end - timedelta(weeks=1), end=WINDOW.end, by=["capability"])
    reach = {cell.dimensions["capability"]: cell for cell in reached}
    first = published.settings.capabilities[0]
    cell = reach[first.name]
    assert cell.value is not None
    assert f">{cell.value:.0f} % of {cell.n:,}<" in drawn
    wave = surveys.results(published.data).find("devex-quarterly")
    index = surveys.cell(wave, "devex")
    assert index is not None
    assert f">{index.value}</span></div>" in drawn
    (spent,) = metrics.query("cost", start=date(2026, 10, 1), end=date(2026, 11, 1), period="month")
    assert f"{spent.value:,.0f}<small>EUR</small>" in drawn


def test_what_changed_is_told_with_its_reasons_and_opens_its_receipt(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("overview")
    found = changes(metrics, WINDOW.start, WINDOW.end, names=WATCHED)
    assert found, "the sample has a story to tell"
    drawn = html(app)
    for said in sentences(found[: news.MOST]):
        assert (
            "".join(f"<b>{escape(one.text)}</b>" if one.is_strong else escape(one.text) for one in said.words) in drawn
        )
    name = found[0].definition.name
    app.button(key=f"receipt-line-{name}").click().run()
    assert not app.exception
    assert app.query_params["receipt"] == name
    assert any("select" in block.value for block in app.code)


def test_what_needs_attention_is_told_with_what_to_do(open_page: OpenPage, metrics: Metrics) -> None:
    drawn = html(open_page("overview"))
    found = attention(metrics)
    assert found
    for one in found[: news.MOST]:
        assert f"<small>{escape(one.remedy)}</small>" in drawn


def test_it_is_the_first_page_and_leads_to_every_page_it_tells_of(
    published: Project, serve: Callable[[Path, Path], None]
) -> None:
    serve(published.folder, published.data)
    app = AppTest.from_file(Path(ui.__file__).with_name("navigation.py"), default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "Overview"
    ways = {element.proto.page for element in app.get("page_link")}
    assert {"delivery", "adoption", "experience", "cost", "data_health"} <= ways


def test_of_what_nothing_is_known_no_number_is_shown_but_what_to_do(
    tmp_path: Path, published: Project, serve: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that declares nothing; what is published is the sample's, of which surveys and cost are taken away."""
    (tmp_path / "dx.toml").write_text("")
    serve(tmp_path, published.data)
    monkeypatch.setattr(asking, "results", lambda read: surveys.Surveys([]))
    monkeypatch.setattr(spending, "view", lambda read, choice: None)
    app = AppTest.from_file(Path(ui.__file__).parents[3] / "dashboards" / "pages" / "overview.py").run(timeout=60)
    assert not app.exception
    drawn = html(app)
    for title in ("Adoption", "Experience", "Cost"):
        assert f'<div class="dx-label">{title}</div><div class="dx-value none">–</div>' in drawn
    assert "Say under [[capabilities]] in dx.toml" in drawn
    assert "Open a wave on the page Surveys" in drawn
    assert "Name a source of bills in dx.toml" in drawn


# -- its parts --------------------------------------------------------------------------------------------------------


class Still:
    """A reading of which the health is given, and the linkage unknown."""

    def __init__(self, **found: Any) -> None:
        self._health = Health(NOW, "v", **found)

    def health(self) -> Health:
        return self._health

    def comparison(self, *asked: Any) -> Any:
        class Unknown:
            class current:  # noqa: N801  (as the answer calls it)
                coverage = None

        return Unknown


SOURCE = {"source": "git", "age_hours": 1.0, "scopes_not_ok": 0}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"sources": (SOURCE,), "checks": ({"failures": 0},)}, "1 source fresh · 1 check passed"),
        ({"sources": (SOURCE, SOURCE | {"scopes_not_ok": 2})}, "<b>1 of 2 sources not read whole</b>"),
        ({"sources": (SOURCE | {"age_hours": 30.0},)}, "<b>1 of 1 source older than 26 h</b>"),
        ({"sources": (SOURCE | {"age_hours": None},)}, "<b>1 of 1 source older than 26 h</b>"),
        ({"checks": ({"failures": 3}, {"failures": 0})}, "<b>1 of 2 checks failed</b>"),
        ({"quarantine": ({"rows": 2},)}, "<b>2 rows refused</b>"),
    ],
)
def test_how_far_to_trust_is_one_line_in_which_trouble_stands_out(found: dict[str, Any], said: str) -> None:
    still: Any = Still(**found)
    choice: Any = type("Any13Weeks", (), {"start": WINDOW.start, "end": WINDOW.end, "where": {}})
    assert said in trust.line(still, choice)


def test_the_linkage_is_told_where_it_is_known(metrics: Metrics, published: Project) -> None:
    choice: Any = type("Any13Weeks", (), {"start": WINDOW.start, "end": WINDOW.end, "where": {}})
    (cell,) = metrics.query("change_lead_time", start=WINDOW.start, end=WINDOW.end)
    assert cell.coverage is not None
    line = trust.line(Reading(metrics, str(published.data)), choice)
    assert f"{100 * cell.coverage:.0f} % of deployments linked" in line


def test_more_than_fits_is_counted(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Attention("source", (Words("Source "), Words("<git>", is_strong=True)), "Run it again.")
    monkeypatch.setattr(news, "needed", lambda read: (one,) * (news.MOST + 3))
    drawn = html(open_page("overview"))
    assert drawn.count("Source <b>&lt;git&gt;</b>") == news.MOST
    assert "and 3 others" in drawn
