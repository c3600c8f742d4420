"""The example of a Microsoft Forms source that the tests for every source use: an export, and another tool's table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.fakes.microsoft_forms import export, response

QUESTIONS = ("I can focus", "How likely would you recommend our platform?", "What else?", "Your team")


def settings(folder: Path) -> Mapping[str, Any]:
    """A folder with two files whose columns are items of one survey."""
    answers = [("4 - Agree", 10 - place, f"Comment {place}", "payments") for place in range(6)]
    days = [datetime(2026, 1, day, 9, 30) for day in range(1, 7)]  # noqa: DTZ001 - as Excel has it
    lines = [response(place, day, *one) for place, (day, one) in enumerate(zip(days, answers, strict=True), 1)]
    export(folder / "Pulse(1-6).xlsx", QUESTIONS, *lines)
    text = "timestamp;I can focus;Your team\n2026-01-02T10:00:00+01:00;4;search\n2026-01-02T10:00:00+01:00;4;search\n"
    (folder / "other.csv").write_text(text)
    items = dict(zip(QUESTIONS, ("flow_focus_v1", "recommend_v1", "comment_v1"), strict=False))
    return {"paths": (".",), "survey": "devex", "items": items, "team": "Your team", "zone": "Europe/Berlin"}


def transport(_now: datetime) -> None:
    """Nothing is asked of a server."""
    return
