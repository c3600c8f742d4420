"""Scorecards, levels, failing checks and exemptions as HTML: pure functions of what was read."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from urllib.parse import quote

from dxmetrics import numbers
from dxmetrics.ui import bars
from dxmetrics.ui.standards.scorecards import BELOW, Check, Failure, Result, Scorecard

MARKS = {"fail": "✕", "exempt": "◷", "pass": "✓", "not_applicable": "–"}  # the most urgent first
WORDS = {"pass": "passes", "fail": "fails", "exempt": "exempt", "not_applicable": "does not apply"}
NEW = {"new": "The check, or the service, is new"}
YEAR, YEARS_FROM = 365.25, 730  # days; from two years on they are hard to picture
SOON = 30  # days before an exemption ends in which somebody should know
MOST_CARDS = 100  # scorecards of one page; the address filters by team and service


def levels(counts: Mapping[str, int]) -> str:
    """The share of services on each level as rows of bars, the lowest first."""
    total = sum(counts.values()) or 1
    return bars.drawn(
        bars.bar(
            level.capitalize(),
            count / total,
            f"{100 * count / total:.0f} %",
            numbers.count(count, "service"),
            is_bad=level == BELOW,
        )
        for level, count in counts.items()
    )


def failures(found: Sequence[Failure]) -> str:
    """The failing checks with what to do about each, the one most services fail first."""
    return "".join(
        f'<div class="dx-standard"><div><b>{escape(one.check.title)}</b>{_badge(one.check)}'
        f"<small>{escape(one.check.remedy)}</small></div>"
        f'<div class="said"><b>{one.failing:,}</b> of {one.applicable:,}<small>{_age(one.days)}</small></div></div>'
        for one in found
    )


def scorecards(cards: Sequence[Scorecard], page: str) -> str:
    """The services worst first, each with its level, what it passes, and the next thing to do; links filter `page`."""
    rows = "".join(_card(card, page) for card in cards[:MOST_CARDS])
    return (
        '<div class="dx-list"><table class="dx-cards"><thead><tr><th>Service</th><th>Level</th><th>Passes</th>'
        f"<th>Do next</th><th>Fails since</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def one_service(results: Sequence[Result], tiers: Sequence[str]) -> str:
    """Every check of one service, tier by tier, what fails first."""
    urgency = list(MARKS)
    ordered = sorted(results, key=lambda one: (tiers.index(one.check.tier), urgency.index(one.status), one.check.title))
    return "".join(_result(one) for one in ordered)


def exemptions(found: Sequence[Result], today: date) -> str:
    """What is let off, for which services, until when and why, the soonest to end first."""
    alike: dict[tuple[str, str, date | None], list[Result]] = {}
    for one in found:
        alike.setdefault((one.check.title, one.reason, one.until), []).append(one)
    return "".join(_exemption(group, today) for group in alike.values())


def failures_note(found: Sequence[Failure]) -> str:
    """What there is to see: how much fails, in how many checks."""
    if not found:
        return "Nothing fails"
    total = sum(one.failing for one in found)
    return f"{numbers.count(total, 'failure')} of {numbers.count(len(found), 'check')}, what most services fail first"


def exemptions_note(found: Sequence[Result]) -> str:
    """How much is let off, and what becomes of it."""
    if not found:
        return "Nothing is: write [[exemptions]] in dx.toml, with standard, service, until and reason"
    return f"{numbers.count(len(found), 'exemption')}; on the day it ends, the check counts again"


def _card(card: Scorecard, page: str) -> str:
    step = card.next_step
    todo = "nothing fails" if step is None else f"{escape(step.check.title)}: {escape(step.check.remedy)}"
    owner = escape(card.team or "no owner")
    return (
        f'<tr><td><a href="{page}?service={quote(card.service)}" target="_self">{escape(card.service)}</a>'
        f'<small>{owner}</small></td><td><span class="dx-badge{" plain" if card.level == BELOW else ""}">'
        f'{escape(card.level.capitalize())}</span></td><td class="number">{card.passed} of {card.applicable}</td>'
        f'<td>{todo}</td><td class="number">{_age(step.days if step else None, "")}</td></tr>'
    )


def _exemption(group: Sequence[Result], today: date) -> str:
    """One check that several services are let off for the same reason until the same day."""
    first = group[0]
    services = ", ".join(one.service for one in group)
    return (
        f'<div class="dx-standard"><div><b>{escape(first.check.title)}</b> {escape(services)}'
        f"<small>{escape(NEW.get(first.reason, first.reason))}</small></div>"
        f'<div class="said">{_until(first, today)}</div></div>'
    )


def _result(one: Result) -> str:
    said = one.check.remedy if one.status == "fail" else one.reason
    until = f" until {numbers.day(one.until)}" if one.until and one.status == "exempt" else ""
    since = f"<small>{_age(one.days, '')}</small>" if one.status == "fail" else ""
    return (
        f'<div class="dx-standard"><div><i class="{one.status}">{MARKS[one.status]}</i><b>{escape(one.check.title)}</b>'
        f'{_badge(one.check)}<small>{escape(said)}</small></div><div class="said">{WORDS[one.status]}{until}{since}'
        "</div></div>"
    )


def _until(one: Result, today: date) -> str:
    if one.until is None:
        return "without an end"
    left = (one.until - today).days
    soon = f'<small class="bad">{numbers.count(left, "day")} left</small>' if left <= SOON else ""
    return f"until {numbers.day(one.until)}{soon}"


def _age(days: float | None, before: str = "median ") -> str:
    if days is None:
        return ""
    return before + (numbers.count(round(days), "day") if days < YEARS_FROM else f"{days / YEAR:.0f} years")


def _badge(check: Check) -> str:
    return f' <span class="dx-badge plain">{escape(check.tier.capitalize())}</span>'
