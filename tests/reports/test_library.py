"""Report files: what they say, whose wins, and how what cannot be used is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from dxmetrics.errors import SettingsError
from dxmetrics.metrics.changes import DORA
from dxmetrics.project import Project
from dxmetrics.reports import library
from dxmetrics.reports.sections import KINDS

WHOLE = """\
title: Delivery of Payments
about: For the team and its lead.
audience: team
teams: [Payments, Search]
period: week
sections:
  - key_figures
  - {section: trend, metric: deployments, period: month}
  - section: table
    metrics: [deployments, change_fail_rate]
    order: change_fail_rate
formats: [pdf, xlsx]
schedule: "0 7 3 * *"
deliver:
  - mail: [cto@example.org, "team@example.org"]
  - mail: lead@example.org
  - slack: "#engineering"
  - webhook: teams_engineering
  - folder: reports
  - store: s3://bucket/prefix
"""
LEAST = """\
title: Least
about: As little as there can be.
audience: organisation
period: month
sections: [what_changed]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with an empty folder of reports of its own."""
    (tmp_path / library.FOLDER).mkdir(parents=True)
    return Project.sample(tmp_path, {})


def refused(text: str, name: str = "mine") -> str:
    with pytest.raises(SettingsError) as caught:
        library.parsed(text, name, "mine.yaml")
    return str(caught.value)


def changed(before: str, after: str, text: str = WHOLE) -> str:
    assert before in text
    return text.replace(before, after)


def test_a_report_file_says_everything_there_is_to_say() -> None:
    found = library.parsed(WHOLE, "payments", "payments.yaml")
    assert (found.name, found.audience, found.teams, found.period) == (
        "payments",
        "team",
        ("Payments", "Search"),
        "week",
    )
    assert [one.section for one in found.sections] == ["key_figures", "trend", "table"]
    assert [one.metrics_named for one in found.sections] == [
        DORA, ("deployments",), ("deployments", "change_fail_rate"),
    ]  # fmt: skip
    assert [target.channel for target in found.deliver] == ["mail", "mail", "slack", "webhook", "folder", "store"]
    assert [target.mail for target in found.deliver[:2]] == [
        ("cto@example.org", "team@example.org"), ("lead@example.org",),
    ]  # fmt: skip
    assert (found.formats, found.schedule) == (("pdf", "xlsx"), "0 7 3 * *")


def test_what_is_left_out_has_a_default() -> None:
    found = library.parsed(LEAST, "least", "least.yaml")
    assert (found.teams, found.formats, found.schedule, found.deliver) == ((), ("pdf",), None, ())


@pytest.mark.parametrize("text", [WHOLE, LEAST])
def test_a_report_written_as_yaml_says_the_same(text: str) -> None:
    found = library.parsed(text, "mine", "mine.yaml")
    again = library.as_yaml(found)
    assert library.parsed(again, "mine", "mine.yaml") == found
    assert "section: what_changed" not in again


def test_a_report_cannot_change_once_read() -> None:
    found = library.parsed(LEAST, "least", "least.yaml")
    with pytest.raises(ValidationError):
        found.title = "Other"  # type: ignore[misc]


def test_every_built_in_report_can_be_read_and_says_what_it_is_for(project: Project) -> None:
    found = library.find_all(project)
    assert list(found) == [
        "delivery-review", "engineering-quarterly", "platform-adoption", "survey-results", "weekly-digest",
    ]  # fmt: skip
    assert all(one.about and one.title for one in found.values())
    assert {name: (one.audience, one.period) for name, one in found.items()} == {
        "delivery-review": ("team", "month"),
        "engineering-quarterly": ("organisation", "quarter"),
        "platform-adoption": ("organisation", "month"),
        "survey-results": ("organisation", "quarter"),
        "weekly-digest": ("team", "week"),
    }
    assert found["weekly-digest"].formats == ("mail",)


def test_a_report_of_the_users_replaces_the_built_in_one_of_the_same_name(project: Project) -> None:
    ours = replace(project, roots=(project.folder, *project.roots))
    folder = project.folder / library.FOLDER
    (folder / "delivery-review.yaml").write_text(LEAST, encoding="utf-8")
    (folder / "board.yaml").write_text(changed("Least", "Für den Vorstand", LEAST), encoding="utf-8")
    found = library.find_all(ours)
    assert (found["delivery-review"].title, found["board"].title) == ("Least", "Für den Vorstand")
    assert "weekly-digest" in found


def test_a_broken_file_does_not_stop_another_report(project: Project) -> None:
    ours = replace(project, roots=(project.folder, *project.roots))
    (project.folder / library.FOLDER / "broken.yaml").write_text("title: [", encoding="utf-8")
    assert library.find(ours, "weekly-digest").period == "week"
    with pytest.raises(SettingsError, match=r"broken\.yaml: not valid YAML"):
        library.find_all(ours)


def test_an_unknown_name_is_answered_with_the_near_one(project: Project) -> None:
    with pytest.raises(SettingsError, match="report 'delivery-reviews' is not known: did you mean 'delivery-review'"):
        library.find(project, "delivery-reviews")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("audience: team", "audience: teams", "audience = 'teams': input should be 'team' or 'organisation'"),
        ("title: Delivery of Payments\n", "", "title is missing: add it"),
        ("title:", "titel: X\ntitle:", "'titel' is not known here: did you mean 'title'?"),
        ("period: week", "period: fortnight", "period = 'fortnight': input should be 'week', 'month' or 'quarter'"),
        ("  - key_figures", "  - key_figure", "sections 1: 'key_figure' is not a section: did you mean 'key_figures'?"),
        ("metric: deployments, ", "", "sections 2, metric is missing: add it"),
        ("metric: deployments,", "metrics: deployments,", "sections 2: 'metrics' is not known here: did you mean"),
        ("period: month}", "period: quarter}", "sections 2, period = 'quarter': input should be 'week' or 'month'"),
        ("order: change_fail_rate", "order: rework", "sections 3: order = 'rework' is no column: use one of name, dep"),
        (
            "order: change_fail_rate",
            "order: change_fail_rate\n    by: team",
            "sections 3: order = 'change_fail_rate': teams are not ranked: leave `order` out",
        ),
        (
            "[pdf, xlsx]",
            "[pdf, docx]",
            "formats 2 = 'docx': is not a format: use one of pdf, pptx, xlsx, html, md, csv",
        ),
        ('"0 7 3 * *"', "1d", "schedule = '1d': is no cron expression: write it as"),
        ('"0 7 3 * *"', '"0 25 3 * *"', "schedule = '0 25 3 * *': is not understood"),
        ("lead@example.org", "lead", "deliver 2, mail 1 = 'lead': is no mail address: write it as name@example.org"),
        ("folder: reports", "folders: reports", "deliver 5: 'folders' is not known here: did you mean 'folder'?"),
        ("  - folder: reports", "  - {folder: a, slack: b}", "deliver 5: an entry names exactly one of mail, slack"),
        ("s3://bucket/prefix", "bucket", "deliver 6, store = 'bucket': is no address of an object store"),
        ("audience: team", "audience: organisation", "teams are named, but the audience is the organisation"),
        ("sections:", "sections: []\nother:", "sections = []: "),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place_and_the_remedy(before: str, after: str, words: str) -> None:
    message = refused(changed(before, after))
    assert message.startswith("mine.yaml: ")
    assert words in message


def test_each_problem_of_a_file_has_a_line() -> None:
    message = refused(changed("period: week", "period: day", changed("audience: team", "audience: all")))
    assert [line.split(" = ")[0] for line in message.splitlines()] == ["mine.yaml: audience", "mine.yaml: period"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- b", "is no report: it begins with `title:`"),
        ("", "is no report"),
        ("title: [", "not valid YAML"),
        ("title: !!python/object:os.system {}", "not valid YAML"),
    ],
)
def test_what_is_no_report_at_all_is_refused(text: str, words: str) -> None:
    assert words in refused(text)


def test_a_name_that_could_not_be_in_an_address_is_refused() -> None:
    assert "name the file with small letters" in refused(LEAST, "../etc/passwd")


def test_every_section_tells_who_builds_a_report_what_is_in_it() -> None:
    assert all(kind.about and len(kind.about) <= 110 for kind in KINDS.values())
    assert list(KINDS)[-1] == "definitions"


def test_the_report_of_the_documentation_can_be_used() -> None:
    text = (Path(__file__).parents[2] / "docs/reports.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found = library.parsed(example, "payments", "docs/reports.md")
    assert [target.channel for target in found.deliver] == list(library.CHANNELS)
    told = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in text.splitlines() if "| `" in line)))
    assert set(KINDS) <= told
