"""A document in as many lines as fit into a channel: its key figures and the first of its statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dxmetrics.notify import slack
from dxmetrics.reports.document import Document, Sentence, Sentences, Span, Tile, Tiles

MOST_TILES = 6
MOST_SENTENCES = 5
MARKS = re.compile(r"([\\*_\[\]`~])")  # what Markdown would take for its own
STAR = "∗"  # an asterisk that ends no bold text in Slack


def in_slack(document: Document, link: str | None) -> str:
    """For Slack, as mrkdwn."""
    lines = [f"*{_bold(document.title)}*", slack.escaped(_about(document)), ""]
    lines += [f"• {_bold(tile.title)}: *{_bold(tile.value.text)}*{_compared(tile)}" for tile in _tiles(document)]
    lines += ["• " + "".join(map(_mrkdwn, sentence.spans)) for sentence in _sentences(document)]
    if link:
        lines += ["", slack.link(link, "Open in the archive")]
    return "\n".join(lines)


def in_teams(document: Document, link: str | None) -> dict[str, Any]:
    """For a workflow of Microsoft Teams: a message with an Adaptive Card."""
    facts = [{"title": tile.title, "value": _marked(tile.value.text + _compared(tile))} for tile in _tiles(document)]
    said = ["- " + "".join(map(_markdown, sentence.spans)) for sentence in _sentences(document)]
    body: list[Mapping[str, Any]] = [
        {"type": "TextBlock", "text": _marked(document.title), "size": "Large", "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": _marked(_about(document)), "isSubtle": True, "wrap": True, "spacing": "None"},
    ]
    if facts:
        body.append({"type": "FactSet", "facts": facts})
    body += [{"type": "TextBlock", "text": one, "wrap": True, "spacing": "Small"} for one in said]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in the archive", "url": link}] if link else [],
    }
    attached = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attached]}


def _about(document: Document) -> str:
    parts = [document.organisation, document.scope, document.span]
    if document.edition > 1:
        parts.append(f"corrected, edition {document.edition}")
    if document.is_sample:
        parts.append("sample data")
    return " · ".join(filter(None, parts))


def _tiles(document: Document) -> list[Tile]:
    blocks = (block for section in document.sections for block in section.blocks if isinstance(block, Tiles))
    return [tile for block in blocks for tile in block.tiles][:MOST_TILES]


def _sentences(document: Document) -> list[Sentence]:
    """What an edition corrects, then what it states, at most so many in all."""
    return [*document.corrections, *_stated(document)][:MOST_SENTENCES]


def _stated(document: Document) -> Iterator[Sentence]:
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Sentences):
                yield from block.sentences


def _compared(tile: Tile) -> str:
    return f" ({tile.compared})" if tile.compared else ""


def _bold(text: str) -> str:
    return slack.escaped(text).replace("*", STAR)


def _mrkdwn(span: Span) -> str:
    return f"*{_bold(span.text)}*" if span.is_strong and span.text.strip() else slack.escaped(span.text)


def _marked(text: str) -> str:
    return MARKS.sub(r"\\\1", text)


def _markdown(span: Span) -> str:
    return f"**{_marked(span.text)}**" if span.is_strong and span.text.strip() else _marked(span.text)
