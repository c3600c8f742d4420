"""Working time of the sample organisation: 9 to 18 o'clock in Berlin, without weekends and public holidays.

Working hours are one running number, nine for each working day. Durations drawn in working hours and turned into
instants get nights, weekends, holidays and daylight saving as real work has them.
"""

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")
HOURS_A_DAY = 9.0
OPENS = time(9)


def easter(year: int) -> date:
    """Easter Sunday (Butcher's algorithm)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    month, day = divmod(moon + sunday - 7 * ((golden + 11 * moon + 22 * sunday) // 451) + 114, 31)
    return date(year, month, day + 1)


def holidays(year: int) -> frozenset[date]:
    """The public holidays of a year, with the two days between the years that nobody works."""
    moving = {easter(year) + timedelta(days=days) for days in (-2, 1, 39, 50)}
    fixed = {(1, 1), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31)}
    return frozenset(moving | {date(year, month, day) for month, day in fixed})


def eagerness(monday: date) -> float:
    """How busy the days of a week are: 1 is usual, less in August and around Christmas."""
    if (monday.month, monday.day) >= (12, 18) or (monday.month, monday.day) <= (1, 3):
        return 0.4
    return {12: 0.82, 8: 0.86, 7: 0.95}.get(monday.month, 1.0)


class WorkingTime:
    """Working hours as instants (seconds since 1970) and back, from `first` to `last`."""

    def __init__(self, first: date, last: date) -> None:
        closed = frozenset().union(*(holidays(year) for year in range(first.year, last.year + 1)))
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        self._opens = [
            datetime.combine(day, OPENS, ZONE).timestamp() for day in days if day.weekday() < 5 and day not in closed
        ]

    def instant(self, hours: float) -> float:
        """The instant at which `hours` working hours have passed."""
        day = int(hours // HOURS_A_DAY)
        return self._opens[day] + (hours - HOURS_A_DAY * day) * 3600

    def hours(self, instant: float) -> float:
        """The working hours passed at `instant`; outside working time, those at the end of the last working day."""
        day = bisect_right(self._opens, instant) - 1
        return HOURS_A_DAY * day + min((instant - self._opens[day]) / 3600, HOURS_A_DAY)

    def after(self, instant: float, hours: float) -> float:
        """The instant `hours` working hours after `instant`."""
        return self.instant(self.hours(instant) + hours)


def midnight(day: date) -> float:
    """The instant at which `day` begins in Berlin."""
    return datetime.combine(day, time(), ZONE).timestamp()
