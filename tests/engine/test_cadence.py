"""How often something is due, as people write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dxmetrics import cadence

BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY = datetime(2026, 10, 24, 20, tzinfo=UTC)  # the night in which clocks are set back in Berlin


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("90s", SATURDAY + timedelta(seconds=90)),
        ("15m", SATURDAY + timedelta(minutes=15)),
        ("2 h", SATURDAY + timedelta(hours=2)),
        ("1d", SATURDAY + timedelta(days=1)),
        ("0 6 * * 1-5", datetime(2026, 10, 26, 5, tzinfo=UTC)),
        ("30 2 * * *", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("manual", None),
    ],
)
def test_an_interval_a_cron_expression_in_its_zone_and_never(text: str, following: datetime | None) -> None:
    assert cadence.following(cadence.checked(text), SATURDAY, BERLIN) == following


@pytest.mark.parametrize("text", ["", "0m", "15", "often", "99 * * * *", "* * * *", "-5m"])
def test_anything_else_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not understood .*: write an interval such as 15m, 2h or 1d, a cron"):
        cadence.checked(text)
