"""Rows of bills: each service's machines and builds, the assistant's seats, what all share, and what names nobody."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from .dice import Dice
from .organisation import Organisation


def bill(organisation: Organisation, today: date) -> Iterator[dict[str, Any]]:
    """The charges of the month before `today`, the first day of a month."""
    start = (today - timedelta(days=1)).replace(day=1)
    period = {"period_start": start, "period_end": today, "currency": "EUR"}
    for row in (
        *_services(organisation, start), *_assistants(organisation, start), *_shared(organisation, start),
        *_untagged(organisation, start),
    ):  # fmt: skip
        yield period | row | {"ext_id": f"{row['ext_id']}-{start:%Y%m}"}


def _services(organisation: Organisation, start: date) -> Iterator[dict[str, Any]]:
    """Machines cost about the same in every month, until the cloud asks for more."""
    rise = organisation.stories["price_rise"]
    price = float(rise["times"]) if start >= organisation.weeks_ago("price_rise") else 1.0
    for service in organisation.services:
        if organisation.born(service) > start:
            continue
        size = Dice(organisation.seed, "bill", service.name).duration(250 + 70 * service.merges_per_week, 0.4)
        dice = Dice(organisation.seed, "bill", service.name, start)
        charges = {"compute": size * price, "ci": service.merges_per_week * 14}
        for category, amount in charges.items():
            yield {
                "ext_id": f"{service.name}-{category}", "provider": "cloud", "resource": service.name,
                "category": category, "amount": _money(amount * dice.between(0.95, 1.05)), "service": service.name,
                "team": service.team.slug if service.team else None,
            }  # fmt: skip


def _assistants(organisation: Organisation, start: date) -> Iterator[dict[str, Any]]:
    """Seats of those who use the assistant, what they ask beyond them, and one that was tried beside it."""
    for team in organisation.teams:
        seats = len(organisation.assisted(team, start + timedelta(days=27)))
        beyond = Dice(organisation.seed, "beyond seats", team.slug, start).between(5, 9) * organisation.agents(start)
        if seats:
            yield {
                "ext_id": f"assistant-{team.slug}", "provider": "assistant", "category": "ai_assistant",
                "amount": _money(seats * (19 + beyond)), "team": team.slug,
            }  # fmt: skip
    trial = organisation.stories["trial_of_another_assistant"]
    if start >= organisation.weeks_ago("trial_of_another_assistant"):
        yield {
            "ext_id": "another-assistant", "provider": "another assistant", "category": "ai_assistant",
            "amount": _money(trial["a_month"]), "currency": trial["currency"], "team": "platform",
        }  # fmt: skip


def _shared(organisation: Organisation, start: date) -> Iterator[dict[str, Any]]:
    for capability in organisation.capabilities:
        monthly = Dice(organisation.seed, "bill", capability.name).between(450, 1100)
        dice = Dice(organisation.seed, "bill", capability.name, start)
        yield {
            "ext_id": capability.name, "provider": "cloud", "category": "platform", "allocation": "shared",
            "amount": _money(monthly * dice.between(0.95, 1.05)), "capability": capability.name,
        }  # fmt: skip


def _untagged(organisation: Organisation, start: date) -> Iterator[dict[str, Any]]:
    """Charges of accounts that say nothing of whose they are."""
    story = organisation.stories["untagged"]
    months = (start - organisation.epoch).days / 30.4
    for resource, monthly in story["accounts"].items():
        yield {
            "ext_id": resource, "provider": "cloud", "resource": resource, "category": "other",
            "amount": _money(monthly * (1 + float(story["growth"])) ** max(0.0, months)),
        }  # fmt: skip


def _money(amount: float) -> str:
    return f"{amount:.2f}"
