"""Rows of the organisation itself, and of what goes on around repositories: planned work, assistants, and more."""

from datetime import date, timedelta

from dxmetrics import records

from . import costs, uses
from . import organisation as shape
from .dice import Dice
from .organisation import AGENT, DEPLOYER, HOST, RENOVATE, Organisation
from .plan import first_commit
from .rows import Rows, instant
from .tickets import issue
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
        if service.is_declared:
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
    born, taken = midnight(organisation.born(service)), organisation.template(service)
    since = max(midnight(taken[1]), born) if taken else born
    template = taken[0] if taken and since <= rows.until else None
    later = (organisation.live_from(service), organisation.quiet_from(service))
    live, quiet = (midnight(monday) if monday else None for monday in later)
    turns = {"experimental": born, "production": live, "deprecated": quiet}
    lifecycle = [word for word, turn in turns.items() if turn is not None and turn <= rows.until][-1]
    rows.add(records.Service, rows.latest(born, since, *turns.values()), {
        "ext_id": service.name, "url": f"https://portal.example.com/services/{service.name}", "name": service.name,
        "type": "service", "lifecycle": lifecycle, "tier": service.tier, "language": service.language,
        "team": service.team.slug if service.team else None, "repository": f"harbour/{service.repository}",
        "paths": service.paths, "created_at": instant(midnight(organisation.made(service))), "template": template,
        "template_version": service.template_version if template else None,
    })  # fmt: skip


def week(organisation: Organisation, monday: date, rows: Rows) -> None:
    """Add the use of the platform, the tickets, the assistant's usage, and what is billed in this week."""
    uses.week(organisation, monday, rows)
    _stories(organisation, monday, Dice(organisation.seed, "surroundings", monday), rows)
    for offset in range(7):
        _day(organisation, monday + timedelta(days=offset), rows)


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
            issue(key, title, kind, created, started, done, rows, team=team.slug, author=dice.pick(members))


def _day(organisation: Organisation, today: date, rows: Rows) -> None:
    evening = midnight(today) + 20 * HOUR
    if today.weekday() < 5:
        _assistance(organisation, today, evening, rows)
    if today.day == 1:
        for row in costs.bill(organisation, today):
            rows.add(records.CostLine, evening, row)


def _assistance(organisation: Organisation, today: date, evening: float, rows: Rows) -> None:
    """Who used the assistant that day: ever more people, of some teams much more than of others."""
    for team in organisation.teams:
        for person in organisation.assisted(team, today):
            dice = Dice(organisation.seed, "assistant", person, today)
            if not dice.happens(0.5):
                continue
            used = {"active_days": 1, "chat_requests": 1 + dice.count(6)}
            for metric, value in used.items():
                rows.add(records.UsageFact, evening, {
                    "ext_id": f"{person}-{metric}-{today}", "occurred_on": today, "provider": "assistant",
                    "subject_kind": "person", "subject": person, "metric": metric, "value": value,
                })  # fmt: skip


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
