"""How often something is done, as people write it: `15m`, `2h`, `1d`, a cron expression, or `manual`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from datetime import tzinfo

MANUAL = "manual"

_INTERVAL = re.compile(r"([1-9]\d{0,5})\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def checked(text: str) -> str:
    """The text itself; ValueError where it is none of the three forms."""
    if text != MANUAL and _interval(text) is None:
        try:
            CronSim(text, datetime.now(UTC))
        except CronSimError as error:
            raise ValueError(
                f"is not understood ({error}): write an interval such as 15m, 2h or 1d, a cron expression such as "
                f'"0 6 * * 1-5", or {MANUAL}'
            ) from None
    return text


def following(text: str, moment: datetime, zone: tzinfo) -> datetime | None:
    """The first time after `moment` when it is due, in UTC; cron expressions are in `zone`. None: only when asked."""
    if text == MANUAL:
        return None
    interval = _interval(text)
    if interval is not None:
        return moment + interval
    return next(CronSim(text, moment.astimezone(zone))).astimezone(UTC)


def _interval(text: str) -> timedelta | None:
    found = _INTERVAL.fullmatch(text)
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]]) if found else None
