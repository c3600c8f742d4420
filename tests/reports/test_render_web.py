"""The page and its Markdown, read with a parser of HTML and as text."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from dxmetrics.palette import DARK, LIGHT, Tokens
from dxmetrics.reports.document import Document
from dxmetrics.reports.render import prose, render, words
from tests.reports import example

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """The texts, the tables and the tags of a page; an AssertionError where a tag is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


@cache
def page() -> Page:
    return Page(example.rendered("html").decode())


@cache
def markdown() -> str:
    return example.rendered("md").decode()


def test_it_is_one_small_file_that_asks_for_nothing_else_and_runs_nothing() -> None:
    assert len(example.rendered("html")) < 1_000_000
    assert page().open == []
    assert {"script", "link", "iframe", "object", "img"}.isdisjoint(tag for tag, _ in page().tags)
    outside = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", example.rendered("html").decode())
    assert set(outside) == {"http://www.w3.org"}
    assert not any(name.startswith("on") for _, attributes in page().tags for name in attributes)


def test_every_number_stands_on_the_page() -> None:
    for tile in example.TILES.tiles:
        assert tile.value.text in " ".join(page().text.split()), tile.title
    (table,) = page().tables
    shown = [[cell for place, cell in enumerate(row) if place != 5] for row in table[1:]]  # the sixth is the bar
    assert shown == words.cells(example.SERVICE_TABLE)


def test_names_are_texts_not_markup() -> None:
    assert example.MARKUP in page().text
    assert b"<b>ledger" not in example.rendered("html")
    assert all(name in page().text for name in example.NAMES)


def test_titles_are_a_hierarchy_and_pictures_say_what_they_show() -> None:
    levels = [int(tag[1]) for tag, _ in page().tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    said = [attributes["aria-label"] for _, attributes in page().tags if attributes.get("role") == "img"]
    assert said == [figure.alt for figure in example.figures()]


def test_what_is_drawn_is_repainted_in_the_dark() -> None:
    html = example.rendered("html").decode()
    dark = html.partition("prefers-color-scheme:dark")[2].partition("\n")[0]
    colours = {str(getattr(LIGHT, field.name)): str(getattr(DARK, field.name)) for field in fields(Tokens)[1:]}
    used = set(re.findall(r'(?:fill|stroke)="(#\w+|rgba[^"]*)"', html)) - {"none"}
    assert used <= set(colours)
    for light, after in colours.items():
        assert f'.drawing [fill="{light}"]{{fill:{after}}}' in dark


def test_a_tile_that_is_unknown_says_why() -> None:
    assert "not enough data: 3 changes, at least 5 are needed" in page().text


def test_markdown_has_every_number_in_tables() -> None:
    lines = markdown().splitlines()
    for row in words.cells(example.SERVICE_TABLE):
        assert f"| {' | '.join(map(prose.escaped, row))} |" in lines
    for tile in example.TILES.tiles:
        assert any(line.startswith(f"| {tile.title} | {tile.value.text} |") for line in lines)
    assert "| 26 Oct (not over) | 93 | 5 |" in lines
    assert "|  | Did not need a fix, deployments | Needed a fix, deployments |" in lines
    assert "| Mobile | 9.4 h | 3.9 h | 6.3 h | 2.6 h |" in lines


def test_markdown_of_the_data_is_escaped() -> None:
    assert "\\<b\\>ledger\\</b\\> \\& co" in markdown()
    assert "<b>" not in markdown()
    assert "- **\\<b\\>ledger\\</b\\> \\& co** (18.5 %) and **\\#panic" in markdown()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1. not a list", "1\\. not a list"),
        ("2026", "2026"),
        ("- x\n# y", "\\- x # y"),
        ("[a](b) `c` | d_e", "\\[a\\](b) \\`c\\` \\| d\\_e"),
        ("+5 %", "\\+5 %"),
    ],
)
def test_nothing_becomes_a_list_a_link_or_a_cell(text: str, said: str) -> None:
    assert prose.escaped(text) == said


def test_a_section_with_one_block_of_its_name_has_one_title() -> None:
    services = example.EXAMPLE.sections[2]
    said = render(Document.model_validate({**dict(example.EXAMPLE), "sections": (services,)}), "md").decode()
    assert said.count("Services\n") == 1
    assert "## Services" in said
    assert "### Overdue actions" in said
