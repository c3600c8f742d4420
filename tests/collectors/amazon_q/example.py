"""The example of an Amazon Q source that the tests for every source use: two reports, and who the users are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

COLUMNS = (
    "UserId", "Date", "Chat_AICodeLines", "Chat_MessagesInteracted", "Chat_MessagesSent", "CodeFix_AcceptedLines",
    "Dev_AcceptedLines", "Dev_GenerationEventCount", "InlineChat_AcceptedLineAdditions", "InlineChat_TotalEventCount",
    "Inline_AICodeLines", "Inline_AcceptanceCount", "Inline_SuggestionsCount", "TestGeneration_EventCount",
)  # fmt: skip
ADA, BEN = "d-906700aaaa.11111111-aaaa", "d-906700aaaa.22222222-bbbb"


def report(*lines: Mapping[str, Any]) -> str:
    """A report of these lines; what a line does not say is zero."""
    rows = [",".join(str(line.get(column, 0)) for column in COLUMNS) for line in lines]
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def settings(folder: Path) -> Mapping[str, Any]:
    """A folder as `aws s3 sync` brings it."""
    for day in ("02", "03"):
        place = folder / f"reports/2026/01/{day}/00"
        place.mkdir(parents=True)
        used = {"Date": f"01-{day}-2026", "Inline_SuggestionsCount": 30, "Inline_AcceptanceCount": 9}
        text = report({"UserId": ADA, **used, "Inline_AICodeLines": 12}, {"UserId": BEN, **used})
        (place / f"1234_by_user_analytic_202601{day}.csv").write_text(text)
    users = [{"UserId": "11111111-aaaa", "UserName": "ada", "Emails": [{"Value": "Ada@example.com", "Primary": True}]}]
    (folder / "users.json").write_text(json.dumps({"Users": users}))
    return {"folder": str(folder / "reports"), "users": str(folder / "users.json")}


def transport(_now: datetime) -> None:
    """No server."""
