"""What an answer says about the server's clock, its quotas and the wait it asks for.

All waits are taken from one answer: an instant in it is compared with the server's own `Date`, so a wrong clock on this
machine does not matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

PREFIXES = ("x-ratelimit", "ratelimit")
NUMBER = re.compile(r"\s*(\d{1,15}(?:\.\d+)?)")  # the first of `100, 100;w=60`
FIRST_INSTANT = 1e9  # a smaller number is a duration in seconds; from here on it is an instant since 1970 in seconds,
FIRST_MILLISECONDS = 1e11  # and from here on in milliseconds
LONGEST_ASKED = 366 * 86_400.0


@dataclass(frozen=True)
class Quota:
    """One quota as an answer states it; None is what it does not say. `seconds` from the answer on it is renewed."""

    resource: str
    limit: float | None
    remaining: float | None
    seconds: float | None


def served_at(response: httpx2.Response) -> datetime | None:
    """When the server says it answered: the `Date` header."""
    return _http_date(response.headers.get("date", ""))


def asked_wait(response: httpx2.Response, now: datetime) -> float | None:
    """Seconds that `Retry-After` asks to wait; None where it does not stand there or cannot be read."""
    text = response.headers.get("retry-after")
    if text is None:
        return None
    if (seconds := _number(text)) is not None:
        return min(seconds, LONGEST_ASKED)
    return _seconds_until(_http_date(text), response, now)


def quota(response: httpx2.Response, now: datetime) -> Quota | None:
    """The quota this answer names by `X-RateLimit-*` or `RateLimit-*`; None if it names none."""
    headers = response.headers
    for prefix in PREFIXES:
        limit, remaining = _number(headers.get(f"{prefix}-limit")), _number(headers.get(f"{prefix}-remaining"))
        if limit is not None or remaining is not None:
            resource = headers.get(f"{prefix}-resource") or headers.get(f"{prefix}-name") or ""
            return Quota(resource, limit, remaining, _renewal(headers.get(f"{prefix}-reset"), response, now))
    return None


def _renewal(text: str | None, response: httpx2.Response, now: datetime) -> float | None:
    """Seconds until a reset, which vendors write as seconds left, as epoch seconds or milliseconds, or in ISO 8601."""
    if text is None:
        return None
    number = _number(text)
    if number is None or re.match(r"\s*\d{4}-\d\d", text):
        return _seconds_until(_iso(text), response, now)
    if number < FIRST_INSTANT:
        return min(number, LONGEST_ASKED)
    epoch = number if number < FIRST_MILLISECONDS else number / 1000
    return _seconds_from(epoch, response, now)


def _seconds_until(moment: datetime | None, response: httpx2.Response, now: datetime) -> float | None:
    return None if moment is None else _seconds_from(moment.timestamp(), response, now)


def _seconds_from(epoch: float, response: httpx2.Response, now: datetime) -> float:
    answered = served_at(response) or now
    return min(max(0.0, epoch - answered.timestamp()), LONGEST_ASKED)


def _number(text: str | None) -> float | None:
    found = NUMBER.match(text or "")
    return float(found[1]) if found else None


def _http_date(text: str) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None  # not in the form RFC 9110 gives it


def _iso(text: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(text.strip()))
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
