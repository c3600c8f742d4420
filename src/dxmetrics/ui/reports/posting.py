"""Deliveries in words. Whoever may not send sees that there is a recipient, and not the whole address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dxmetrics import numbers

if TYPE_CHECKING:
    from dxmetrics.state.deliveries import ReportDelivery, Target

CHANNELS = {"mail": "Mail", "slack": "Slack", "webhook": "Webhook", "folder": "Folder", "store": "Object store"}
SHORT = {
    "planned": "waiting",
    "sending": "being sent",
    "sent": "delivered",
    "refused": "refused",
    "unclear": "unclear",
    "failed": "given up",
}


def rows(deliveries: Iterable[ReportDelivery], *, is_open: bool) -> list[dict[str, object]]:
    """One row a delivery: where it goes, and what became of it."""
    return [
        {"To": CHANNELS[one.channel], "Recipient": recipient(one.target, is_open=is_open), "Outcome": outcome(one)}
        for one in deliveries
    ]


def outcome(one: ReportDelivery) -> str:
    """What became of a delivery, with the reason where it is not simply there."""
    why = one.why or "no reason is known"
    if one.status == "sent":
        return f"delivered {numbers.instant(one.ended_at)}{f'; {one.why}' if one.why else ''}"
    if one.status == "planned" and not one.attempts:
        return "waits for the worker, which sends it within a minute"
    if one.status == "planned":
        tried = numbers.count(one.attempts, "attempt")
        return f"put off after {tried}, again {numbers.instant(one.next_at)}: {why}"
    if one.status == "sending":
        return "is being sent"
    return {"refused": "refused", "unclear": "may have arrived", "failed": "given up"}[one.status] + f": {why}"


def totals(deliveries: Iterable[ReportDelivery]) -> str:
    """ "3 delivered, 1 refused"; blank where nothing is to be delivered."""
    counts = Counter(SHORT[one.status] for one in deliveries)
    return ", ".join(f"{counts[words]:,} {words}" for words in SHORT.values() if counts[words])


def plan(goes_to: Sequence[Target], *, is_open: bool) -> str:
    """Who gets it, in a sentence."""
    if not goes_to:
        return "Its file names nobody who gets it: add recipients in the builder, or under `deliver` in the file."
    named = ", ".join(recipient(one, is_open=is_open) for one in goes_to)
    return f"It goes to {named}. The worker sends it; nobody gets an edition twice."


def recipient(one: Target, *, is_open: bool) -> str:
    """Where something goes; of a mail address only its first letter and host where addresses are not for the reader."""
    if one.channel != "mail" or is_open:
        return one.recipient
    name, _, host = one.recipient.partition("@")
    return f"{name[:1]}…@{host}"
