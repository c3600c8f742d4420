"""Webhooks: how a vendor signs them, and which scopes of its source they are about.

A webhook is never mapped to records. It makes the poller look at once; polling stays the guarantee.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Headers = Mapping[str, str]  # names in lower case


@dataclass(frozen=True)
class Webhook:
    """What the engine has to know of a vendor's webhooks.

    verify       raises SignatureError where headers and raw body are not signed with the secret as of now
    delivery_id  the same for the same delivery, however often it comes
    looks        the scopes to collect now; none: nothing that is read changed; None: the list of scopes did
    """

    verify: Callable[[Headers, bytes, str, datetime], None]
    delivery_id: Callable[[Headers, bytes], str]
    looks: Callable[[Headers, Mapping[str, Any]], tuple[str, ...] | None]
