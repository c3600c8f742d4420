"""How values are written: the same number reads the same on every page."""

from datetime import date, datetime

HOURS_READ_AS_DAYS = 72  # from three days on, hours are hard to picture


def measure(value: float | None, unit: str) -> tuple[str, str]:
    """The value as (figure, unit) in the unit people would say it in; a dash where it is unknown."""
    if value is None:
        return "–", ""
    if unit == "hours":
        return _duration(value)
    if unit == "%":
        return f"{value:.0f}" if abs(value) >= 99.95 or value == 0 else f"{value:.1f}", "%"
    words = unit.replace("/week", " a week")
    return decimal(value), words.replace("days ", "day ") if value == 1 else words


def text(value: float | None, unit: str) -> str:
    """The value in one string: "12.7 h", "9.0 %", "–"."""
    figure, words = measure(value, unit)
    return f"{figure} {words}".rstrip()


def interval(low: float | None, high: float | None, unit: str) -> str | None:
    """Both ends of a confidence interval in one unit, or None when either is unknown."""
    if low is None or high is None:
        return None
    if unit == "hours":
        factor, words = hours_scale(high)
        return f"{_length(low / factor, words)} to {_length(high / factor, words)} {words}"
    return f"{measure(low, unit)[0]} to {text(high, unit)}"


def difference(low: float, high: float, unit: str) -> str:
    """Both ends of a difference's interval with their signs: "+4.0 to +18.2 h", "−2.1 to −0.4 points"."""
    if unit == "hours":
        factor, words = hours_scale(max(abs(low), abs(high)))
        ends = [_length(abs(one) / factor, words) for one in (low, high)]
    else:
        words = "points" if unit == "%" else measure(0.0, unit)[1]
        ends = [f"{abs(one):.1f}" if unit == "%" else decimal(abs(one)) for one in (low, high)]
    signed = (f"{'−' if one < 0 else '+'}{end}" for one, end in zip((low, high), ends, strict=True))
    return f"{' to '.join(signed)} {words}".rstrip()


def hours_scale(largest: float) -> tuple[float, str]:
    """Divisor and unit for a set of hours whose largest is given: minutes, hours or days."""
    if largest < 1:
        return 1 / 60, "min"
    if largest < HOURS_READ_AS_DAYS:
        return 1.0, "h"
    return 24.0, "d"


def decimal(value: float) -> str:
    """At most three significant digits, thousands grouped, no trailing zero."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    rounded = f"{value:.1f}" if abs(value) >= 1 or value == 0 else f"{value:.2g}"
    return rounded.removesuffix(".0")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """ "1 change", "2,541 changes"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def day(value: date) -> str:
    """ "3 Nov 2026"."""
    return f"{value.day} {value:%b %Y}"


def span(start: date, end: date) -> str:
    """A half-open window with both of its days named: "3 Aug to 1 Nov 2026"."""
    last = date.fromordinal(end.toordinal() - 1)
    first = day(start) if start.year != last.year else f"{start.day} {start:%b}"
    return f"{first} to {day(last)}"


def instant(value: datetime | None) -> str:
    """ "3 Nov 2026, 14:05 UTC", or "never"."""
    return f"{day(value)}, {value:%H:%M %Z}" if value else "never"


def age(value: datetime | None, now: datetime) -> str:
    """How long ago in one unit: "5 min", "3 h", "2 d"; "never" where there is no instant."""
    if value is None:
        return "never"
    return text((now - value).total_seconds() / 3600, "hours")


def _duration(hours: float) -> tuple[str, str]:
    factor, words = hours_scale(abs(hours))
    return _length(hours / factor, words), words


def _length(value: float, words: str) -> str:
    return f"{value:,.0f}" if words == "min" or abs(value) >= 100 else f"{value:.1f}"
