"""Whom a survey asks, and as which cohort their links speak of them.

People come from `[surveys] people_csv`, else they are the members of teams whose mail address is known. A cohort is a
team and a band of tenure that at least k of those who are asked have in common; where fewer do, it is made coarser, so
that no link says more of its holder than of k - 1 others.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from dxmetrics.errors import SettingsError
from dxmetrics.identity.people import SHARED_MAILBOXES
from dxmetrics.metrics.people import Directory, directory

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.survey.instrument import Instrument
    from dxmetrics.warehouse.surveys import Tree

COLUMNS = ("address", "team", "tenure", "language", "slack", "name")
MOST_TOLD = 10  # lines of a file that are wrong; more would only repeat it

_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\\\"]+@[^@\s<>()\[\],;:\\\"]+\.[^@\s<>()\[\],;:\\\".]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_SLACK = re.compile(r"[UW][A-Z0-9]{2,20}")
_ENCODINGS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))

Place = tuple[str | None, str | None]  # team and band of tenure


@dataclass(frozen=True)
class Person:
    """Somebody who can be asked. `slack` is a member's id."""

    address: str
    team: str | None = None
    tenure: str | None = None
    language: str | None = None
    slack: str | None = None


@dataclass(frozen=True)
class Population:
    """Everybody who can be asked, the teams with the one above each, and what to know about who is missing."""

    people: tuple[Person, ...]
    parents: Mapping[str, str | None]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placed:
    """The cohort of each address, and whom no cohort of k people could take."""

    places: Mapping[str, Place]
    left_out: frozenset[str] = frozenset()


def of_project(project: Project, day: date) -> Population:
    """Whom a project can ask on a day.

    SettingsError names the lines of the file that cannot be used, WarehouseError where nothing is published.
    """
    known, file = directory(project.data, day), project.settings.surveys.people_csv
    return of_members(known) if file is None else of_file(project.folder / file, known.tree)


def of_members(known: Directory) -> Population:
    """The members of teams with an address. How long they have been here is not known: a membership does not say it."""
    people: dict[str, Person] = {}
    unreachable = 0
    for person, team in known.teams.items():
        address = next(filter(is_personal, known.addresses.get(person, ())), None)
        if address is None:
            unreachable += 1
        else:
            people.setdefault(address, Person(address, team))
    note = (
        f"{unreachable} members of teams have no mail address that is known, and are not asked: name it in [[people]], "
        "or list whom to ask in [surveys] people_csv"
    )
    return Population(tuple(people.values()), known.tree.parents, (note,) if unreachable else ())


def is_personal(address: str) -> bool:
    """Whether a person is likely to read what is sent there."""
    local, _, domain = address.casefold().rpartition("@")
    is_hidden = "noreply" in domain or domain.endswith((".local", ".localdomain", ".invalid"))
    return _ADDRESS.fullmatch(address) is not None and local not in SHARED_MAILBOXES and not is_hidden


# -- the file ---------------------------------------------------------------------------------------------------------


def of_file(file: Path, tree: Tree) -> Population:
    """The people of a CSV file; SettingsError names the lines, never an address, and the remedy."""
    problems: list[str] = []
    people: dict[str, tuple[int, Person]] = {}
    unknown: Counter[str] = Counter()
    repeated = 0
    for line, row in _rows(file):
        problem = _problem(row)
        team = tree.team_of(row["team"]) if row.get("team") else None
        if row.get("team") and team is None:
            unknown[row["team"]] += 1
        person = _person(row, team)
        first, known = people.setdefault(person.address, (line, person))
        if problem is None and first != line:
            repeated += known == person
            problem = None if known == person else f"has the address of line {first} and says something else: keep one"
        if problem:
            problems.append(f"{file.name} line {line}: {problem}")
    for team_name, count in sorted(unknown.items()):
        what = "1 person is" if count == 1 else f"{count} people are"
        valid = ", ".join(tree.parents) or "none is known yet: add [[teams]] to dx.toml"
        problems.append(f"{file.name}: {what} of team {team_name!r}, which is not known: use one of {valid}")
    if not people and not problems:
        problems.append(f"{file}: names nobody: write one line per person below the line with the columns")
    if problems:
        more = [f"... and {len(problems) - MOST_TOLD} more"] if len(problems) > MOST_TOLD else []
        raise SettingsError("\n".join([*problems[:MOST_TOLD], *more]))
    notes = (f"{file.name}: {repeated} lines say the same as another: each person is asked once",) if repeated else ()
    return Population(tuple(person for _, person in people.values()), tree.parents, notes)


def _person(row: Mapping[str, str], team: str | None) -> Person:
    language = row.get("language", "").replace("_", "-") or None
    return Person(
        row.get("address", "").casefold(),
        team,
        row.get("tenure") or None,
        language.lower() if language and len(language) <= 3 else language,
        row.get("slack") or None,
    )


def _problem(row: Mapping[str, str]) -> str | None:
    """What is wrong with a line, taken alone."""
    if not row.get("address"):
        return "has no address: add it, or remove the line"
    if not _ADDRESS.fullmatch(row["address"]):
        return "address is no mail address: write it as name@example.org"
    if row.get("language") and not _LANGUAGE.fullmatch(row["language"].replace("_", "-")):
        return f"language {row['language']!r}: use a code such as en or de"
    if row.get("slack") and not _SLACK.fullmatch(row["slack"]):
        return f"slack {row['slack']!r}: use a member's id such as U012AB3CD, or leave it out"
    return None


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line's number and its filled columns; commas or semicolons, as spreadsheets write them."""
    text = _text(file)
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names = [(name or "").strip().casefold() for name in reader.fieldnames or ()]
    if "address" not in names or set(names) - set(COLUMNS):
        raise SettingsError(f"{file}: columns are {', '.join(names) or 'missing'}: use {', '.join(COLUMNS)}")
    reader.fieldnames = names
    try:
        for row in reader:
            if None in row:
                raise SettingsError(
                    f"{file.name} line {reader.line_num}: more values than columns: quote values with a {delimiter}"
                )
            filled = {name: value.strip() for name, value in row.items() if value and value.strip()}
            if filled:
                yield reader.line_num, filled
    except csv.Error as error:
        raise SettingsError(f"{file.name} line {reader.line_num + 1}: is not CSV ({error}): save it again") from error


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"[surveys] people_csv: {file} cannot be read ({error.strerror}): correct it") from error
    encoding = next(name for mark, name in _ENCODINGS if content.startswith(mark))
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SettingsError(f'{file}: is not UTF-8 text (byte {error.start}): save it as "CSV UTF-8"') from error


# -- sampling ---------------------------------------------------------------------------------------------------------


def sampled(people: Sequence[Person], instrument: Instrument, wave: str, day: date) -> tuple[Person, ...]:
    """Those whom the wave of this name, opened on `day`, asks: always the same ones."""
    sampling = instrument.wave.sampling
    if sampling.method == "rotate":
        turn = _turn(instrument, day) % sampling.parts
        return tuple(one for one in people if _number(sampling.seed, one.address) % sampling.parts == turn)
    if sampling.method == "random":
        limit = int(sampling.share * 2**64)
        return tuple(one for one in people if _number(sampling.seed, f"{wave}\0{one.address}") < limit)
    return tuple(people)


def _turn(instrument: Instrument, day: date) -> int:
    """The number of the calendar period, so that each wave of a rotation asks the next part."""
    match instrument.wave.cadence:
        case "quarterly" | "continuous":
            return 4 * day.year + (day.month - 1) // 3
        case "monthly":
            return 12 * day.year + day.month - 1
        case "yearly":
            return day.year
        case _:
            return 0


def _number(seed: int, text: str) -> int:
    """64 bits that look like chance."""
    return int.from_bytes(hmac.digest(str(seed).encode(), text.encode(), "sha256")[:8], "big")


# -- cohorts ----------------------------------------------------------------------------------------------------------


def placed(
    people: Iterable[Person], parents: Mapping[str, str | None], k: int, known: Collection[Place] = frozenset()
) -> Placed:
    """Each person's cohort: no place is given to fewer than k, but those `known` to have k people already.

    Where fewer than k share team and tenure, tenure is not told; where a team has fewer than k, they speak for the team
    above. If some are missing to k then, a few people of the largest cohort join them.
    """
    groups: dict[Place, list[Person]] = {}
    waiting: dict[str | None, list[Person]] = {}
    for one in sorted(people, key=_by_chance):
        waiting.setdefault(one.team if one.team in parents else None, []).append(one)
    rest: list[Person] = []
    for team in (*_bottom_up(parents), None):
        own, rest = _by_tenure(waiting.pop(team, []), team, k, known)
        if rest and (_is_enough(rest, (team, None), k, known) or _borrow(rest, own, k, known)):
            own[team, None], rest = rest, []
        elif rest and team is not None:
            waiting.setdefault(_above(team, parents), []).extend(rest)
        groups |= own
    if rest and _borrow(rest, groups, k, known):
        groups[None, None], rest = rest, []
    places = {one.address: place for place, group in groups.items() for one in group}
    return Placed(places, frozenset(one.address for one in rest))


def _by_tenure(
    here: Sequence[Person], team: str | None, k: int, known: Collection[Place]
) -> tuple[dict[Place, list[Person]], list[Person]]:
    """The bands of a team with k people, and all others of the team."""
    bands: dict[str | None, list[Person]] = {}
    for one in here:
        bands.setdefault(one.tenure, []).append(one)
    own: dict[Place, list[Person]] = {}
    rest = bands.pop(None, [])
    for tenure, group in bands.items():
        if _is_enough(group, (team, tenure), k, known):
            own[team, tenure] = group
        else:
            rest += group
    return own, rest


def _is_enough(group: Sequence[Person], place: Place, k: int, known: Collection[Place]) -> bool:
    return len(group) >= k or place in known


def _borrow(rest: list[Person], groups: dict[Place, list[Person]], k: int, known: Collection[Place]) -> bool:
    """Fill `rest` up to k with people of `groups`, each of which keeps k or goes as a whole.

    False, and nothing is changed, where all together are fewer than k. Nobody leaves a place that is known.
    """
    lenders = {place: group for place, group in groups.items() if place not in known}
    if len(rest) + sum(map(len, lenders.values())) < k:
        return False
    while len(rest) < k:
        place = max(lenders, key=lambda one: (len(lenders[one]), *map(str, one)))
        if len(lenders[place]) > k:
            rest.append(lenders[place].pop())
        else:
            rest += lenders.pop(place)
            del groups[place]
    return True


def _bottom_up(parents: Mapping[str, str | None]) -> list[str]:
    """The teams, each before the one above it."""
    return sorted(parents, key=lambda team: (-_depth(team, parents), team))


def _depth(team: str, parents: Mapping[str, str | None]) -> int:
    above, seen = _above(team, parents), 0
    while above is not None:
        above, seen = _above(above, parents), seen + 1
    return seen


def _above(team: str, parents: Mapping[str, str | None]) -> str | None:
    """The team above, None at the top; what stands in or below a circle is taken to be at the top."""
    first = above = parents.get(team)
    walked = {team}
    while above is not None and above in parents:
        if above in walked:
            return None
        walked.add(above)
        above = parents[above]
    return first if first in parents else None


def _by_chance(one: Person) -> bytes:
    """An order in which neither names nor lines of a file tell who comes first."""
    return hashlib.sha256(one.address.encode()).digest()
