"""The example of a Typeform source that the tests for every source use: a form with each kind of question."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.typeform import Typeform, choice, chosen, number, question, words

FOCUS = question("q1", "opinion_scale", "I can focus", steps=5, start_at_one=True)
RECOMMEND = question("q2", "nps", "Would you recommend our platform?", steps=11, start_at_one=False)
FREQUENCY = question("q3", "multiple_choice", "How often?", choices=[choice("Daily"), choice("Weekly")])
COMMENT = question("q4", "long_text", "What else?")


def settings(_folder: Path) -> Mapping[str, Any]:
    """A form whose four questions are items of one survey."""
    items = {"q1": "flow_focus_v1", "ref_q2": "recommend_v1", "q3": "frequency_v1", "q4": "comment_v1"}
    return {"token": "tfp_secret", "form": "u6nXL7", "survey": "devex", "items": items, "team": "team"}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server, whose clock is a little behind `now`."""
    server = Typeform(now - timedelta(days=40))
    server.add_form("u6nXL7", "How is your work?", FOCUS, RECOMMEND, FREQUENCY, COMMENT, hidden=("team",))
    for place in range(6):
        said = [number(FOCUS, 1 + place % 5), number(RECOMMEND, 10 - place), chosen(FREQUENCY, "Daily")]
        server.answer("u6nXL7", *said, words(COMMENT, f"Comment {place}"), hidden={"team": "payments"})
        server.now += timedelta(days=6)
    server.now = now - timedelta(hours=2)
    return server
