"""The sample organisation: its teams, people and services, from `data/seeds/sample/`, and when its stories happen."""

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from .capabilities import Capability, Figure, capability, weeks_between
from .dice import Dice
from .worktime import WorkingTime

SEEDS = Path(__file__).resolve().parents[2] / "data" / "seeds" / "sample"
HOST = "git.example.com/harbour"
RENOVATE, DEPLOYER, AGENT = "renovate", "deploy-bot", "pair-agent"


@dataclass(frozen=True)
class Team:
    """How a team works; medians in working hours, shares of its changes."""

    slug: str
    name: str
    people: int
    coding_hours: float
    pickup_hours: float
    review_hours: float
    merge_wait_hours: float
    unreviewed: float
    agent_share: float
    contentment: float

    @property
    def role(self) -> str:
        """Its slug in the seeds, the same in every division."""
        return self.slug.partition("-")[0]


@dataclass(frozen=True)
class Service:
    """How a service is changed, built and released.

    `role` is its name in the seeds, the same in every division. `waits_for` is the step to production it never takes:
    built, tried or live. Weeks are counted back from the anchor, but `live_after` from when it is made.
    """

    name: str
    role: str
    team: Team | None
    repository: str
    merges_per_week: float
    cadence: str
    merge_method: str
    regions: int
    failure_rate: float
    flaky_rate: float
    ci_minutes: float
    tier: int | None
    language: str | None
    template: str | None
    template_version: str | None
    paths: tuple[str, ...]
    age_years: float
    born: int | None
    live_after: int
    waits_for: str | None
    quiet_since: int | None

    @property
    def is_declared(self) -> bool:
        """Whether it is written down anywhere that it exists; a deployment may be all that tells of it."""
        return self.language is not None


@dataclass(frozen=True)
class Stay:
    """A person's time in a team; the last day is excluded, None is still."""

    person: str
    team: str
    since: date
    until: date | None


@dataclass(frozen=True)
class Organisation:
    """Everything that is fixed once the first collection has fixed the Monday it is anchored to."""

    seed: int
    anchor: date
    epoch: date
    volume: float
    teams: tuple[Team, ...]
    services: tuple[Service, ...]
    people: Mapping[str, str]
    stays: tuple[Stay, ...]
    capabilities: tuple[Capability, ...]
    stories: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, Any]
    surveys: Mapping[str, Any]
    comments: Mapping[str, Any]
    clock: WorkingTime

    @cached_property
    def repositories(self) -> Mapping[str, tuple[Service, ...]]:
        """The services of each repository; more than one in a monorepo."""
        found: dict[str, tuple[Service, ...]] = {}
        for service in self.services:
            found[service.repository] = (*found.get(service.repository, ()), service)
        return found

    def weeks_ago(self, story: str) -> date:
        """The Monday on which a story begins."""
        return self.anchor - timedelta(weeks=int(self.stories[story]["weeks_ago"]))

    def born(self, service: Service) -> date:
        """The day from which something is to be seen of a service: its making, or later the epoch."""
        return max(self.epoch, self.made(service))

    def made(self, service: Service) -> date:
        """The day a service was made: a Monday of these months, or so many years before them."""
        if service.born is not None:
            return self.anchor - timedelta(weeks=service.born)
        return self.epoch - timedelta(days=round(365.25 * service.age_years))

    def live_from(self, service: Service) -> date | None:
        """The Monday from which a service may be released to its users; None: it waits before another step."""
        return None if service.waits_for else self.born(service) + timedelta(weeks=service.live_after)

    def quiet_from(self, service: Service) -> date | None:
        """The Monday from which nobody works on a service any more; None: somebody does."""
        return None if service.quiet_since is None else self.anchor - timedelta(weeks=service.quiet_since)

    def is_live(self, service: Service, monday: date) -> bool:
        """Whether a service may be released to its users in a week."""
        live = self.live_from(service)
        return live is not None and live <= monday

    def is_quiet(self, service: Service, monday: date) -> bool:
        """Whether nobody works on a service in a week."""
        quiet = self.quiet_from(service)
        return quiet is not None and quiet <= monday

    def effect(self, figure: Figure, service: Service, monday: date) -> float:
        """What a figure of a service is to be multiplied by, for the capabilities it has moved to."""
        times = 1.0
        for moved in self._moves.get(service.role, ()):
            share = moved.share(service.role, weeks_between(monday, self.anchor))
            times *= 1 - (1 - moved.effects.get(figure, 1.0)) * share
        return times

    def ships_on_merge(self, service: Service, monday: date) -> bool:
        """Whether a service has moved to a capability that releases every merge."""
        weeks_ago = weeks_between(monday, self.anchor)
        return any(moved.share(service.role, weeks_ago) > 0.3 for moved in self._ships.get(service.role, ()))

    def template(self, service: Service) -> tuple[str, date] | None:
        """The template of a service, and since when it has it: since its making, or since it moved there."""
        if service.template:
            return service.template, self.born(service)
        for one in self._moves.get(service.role, ()):
            if one.template:
                return one.template, self.anchor - timedelta(weeks=one.adopted[service.role])
        return None

    @cached_property
    def _moves(self) -> Mapping[str, list[Capability]]:
        found: dict[str, list[Capability]] = {}
        for one in self.capabilities:
            for role in one.adopted if one.effects else ():
                found.setdefault(role, []).append(one)
        return found

    @cached_property
    def _ships(self) -> Mapping[str, list[Capability]]:
        return {role: [one for one in moves if one.ships_on_merge] for role, moves in self._moves.items()}

    def is_frozen(self, service: Service, monday: date) -> bool:
        """Whether releases of a service stand still in a week."""
        story = self.stories["freeze"]
        if service.team is None or not service.team.slug.startswith(story["team"]):
            return False
        return 0 <= (monday - self.weeks_ago("freeze")).days < 7 * int(story["weeks"])

    def agents(self, monday: date) -> float:
        """How common work with the assistant is: none until 40 weeks before the anchor, then ever more."""
        weeks = 40 - (self.anchor - monday).days / 7
        return min(1.5, max(0.0, weeks / 40))

    def assisted(self, team: Team, today: date) -> list[str]:
        """Who of a team works with the assistant by then: each begins on a day of their own, some never do."""
        common = 0.62 * self.agents(today) * (team.agent_share / 0.07) ** 0.5
        return [person for person in self.members(team, today) if self._reluctance[person] < min(0.95, common)]

    @cached_property
    def _reluctance(self) -> Mapping[str, float]:
        """How late people begin with the assistant, from 0 to 1."""
        return {person: Dice(self.seed, "assistant", person).share() for person in self.people}

    def members(self, team: Team | None, monday: date) -> tuple[str, ...]:
        """Who is in a team in a week; without a team, the contractors nobody has written down."""
        return tuple(
            stay.person
            for stay in self._stays_by_team[team.slug if team else ""]
            if stay.since <= monday and (stay.until is None or monday < stay.until)
        )

    @cached_property
    def _stays_by_team(self) -> Mapping[str, list[Stay]]:
        found: dict[str, list[Stay]] = {}
        for stay in self.stays:
            found.setdefault(stay.team, []).append(stay)
        return found

    @cached_property
    def since(self) -> Mapping[str, date]:
        """The first day of each person in any team."""
        return {stay.person: stay.since for stay in sorted(self.stays, key=lambda stay: stay.since, reverse=True)}

    def address(self, person: str) -> str:
        return f"{self.people[person].lower().replace(' ', '.')}@example.com"


def organisation(seed: int, scale: float, months: int, anchor: date, until: date) -> Organisation:
    """The organisation as of `anchor`, a Monday. A scale above 1 adds whole divisions, below 1 it slows this one."""
    epoch = anchor - timedelta(weeks=round(months * 52 / 12))
    divisions = max(1, round(scale))
    words = _document("words.toml")
    teams = tuple(_division(team, number) for number in range(divisions) for team in _teams())
    by_slug = {team.slug: team for team in teams}
    services = tuple(_service(row, number, by_slug) for number in range(divisions) for row in _rows("services.csv"))
    roles = [service.role for service in services]
    names = _names(Dice(seed, "names"), words, sum(team.people for team in teams) + 3 * divisions)
    people = {f"u{1000 + number}": name for number, name in enumerate(names)}
    return Organisation(
        seed=seed,
        anchor=anchor,
        epoch=epoch,
        volume=scale / divisions,
        teams=teams,
        services=services,
        people=people,
        stays=_stays(Dice(seed, "stays"), teams, list(people), epoch, anchor, divisions),
        capabilities=tuple(capability(one, roles, seed) for one in _document("capabilities.toml")["capabilities"]),
        stories=_document("stories.toml"),
        words=words,
        surveys=_document("surveys.toml"),
        comments=_document("comments.toml"),
        clock=WorkingTime(epoch - timedelta(weeks=20), until + timedelta(weeks=30)),
    )


def _document(file: str) -> dict[str, Any]:
    return tomllib.loads((SEEDS / file).read_text(encoding="utf-8"))


def _rows(file: str) -> list[dict[str, str]]:
    with (SEEDS / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _teams() -> list[Team]:
    return [
        Team(row.pop("team"), row.pop("name"), int(row.pop("people")), **{key: float(row[key]) for key in row})
        for row in _rows("teams.csv")
    ]


def _division(team: Team, number: int) -> Team:
    return replace(team, slug=f"{team.slug}{_suffix(number)}", name=f"{team.name}{_suffix(number).replace('-', ' ')}")


def _suffix(division: int) -> str:
    return f"-{division + 1}" if division else ""


def _service(row: Mapping[str, str], division: int, teams: Mapping[str, Team]) -> Service:
    suffix = _suffix(division)
    return Service(
        name=f"{row['service']}{suffix}",
        role=row["service"],
        team=teams[f"{row['team']}{suffix}"] if row["team"] else None,
        repository=f"{row['repository']}{suffix}",
        merges_per_week=float(row["merges_per_week"]),
        cadence=row["cadence"],
        merge_method=row["merge_method"],
        regions=int(row["regions"]),
        failure_rate=float(row["failure_rate"]),
        flaky_rate=float(row["flaky_rate"]),
        ci_minutes=float(row["ci_minutes"]),
        tier=int(row["tier"]) if row["tier"] else None,
        language=row["language"] or None,
        template=row["template"] or None,
        template_version=row["template_version"] or None,
        paths=tuple(filter(None, row["paths"].split("|"))),
        age_years=float(row["age_years"] or 0),
        born=_weeks(row["born"]),
        live_after=int(row["live_after"] or 0),
        waits_for=row["waits_for"] or None,
        quiet_since=_weeks(row["quiet_since"]),
    )


def _weeks(text: str) -> int | None:
    return int(text) if text else None


def _names(dice: Dice, words: Mapping[str, Any], number: int) -> list[str]:
    """Different names, shuffled; beyond all pairs of first and last name with a middle initial."""
    pairs = [f"{first} {last}" for first in words["first_names"] for last in words["last_names"]]
    shuffled = [name for _, name in sorted((dice.share(), name) for name in pairs)]
    rounds = 1 + number // len(shuffled)
    initials = ["", *(f"{letter}. " for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
    named = [name.replace(" ", f" {initials[turn]}", 1) for turn in range(rounds) for name in shuffled]
    return [name.replace(".", "") for name in named[:number]]


def _stays(
    dice: Dice, teams: tuple[Team, ...], people: list[str], epoch: date, anchor: date, divisions: int
) -> tuple[Stay, ...]:
    """Who is in which team when: most always, some join, move or leave on the way."""
    weeks = (anchor - epoch).days // 7
    waiting = iter(people)
    stays = [Stay(next(waiting), "", epoch, None) for _ in range(3 * divisions)]
    for team in teams:
        for person in (next(waiting) for _ in range(team.people)):
            turn = epoch + timedelta(weeks=int(dice.between(0.1, 0.95) * weeks))
            fate = dice.share()
            if fate < 0.06:  # moves to another team
                other = dice.pick([each for each in teams if each != team])
                stays += [Stay(person, team.slug, epoch, turn), Stay(person, other.slug, turn, None)]
            elif fate < 0.20:  # joins
                stays.append(Stay(person, team.slug, turn, None))
            elif fate < 0.25:  # leaves
                stays.append(Stay(person, team.slug, epoch, turn))
            else:
                stays.append(Stay(person, team.slug, epoch, None))
    return tuple(stays)
