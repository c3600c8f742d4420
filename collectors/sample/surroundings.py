"""Rows of the organisation itself, and of what goes on around repositories: platform use, tickets, costs."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from dxmetrics import records

from . import organisation as shape
from .dice import Dice
from .organisation import AGENT, DEPLOYER, HOST, RENOVATE, Organisation
from .plan import first_commit
from .rows import Rows, instant
from .work import HOUR
from .worktime import midnight

MACHINES = ((RENOVATE, "Renovate", "bot"), (DEPLOYER, "Deploy bot", "bot"), (AGENT, "Pair agent", "agent"))


def structure(organisation: Organisation, rows: Rows) -> None:
    """Add accounts, teams, memberships as of the day, and services."""
    epoch = midnight(organisation.epoch)
    for machine, name, kind in MACHINES:
        rows.add(records.Identity, epoch, {"ext_id": machine, "login": machine, "name": name, "kind": kind})
    for person, name in organisation.people.items():
        address = organisation.address(person)
        rows.add(records.Identity, midnight(organisation.since[person]), {
            "ext_id": person, "login": address.partition("@")[0], "name": name, "email": address, "kind": "human",
            "url": f"https://git.example.com/{person}",
        })  # fmt: skip
    for team in organisation.teams:
        rows.add(records.Team, epoch, {"ext_id": team.slug, "name": team.name})
    for stay in organisation.stays:
        if stay.team:
            _membership(organisation, stay, rows)
    for service in organisation.services:
        if service.team:
            _service(organisation, service, rows)


def _membership(organisation: Organisation, stay: shape.Stay, rows: Rows) -> None:
    ends = midnight(stay.until) if stay.until else None
    is_over = ends is not None and ends <= rows.until
    rows.add(records.Membership, rows.latest(midnight(stay.since), ends), {
        "ext_id": f"{stay.team}/{stay.person}", "team": stay.team, "person": stay.person,
        "valid_from": stay.since if stay.since > organisation.epoch else None,
        "valid_to": stay.until if is_over else None,
    })  # fmt: skip


def _service(organisation: Organisation, service: shape.Service, rows: Rows) -> None:
    born = midnight(organisation.born(service))
    moves = organisation.paved(service, organisation.anchor) > 0 and not service.template
    moved = midnight(organisation.weeks_ago("golden_path")) if moves else None
    story = organisation.stories["golden_path"]
    template = story["template"] if moved is not None and moved <= rows.until else service.template
    rows.add(records.Service, rows.latest(born, moved), {
        "ext_id": service.name, "url": f"https://portal.example.com/services/{service.name}", "name": service.name,
        "type": "service", "lifecycle": "production", "tier": service.tier, "language": service.language,
        "team": service.team.slug if service.team else None, "repository": f"harbour/{service.repository}",
        "paths": service.paths, "created_at": instant(born), "template": template,
        "template_version": "3.2" if template else None,
    })  # fmt: skip


def week(organisation: Organisation, monday: date, rows: Rows) -> None:
    """Add the platform use, the tickets, the assistant's usage, and what is billed in this week."""
    dice = Dice(organisation.seed, "surroundings", monday)
    begins = midnight(monday)
    for capability in organisation.words["capabilities"]:
        for team in organisation.teams:
            members = organisation.members(team, monday)
            share = organisation.on_platform(team, monday) if capability["needs_template"] else 1.0
            mean = capability["per_person_week"] * len(members) * share * organisation.volume
            services = organisation.paved_services(team, monday) if capability["needs_template"] else ()
            for number in range(dice.count(mean)):
                key = f"{capability['name']}-{team.slug}-{monday:%G%V}-{number}"
                service = Dice(organisation.seed, key).pick(services) if services else None
                _use(capability, key, team.slug, dice.pick(members), begins, dice, rows, service=service)
    _stories(organisation, monday, dice, rows)
    for offset in range(7):
        _day(organisation, monday + timedelta(days=offset), dice, rows)


def _use(
    capability: Mapping[str, Any],
    key: str,
    team: str,
    person: str,
    begins: float,
    dice: Dice,
    rows: Rows,
    *,
    service: str | None,
) -> None:
    """One use of a capability: by oneself, or by a ticket that somebody answers."""
    occurred = begins + (int(dice.share() * 5) * 24 + dice.between(9, 18)) * HOUR
    if not dice.happens(capability["ticket_share"]):
        rows.add(records.PlatformEvent, occurred, {
            "ext_id": key, "occurred_at": instant(occurred), "capability": capability["name"],
            "action": dice.pick(capability["actions"]), "outcome": "success" if dice.happens(0.96) else "failure",
            "person": person, "team": team, "service": service, "duration_seconds": round(dice.duration(70), 1),
        })  # fmt: skip
        return
    title = f"{dice.pick(capability['actions'])} for {capability['name'].replace('-', ' ')}"
    answered = occurred + dice.duration(5, 0.9) * HOUR
    done = answered + min(dice.duration(14, 1.0), 400) * HOUR
    _issue(
        key, title, "request", occurred, answered, done, rows, team=team, author=person, capability=capability["name"]
    )


def _stories(organisation: Organisation, monday: date, dice: Dice, rows: Rows) -> None:
    """The trackers' ordinary work: what teams plan and finish."""
    for team in organisation.teams:
        members = organisation.members(team, monday)
        for number in range(dice.count(0.3 * len(members) * organisation.volume)):
            created = midnight(monday) + (int(dice.share() * 5) * 24 + dice.between(9, 18)) * HOUR
            started = created + min(dice.duration(30, 1.0), 300) * HOUR
            done = started + min(dice.duration(50, 0.9), 300) * HOUR
            title = f"{dice.pick(organisation.words['verbs'])} {dice.pick(organisation.words['objects'])}"
            kind = "bug" if dice.happens(0.25) else "story"
            key = f"{team.slug}-{monday:%G%V}-{number}"
            _issue(key, title, kind, created, started, done, rows, team=team.slug, author=dice.pick(members))


def _issue(
    key: str, title: str, kind: str, created: float, started: float, done: float, rows: Rows, **details: str
) -> None:
    is_done, is_started = done <= rows.until, started <= rows.until
    rows.add(records.Issue, rows.latest(created, started, done), details | {
        "ext_id": key, "url": f"https://tickets.example.com/{key}", "key": key.upper(), "type": kind, "title": title,
        "status": "Done" if is_done else "In progress" if is_started else "Open",
        "status_category": "done" if is_done else "doing" if is_started else "todo", "created_at": instant(created),
        "started_at": rows.known(started), "done_at": rows.known(done),
        "first_response_at": rows.known(started) if kind == "request" else None,
    })  # fmt: skip


def _day(organisation: Organisation, today: date, dice: Dice, rows: Rows) -> None:
    evening = midnight(today) + 20 * HOUR
    if today.weekday() < 5:
        _assistance(organisation, today, evening, rows)
    if today.day == 1:
        for row in _bill(organisation, today, dice):
            rows.add(records.CostLine, evening, row)


def _assistance(organisation: Organisation, today: date, evening: float, rows: Rows) -> None:
    """Who used the assistant that day: ever more people, some teams much more than others."""
    common = organisation.agents(today)
    for team in organisation.teams:
        for person in organisation.members(team, today):
            dice = Dice(organisation.seed, "assistant", person, today)
            if not dice.happens(min(0.8, 4.0 * team.agent_share * common)):
                continue
            used = {"active_days": 1, "chat_requests": 1 + dice.count(6), "suggestions_accepted": dice.count(9)}
            for metric, value in used.items():
                rows.add(records.UsageFact, evening, {
                    "ext_id": f"{person}-{metric}-{today}", "occurred_on": today, "provider": "assistant",
                    "subject_kind": "person", "subject": person, "metric": metric, "value": value,
                })  # fmt: skip


def _bill(organisation: Organisation, today: date, dice: Dice) -> Iterator[dict[str, Any]]:
    """The charges of the month before: each service's machines and builds, and what all share."""
    start = (today - timedelta(days=1)).replace(day=1)
    period = {"period_start": start, "period_end": today, "currency": "EUR"}
    for service in organisation.services:
        for category, amount in (("compute", dice.duration(900, 0.5)), ("ci", service.merges_per_week * 14)):
            yield period | {
                "ext_id": f"{service.name}-{category}-{start:%Y%m}", "provider": "cloud", "resource": service.name,
                "category": category, "amount": f"{amount * dice.between(0.9, 1.1):.2f}", "service": service.name,
                "team": service.team.slug if service.team else None,
            }  # fmt: skip
    for team in organisation.teams:
        seats = len(organisation.members(team, today)) if organisation.agents(start) else 0
        yield period | {
            "ext_id": f"assistant-{team.slug}-{start:%Y%m}", "provider": "assistant", "category": "ai_assistant",
            "amount": f"{19 * seats:.2f}", "team": team.slug,
        }  # fmt: skip
    for capability in organisation.words["capabilities"]:
        yield period | {
            "ext_id": f"{capability['name']}-{start:%Y%m}", "provider": "cloud", "category": "platform",
            "amount": f"{dice.between(700, 1400):.2f}", "allocation": "shared", "capability": capability["name"],
        }  # fmt: skip


def repository(organisation: Organisation, name: str, rows: Rows) -> None:
    """Add a repository and its first commit."""
    born = midnight(organisation.born(organisation.repositories[name][0]))
    ext_id, created, root = f"harbour/{name}", instant(born), first_commit(name)
    rows.add(records.Repository, born, {
        "ext_id": ext_id, "url": f"https://{HOST}/{name}", "name": f"{HOST}/{name}", "default_branch": "main",
        "created_at": created,
    })  # fmt: skip
    rows.add(records.Commit, born, {
        "ext_id": f"{ext_id}@{root}", "url": f"https://{HOST}/{name}/commit/{root}", "repository": ext_id, "sha": root,
        "authored_at": created, "committed_at": created, "headline": "First commit",
    })  # fmt: skip
