"""Releases: which tags are one, what they follow, and which of them repair the one before."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from .history import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .command import Git
    from .location import Web

SEMVER = re.compile(r"^(?:(?P<service>.+)/)?v?(?P<version>(\d+)\.(\d+)(?:\.(\d+))?)$")
DATE = re.compile(r"^(?:(?P<service>.+)/)?v?(?P<version>(\d{4})[-.]?(\d{2})[-.]?(\d{2})(?:[-.]\d{1,6})?)$")
PRE_RELEASE = re.compile(
    r"\d[-._]?(?:a|b|c|rc|alpha|beta|dev|pre|preview|snapshot|nightly|canary|m)[-._]?\d*$", re.IGNORECASE
)
THREE_PART = re.compile(r"(\d+\.\d+)\.\d+$")
Numbers = tuple[int, int, int]

NOT_A_SERVICE = frozenset({"release", "releases", "version", "versions", "tag", "tags", "rel"})
FIRST_CALENDAR_YEAR = 1990
CALENDAR_DAYS = 3  # a version that is the day of its own tag, give or take, is a date
PATCH_CONFIDENCE = 0.3
FIELDS = (
    "refname:strip=2", "objecttype", "objectname", "*objecttype", "*objectname", "committerdate:unix",
    "*committerdate:unix", "taggerdate:unix", "taggername", "taggeremail:trim",
)  # fmt: skip


class Tag(NamedTuple):
    """A tag of a commit. A lightweight one has no time of its own: it is the commit's."""

    name: str
    sha: str
    tagged_at: datetime
    is_annotated: bool
    tagger: tuple[str, str] | None


@dataclass(frozen=True)
class TagRule:
    """Which tags are releases: a regular expression, or versions behind an optional prefix, and dates."""

    pattern: re.Pattern[str] | None
    prefix: str
    has_dates: bool


@dataclass(frozen=True)
class Release:
    """A tag that is a release; `numbers` None: it has no order but time, `line` None: no line to be patched on."""

    tag: Tag
    service: str | None
    version: str
    numbers: Numbers | None
    line: str | None


def read_tags(git: Git) -> list[Tag]:
    """Every tag of a commit in the repository, in order of name."""
    layout = "%00".join(f"%({field})" for field in FIELDS)
    found = []
    for line in git.run("for-each-ref", f"--format={layout}", "refs/tags").splitlines():
        name, kind, sha, inner_kind, inner_sha, committed, inner_committed, tagged, tagger, email = line.split("\0")
        is_annotated = kind == "tag"
        if inner_kind == "tag":  # a tag of a tag
            inner_sha, inner_committed, inner_kind = peeled(git, name)
        when = instant(tagged or inner_committed) if is_annotated else instant(committed)
        if when is None or (inner_kind if is_annotated else kind) != "commit":
            continue
        person = (tagger, email) if tagger or email else None
        found.append(Tag(name, inner_sha if is_annotated else sha, when, bool(tagged), person))
    return found


def peeled(git: Git, name: str) -> tuple[str, str, str]:
    """Sha, committer time and kind of what a nested tag finally names."""
    sha = git.run("rev-parse", f"refs/tags/{name}^{{}}").strip()
    kind = git.run("cat-file", "-t", sha).strip()
    committed = git.run("log", "-1", "--format=%ct", sha).strip() if kind == "commit" else ""
    return sha, committed, kind


def choose(tags: Sequence[Tag], rule: TagRule) -> tuple[list[Release], Counter[str]]:
    """The releases among the tags, oldest first, and how many tags were left out for which reason."""
    left_out: Counter[str] = Counter()
    found: dict[tuple[str | None, object], Release] = {}
    patches = {(tag.sha, matched[1]) for tag in tags if (matched := THREE_PART.search(tag.name))}
    for tag in sorted(tags, key=lambda tag: (tag.tagged_at, tag.name)):
        made = release_of(tag, rule)
        if made is None:
            left_out["pre-releases" if PRE_RELEASE.search(tag.name) else "not versions"] += 1
        elif rule.pattern is None and (tag.sha, made.version) in patches:
            left_out["moving tags"] += 1  # v2.1, moved along with v2.1.3
        elif (made.service, made.numbers or made.version) in found:
            left_out["second names of a version"] += 1
        else:
            found[made.service, made.numbers or made.version] = made
    return list(found.values()), left_out


def release_of(tag: Tag, rule: TagRule) -> Release | None:
    """The release a tag is by the rule, or None."""
    name = tag.name
    if rule.pattern is not None:
        matched = rule.pattern.search(name)
        groups = matched.groupdict() if matched else {}
        version = groups.get("version") or name
        semantic = SEMVER.match(version)
        return versioned(tag, groups.get("service"), version, semantic) if matched else None
    if not name.startswith(rule.prefix):
        return None
    name = name.removeprefix(rule.prefix)
    if matched := SEMVER.match(name):
        return versioned(tag, service_of(matched["service"]), matched["version"], matched)
    if rule.has_dates and (matched := DATE.match(name)) and is_day(matched[3], matched[4], matched[5]):
        return Release(tag, service_of(matched["service"]), matched["version"], None, None)
    return None


def versioned(tag: Tag, service: str | None, version: str, matched: re.Match[str] | None) -> Release:
    """The release with its line `X.Y`; a date written as a version has none."""
    if matched is None:
        return Release(tag, service, version, None, None)
    major, minor, patch = (int(matched[group] or 0) for group in (3, 4, 5))
    is_date = major >= FIRST_CALENDAR_YEAR and names_day(major, minor, patch, tag.tagged_at.date())
    return Release(tag, service, version, (major, minor, patch), None if is_date else f"{major}.{minor}")


def service_of(prefix: str | None) -> str | None:
    """The service a tag's prefix names: `operator` of `operator/v0.4.0`, None of `release/v0.4.0`."""
    return None if prefix is None or prefix.lower() in NOT_A_SERVICE else prefix


def is_day(year: str, month: str, day: str) -> bool:
    """Whether three numbers are a day of the calendar."""
    try:
        return date(int(year), int(month), int(day)).year >= FIRST_CALENDAR_YEAR
    except ValueError:
        return False


def names_day(year: int, month: int, day: int, tagged_on: date) -> bool:
    """Whether a version is the day it was tagged on: 2026.11.23, but not 2026.11.2 of a later day."""
    try:
        return abs((date(year, month, day) - tagged_on).days) <= CALENDAR_DAYS
    except ValueError:
        return False


def predecessors(releases: Sequence[Release]) -> dict[str, Release]:
    """By tag name, the release before: the highest lower version already out, which is its own line's if it has one.

    Where versions have no order, the one before in time. Services are apart.
    """
    found: dict[str, Release] = {}
    in_order: dict[str | None, list[tuple[Numbers, Release]]] = {}
    in_time: dict[str | None, Release] = {}
    for release in releases:
        if release.numbers is None:
            if release.service in in_time:
                found[release.tag.name] = in_time[release.service]
            in_time[release.service] = release
            continue
        out = in_order.setdefault(release.service, [])
        place = bisect_left(out, release.numbers, key=lambda one: one[0])
        if place:
            found[release.tag.name] = out[place - 1][1]
        out.insert(place, (release.numbers, release))
    return found


def deployment_payloads(
    repository: str, releases: Sequence[Release], web: Web, taggers: dict[tuple[str, str], str | None]
) -> Iterable[dict[str, Any]]:
    """A Deployment payload per release; `taggers` gives the account of a tagger."""
    before = predecessors(releases)
    for release in releases:
        tag = release.tag
        previous = before.get(tag.name)
        yield {
            "ext_id": f"{repository}@{tag.name}",
            "url": web.release(tag.name),
            "service": release.service,
            "repository": repository,
            "status": "success",
            "sha": tag.sha,
            "previous_sha": previous.tag.sha if previous else None,
            "version": release.version,
            "line": release.line,
            "finished_at": tag.tagged_at,
            "actor": taggers.get(tag.tagger) if tag.tagger else None,
            "via": "release",
        }


def patch_links(repository: str, releases: Sequence[Release], window_days: float) -> Iterable[dict[str, Any]]:
    """A Link payload for each patch release soon after its line's previous one: a sign that the earlier one failed."""
    before = predecessors(releases)
    for release in releases:
        previous = before.get(release.tag.name)
        if (
            previous is None
            or release.line is None
            or previous.line != release.line
            or not (release.numbers or (0,))[-1]
        ):
            continue
        later = release.tag.tagged_at - previous.tag.tagged_at
        if later <= timedelta(days=window_days):
            failed, repair = (f"{repository}@{one.tag.name}" for one in (previous, release))
            yield {
                "ext_id": f"{failed} caused {repair}",
                "from_kind": "deployment",
                "from_id": failed,
                "relation": "caused",
                "to_kind": "deployment",
                "to_id": repair,
                "confidence": PATCH_CONFIDENCE,
                "evidence": f"patch_release: {release.version} {spoken(later)} after {previous.version}",
            }


def spoken(duration: timedelta) -> str:
    """A duration in the largest whole unit: `3 days`, `5 hours`."""
    days, hours = duration.days, duration.seconds // 3600
    count, unit = (days, "day") if days else (hours, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'}"
