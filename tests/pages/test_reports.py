"""The page Reports: what is read is what was kept, deliveries are told, and a report is built without YAML."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dxmetrics import pipeline, state
from dxmetrics.errors import SettingsError, StateError
from dxmetrics.metrics import Metrics
from dxmetrics.project import Project
from dxmetrics.reports import library, render, writing
from dxmetrics.reports.archive import Archive
from dxmetrics.reports.document import Document, Tiles
from dxmetrics.state import State
from dxmetrics.state.deliveries import Target
from dxmetrics.ui.reports import builder, desk, draft
from dxmetrics.ui.reports.draft import Draft

from .conftest import html, page

TEAM = "Payments"
DIGEST = "The week in delivery"
SETTINGS = '[organisation]\nname = "Acme"\n[reports]\nteams_webhooks = { hall = "https://example.org/hook" }\n'


class Office:
    """A project of its own that shows the published sample, and its page."""

    def __init__(self, folder: Path, store: State, digest: Document) -> None:
        self.folder = folder
        self.state = store
        self.digest = digest
        self.archive = Archive(store)

    @property
    def project(self) -> Project:
        return Project.find(self.folder)

    def open(self, **query: str) -> AppTest:
        app = AppTest.from_file(page("reports"), default_timeout=60)
        app.query_params.update(query)
        return app.run()

    def unlocked(self, app: AppTest) -> AppTest:
        text, _ = self.state.tokens.create("page", ["reports"], None)
        return app.text_input(key=desk.LOCK.key).set_value(text).run()

    def put(self, name: str, text: str) -> None:
        folder = self.folder / "data" / "reports"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(text)


@pytest.fixture(scope="module")
def digest(published: Project) -> Document:
    """The smallest of the reports, of one team."""
    return writing.written(published, library.find(published, "weekly-digest"), team=TEAM)


@pytest.fixture
def office(
    published: Project, digest: Document, tmp_path: Path, serve: Callable[[Path, Path], None]
) -> Iterator[Office]:
    (tmp_path / "dx.toml").write_text(SETTINGS)
    data = tmp_path / "data"
    data.mkdir()
    (data / "published").symlink_to(published.data / "published")
    serve(tmp_path, data)
    with state.of_project(Project.find(tmp_path), pipeline.utc_now) as store:
        yield Office(tmp_path, store, digest)


def shown(app: AppTest) -> str:
    """The document in the page's frame, as text."""
    (frame,) = app.get("iframe")
    kind, _, document = frame.proto.src.partition(",")
    assert kind == "data:text/html;charset=utf-8;base64"
    return base64.b64decode(document).decode()


def with_other_numbers(document: Document) -> Document:
    """The document as it would have been before late data came."""
    first = document.sections[0]
    (tiles,) = (block for block in first.blocks if isinstance(block, Tiles))
    one = tiles.tiles[1]
    odd = one.model_copy(update={"value": one.value.model_copy(update={"value": 12_345.0})})
    changed = tiles.model_copy(update={"tiles": (tiles.tiles[0], odd, *tiles.tiles[2:])})
    return document.model_copy(
        update={"sections": (first.model_copy(update={"blocks": (changed,)}), *document.sections[1:])}
    )


# -- reading ----------------------------------------------------------------------------------------------------------


def test_what_is_picked_is_written_with_the_numbers_of_the_metrics_api(office: Office, metrics: Metrics) -> None:
    app = office.open(name=DIGEST, **{"for": TEAM})
    assert not app.exception
    assert [one.value for one in app.title] == ["Reports"]
    assert "5 report files, all in order · 0 reports in the archive" in html(app)
    assert "Not kept: as the newest numbers make it" in html(app)
    assert f"{TEAM} · 16 Nov to 22 Nov 2026" in html(app)
    text = shown(app)
    tile = next(one for block in office.digest.sections[0].blocks if isinstance(block, Tiles) for one in block.tiles)
    assert tile.title in text
    assert office.state.editions.newest() == [], "looking keeps nothing"


def test_every_format_can_be_downloaded_under_the_name_it_is_delivered_with(office: Office) -> None:
    kept = office.archive.keep(office.digest)
    app = office.open(report=kept.id)
    buttons = {one.proto.label: one.proto for one in app.get("download_button")}
    assert list(buttons) == [one.title for one in render.FORMATS.values()]
    assert "Edition 1" in html(app)


def test_what_is_kept_is_shown_as_it_was_whatever_the_numbers_are_now(office: Office) -> None:
    office.archive.keep(with_other_numbers(office.digest))
    app = office.open(name=DIGEST, **{"for": TEAM})
    assert "Edition 1" in html(app)
    assert "514" in shown(app), "12,345 hours are 514 days"


def test_an_edition_is_opened_by_the_address_that_messages_link_to(office: Office) -> None:
    document = office.digest
    office.archive.keep(with_other_numbers(document))
    kept = office.archive.keep(document)
    app = office.open(report=kept.id, edition="1")
    assert "Edition 1" in html(app)
    assert f'<a href="reports?report={kept.id}&edition=2" target="_self">2</a>' in html(app)
    assert "Edition 2 corrects edition 1" in shown(office.open(report=kept.id))
    app.button(key="back").click().run()
    assert "report" not in app.query_params
    assert app.selectbox(key="name").value


def test_an_edition_that_is_not_there_is_told(office: Office) -> None:
    app = office.open(report="weekly-digest-nobody-2026-W47")
    assert not app.exception
    assert "there is no edition 1 of report" in html(app)


def test_the_archive_and_the_files_are_listed_with_what_is_wrong(office: Office) -> None:
    kept = office.archive.keep(office.digest)
    office.state.deliveries.plan(kept.id, 1, [Target("mail", "a@example.org"), Target("folder", "out")], ("pdf",))
    first, second = office.state.deliveries.of(kept.id, 1)
    office.state.deliveries.end(first, "sent")
    office.state.deliveries.end(second, "refused", "no such recipient")
    office.put("broken", "title: Broken\n")
    app = office.open(view="Archive")
    assert not app.exception
    table = app.dataframe[0].value
    assert table[["Report", "For", "Period", "Edition", "Delivery"]].to_numpy().tolist() == [
        [DIGEST, TEAM, "16 Nov to 22 Nov 2026", 1, "1 delivered, 1 refused"]
    ]
    drawn = html(app)
    assert "6 report files, 1 file to correct · 1 report in the archive" in drawn
    assert "about is missing: add it" in drawn
    assert "every week, by hand" in drawn


def test_when_a_report_is_written_next_is_told_or_what_it_waits_for(office: Office) -> None:
    next_at = pipeline.utc_now().replace(year=2027, month=1, day=3, hour=7, minute=0, second=0, microsecond=0)
    office.state.deliveries.schedule("delivery-review", "0 7 3 * *", next_at)
    office.state.deliveries.schedule("weekly-digest", "0 7 * * 1", next_at, "waits for data to the end of week 47")
    drawn = html(office.open(view="Archive"))
    assert "every month, next 3 Jan 2027, 07:00 UTC" in drawn
    assert "every week, waits for data to the end of week 47" in drawn


def test_a_project_without_teams_or_state_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "teams_of", lambda report, metrics: ())
    assert "No team is known yet" in html(office.open(name=DIGEST))

    def refuse(*given: Any) -> State:
        raise StateError("state: data/state.sqlite is no database")

    monkeypatch.setattr(desk, "opened", refuse)
    app = office.open()
    assert not app.exception
    assert "state: data/state.sqlite is no database" in html(app)


# -- keeping and sending ----------------------------------------------------------------------------------------------


def test_addresses_are_whole_for_those_only_who_may_send(office: Office) -> None:
    kept = office.archive.keep(office.digest)
    office.state.deliveries.plan(kept.id, 1, [Target("mail", "ada@example.org"), Target("slack", "#eng")], ("pdf",))
    (one, other) = office.state.deliveries.of(kept.id, 1)
    office.state.deliveries.end(one, "unclear", "the connection broke")
    office.state.deliveries.put_off(other, pipeline.utc_now() + timedelta(hours=1), "Slack does not answer")
    app = office.open(report=kept.id)
    drawn = html(app)
    assert "<td>a…@example.org</td><td>may have arrived: the connection broke</td>" in drawn
    assert re.search(
        r"<td>#eng</td><td>put off after 1 attempt, again [^:]+:\d\d UTC: Slack does not answer</td>", drawn
    )
    assert "ada@example.org" not in drawn
    drawn = html(office.unlocked(app))
    assert "<td>ada@example.org</td>" in drawn


def test_without_a_token_nothing_is_kept_or_sent(office: Office) -> None:
    app = office.open(name=DIGEST, **{"for": TEAM})
    assert app.button(key="keep").disabled
    assert app.code[0].value == "dxmetrics tokens create reports-page --scope reports --days 90"
    assert "Its file names nobody who gets it" in app.caption[0].value


def test_a_token_keeps_a_report_and_has_it_sent(office: Office) -> None:
    own = library.as_yaml(library.find(office.project, "weekly-digest"))
    office.put("weekly-digest", f"{own}deliver:\n- mail: ada@example.org\n- webhook: hall\n")
    asked = {"name": DIGEST, "for": TEAM}
    app = office.unlocked(office.open(**asked))
    assert "It goes to ada@example.org, hall." in app.caption[0].value
    app.button(key="send").click().run()
    assert not app.exception
    (kept,) = office.archive.all()
    assert (kept.report, kept.team, kept.edition) == ("weekly-digest", TEAM, 1)
    found = office.state.deliveries.of(kept.id, 1)
    assert {(one.channel, one.recipient, one.status) for one in found} == {
        ("mail", "ada@example.org", "planned"),
        ("webhook", "hall", "planned"),
    }
    office.state.deliveries.end(found[0], "failed", "given up after 9 attempts")
    app.button(key="send").click().run()
    assert [one.status for one in office.state.deliveries.of(kept.id, 1)] == ["planned", "planned"], "asked for again"
    assert len(office.archive.editions(kept.id)) == 1


# -- building ---------------------------------------------------------------------------------------------------------


def test_a_report_is_built_saved_and_found_without_a_line_of_yaml(office: Office) -> None:
    app = office.open(view="Build")
    assert not app.exception
    assert "Our delivery" in shown(app), "there is something to look at from the beginning"
    next(one for one in app.text_input if one.label == "Title").set_value("Été in Payments").run()
    assert next(one.value for one in app.text_input if one.label == "Name of its file") == "ete-in-payments"
    teams = next(one for one in app.multiselect if one.label == "Teams")
    teams.set_value([TEAM]).run()
    next(one for one in app.selectbox if one.label == "Add").set_value("trend").run()
    assert "sections 5, metric is missing: add it" in html(app), "a section is not whole yet"
    next(one for one in app.selectbox if one.label == "Metric").set_value("deployments").run()
    app.button(key="up-4").click().run()
    app.button(key="away-1").click().run()
    next(one for one in app.text_area if one.label.startswith("To whom")).set_value("ada@example.org\n#eng").run()
    assert not app.exception
    assert "Deployments a week" in shown(app)
    assert app.button(key="save").disabled
    app = office.unlocked(app)
    app.button(key="save").click().run()
    assert not app.exception
    assert "Saved ete-in-payments.yaml" in app.success[0].value
    found = library.find(office.project, "ete-in-payments")
    assert [one.section for one in found.sections] == ["key_figures", "coverage", "trend", "definitions"]
    assert (found.title, found.teams, found.period) == ("Été in Payments", (TEAM,), "month")
    assert [one.channel for one in found.deliver] == ["mail", "slack"]
    assert "Été in Payments" in office.open().selectbox(key="name").options


def test_the_builder_begins_with_a_report_there_is(office: Office) -> None:
    app = office.open(view="Build")
    app.selectbox(key="begin").set_value("survey-results").run()
    assert not app.exception
    assert next(one.value for one in app.text_input if one.label == "Title") == "What developers say"
    assert "What developers say" in shown(app)
    assert not [one for one in app.multiselect if one.label == "Teams"], "it is one for everybody"


def test_a_recipient_that_is_none_is_named_and_nothing_can_be_saved(office: Office) -> None:
    app = office.open(view="Build")
    next(one for one in app.text_area if one.label.startswith("To whom")).set_value("ada").run()
    assert not app.exception
    assert "recipient &#x27;ada&#x27; is not understood" in html(app)
    assert "the name of a webhook (hall)" in html(app)
    assert not [one for one in app.button if one.key == "save"]


def test_a_project_without_a_folder_of_its_own_shows_what_to_copy(
    published: Project, serve: Callable[[Path, Path], None]
) -> None:
    serve(published.folder, published.data)
    app = AppTest.from_file(page("reports"), default_timeout=60)
    app.query_params["view"] = "Build"
    app.run()
    assert not app.exception
    assert "This project has no folder of its own that can be written" in html(app)
    assert "title: Our delivery" in app.code[0].value


# -- drafts -----------------------------------------------------------------------------------------------------------


def test_a_draft_of_a_report_says_what_the_report_says(office: Office) -> None:
    for report in library.find_all(office.project).values():
        assert draft.checked(draft.of_report(report)) == report


def test_recipients_are_read_from_lines_and_written_back() -> None:
    lines = "ada@example.org\nlead@example.org for Payments, Search\n#eng\nhall\nout/reports/\ns3://bucket/prefix"
    found = draft.targets(f"\n{lines}\n\n", ("hall",))
    assert found == [
        {"mail": ["ada@example.org"]},
        {"mail": ["lead@example.org"], "teams": ["Payments", "Search"]},
        {"slack": "#eng"},
        {"webhook": "hall"},
        {"folder": "out/reports"},
        {"store": "s3://bucket/prefix"},
    ]
    made = draft.checked(Draft(sections=[{"section": "cost"}], recipients=lines), ("hall",))
    assert draft.of_report(made).recipients == lines


@pytest.mark.parametrize("place", ["/etc/cron.d/", "../elsewhere/", "out/../../elsewhere/", "~/"])
def test_a_page_sends_nothing_into_folders_outside_of_the_project(place: str) -> None:
    with pytest.raises(SettingsError, match="is outside of the project: name a folder in it"):
        draft.targets(place, ())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": ""}, "name the file with small letters"),
        ({"title": "", "name": "x"}, "title"),
        ({"sections": []}, "sections"),
        ({"schedule": "every day"}, "schedule = 'every day'"),
        ({"name": "../x"}, "name the file with small letters"),
        ({"sections": [{"section": "table"}]}, "sections 1, metrics is missing"),
    ],
)
def test_a_draft_that_is_not_whole_says_what_is_missing(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        draft.checked(Draft(**{"sections": [{"section": "cost"}], **changed}))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("place", "by", "order"), [(0, 1, "bac"), (2, -1, "acb"), (0, -1, "abc"), (2, 1, "abc"), (1, 1, "acb")]
)
def test_a_section_moves_up_and_down_and_stays_inside(place: int, by: int, order: str) -> None:
    sections = [{"section": name} for name in "abc"]
    assert "".join(one["section"] for one in draft.moved(sections, place, by)) == order


def test_every_kind_of_section_has_a_name_in_the_builder() -> None:
    from dxmetrics.reports.sections import KINDS

    assert set(builder.TITLES) == set(KINDS)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("no folder")
    made = draft.checked(Draft(sections=[{"section": "cost"}]))
    with pytest.raises(SettingsError, match="cannot be written"):
        draft.save(tmp_path / "reports", made)
