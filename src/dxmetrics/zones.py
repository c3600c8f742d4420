"""Time zones as settings name them."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("is not a time zone: use an IANA name such as UTC or Europe/Berlin") from None
    return name


ZoneName = Annotated[str, AfterValidator(_known)]  # an IANA name that this machine knows
