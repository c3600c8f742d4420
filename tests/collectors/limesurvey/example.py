"""The example of a LimeSurvey source that the tests for every source use: a survey with several kinds of questions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.limesurvey import PASSWORD, USER, LimeSurvey, column

SURVEY = 471100


def settings(_folder: Path) -> Mapping[str, Any]:
    """A survey whose questions are items."""
    items = {
        "focus": "flow_focus_v1",
        "platform[nps]": "recommend_v1",
        "often": "frequency_v1",
        "comment": "comment_v1",
    }
    access = {"url": "https://survey.example.org", "user": USER, "token": PASSWORD, "form": str(SURVEY)}
    return {**access, "survey": "devex", "items": items, "team": "team"}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    server = LimeSurvey(now - timedelta(days=40))
    server.add_survey(
        SURVEY,
        column("focus", "5", "<p>I can focus</p>"),
        column("platform", ":", "Recommend?", "nps"),
        column("often", "L", "How often?", options={"A1": "Daily", "A2": "Weekly"}),
        column("comment", "T", "What else?"),
        column("team", "!", "Your team", options={"pay": "payments"}),
    )
    for place in range(6):
        said = {"focus": str(1 + place % 5), "platform[nps]": str(10 - place), "often": "A1", "team": "pay"}
        server.answer(SURVEY, said=said, comment=f"Comment {place}")
        server.now += timedelta(days=6)
    server.answer(SURVEY, focus="1", is_handed_in=False)
    server.now = now - timedelta(hours=2)
    return server
