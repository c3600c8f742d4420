"""The example of a Google Forms source that the tests for every source use: a form with each kind of question."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.google_forms import GoogleForms, choices, free, key_of, scale


def settings(folder: Path) -> Mapping[str, Any]:
    """A form whose three questions are items of one survey, and one that tells the team."""
    (folder / "key.json").write_text(key_of(), encoding="utf-8")
    items = {"1a": "flow_focus_v1", "2b": "recommend_v1", "3c": "comment_v1"}
    return {"key_file": "key.json", "form": "1BxiMVs0XRA5", "survey": "devex", "items": items, "team": "4d"}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    server = GoogleForms(now - timedelta(days=40))
    server.add_form(
        "1BxiMVs0XRA5", "How is your work?", scale("I can focus", "1a", 1, 5), scale("Recommend?", "2b", 0, 10),
        free("What else?", "3c"), choices("Your team", "4d", "payments", "search"),
    )  # fmt: skip
    for place in range(6):
        said = {"1a": [str(1 + place % 5)], "2b": [str(10 - place)], "3c": [f"Comment {place}"], "4d": ["payments"]}
        server.answer("1BxiMVs0XRA5", said)
        server.now += timedelta(days=6)
    server.now = now - timedelta(minutes=1)
    return server
