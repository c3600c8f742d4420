"""The example of a Formbricks source that the tests for every source use: a survey with each kind of question."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.formbricks import Formbricks, choice, element

SURVEY = "cm4survey0000example"


def settings(_folder: Path) -> Mapping[str, Any]:
    """A survey whose questions are items."""
    items = {"focus": "flow_focus_v1", "nps": "recommend_v1", "often": "frequency_v1", "else": "comment_v1"}
    return {"token": "fbk_secret", "form": SURVEY, "survey": "devex", "items": items, "team": "team"}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    server = Formbricks(now - timedelta(days=40))
    often = element("often", "multipleChoiceSingle", "How often?", choices=[choice("Daily"), choice("Weekly")])
    questions = (
        element("focus", "rating", "I can focus", scale="number", range=5), element("nps", "nps", "Recommend?"), often,
        element("else", "openText", "What else?"),
    )  # fmt: skip
    server.add_survey(SURVEY, "How is your work?", *questions, hidden=("team",))
    for place in range(6):
        said: dict[str, Any] = {"focus": 1 + place % 5, "nps": 10 - place, "often": "Daily", "else": f"Comment {place}"}
        server.answer(SURVEY, **said, team="payments")
        server.now += timedelta(days=6)
    server.answer(SURVEY, focus=1, is_finished=False)
    server.now = now - timedelta(hours=2)
    return server
