"""Instants as a sender writes them: RFC 3339 with a zone, and nothing else that looks like a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE)


def instant(text: Any) -> datetime:
    """The instant in UTC; ValueError says what is wrong with it, and how to write it."""
    found = _RFC_3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("is no RFC 3339 time: write it as 2026-03-31T12:00:00Z")
    if found[4] is None:
        raise ValueError("has no zone: write it as 2026-03-31T12:00:00Z, or with its offset")
    try:
        return datetime.fromisoformat(found[0].upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no day or hour of a calendar: write it as 2026-03-31T12:00:00Z") from None
