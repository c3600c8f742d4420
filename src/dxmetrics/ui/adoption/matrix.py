"""Teams by capability: who never used it, tries it, has adopted it, or has left it again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from dxmetrics import numbers
from dxmetrics.ui.adoption import people

MEANINGS = {
    "adopted": "used in at least two of the last four weeks",
    "trial": "used within eight weeks, but not in two of the last four",
    "lapsed": "used before, and not for eight weeks",
    "none": "never used",
}
UNKNOWN = "not eligible"


@dataclass(frozen=True)
class Spot:
    """What a team makes of a capability in a week, and how many of its people used it."""

    team: str
    capability: str
    state: str
    active: int = 0


def drawn(spots: Iterable[Spot], titles: Mapping[str, str]) -> str:
    """The matrix as an HTML table: teams with the most to win first, capabilities in the order of `titles`."""
    by_team: dict[str, dict[str, Spot]] = {}
    for spot in spots:
        by_team.setdefault(spot.team, {})[spot.capability] = spot
    known = [name for name in titles if any(name in row for row in by_team.values())]
    head = "".join(f"<th>{escape(titles[name])}</th>" for name in known)
    teams = sorted(by_team, key=lambda team: (_adopted(by_team[team].values()), team))
    body = "".join(
        f"<tr><th>{escape(team)}</th>{''.join(_cell(by_team[team].get(name)) for name in known)}</tr>" for team in teams
    )
    return (
        f'<div class="dx-list"><table class="dx-matrix"><thead><tr><th>Team</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def legend() -> str:
    """What each mark means, as HTML."""
    said = (f'<span><i class="mark {state}"></i><b>{state}</b> {why}</span>' for state, why in MEANINGS.items())
    return f'<div class="dx-marks">{"".join(said)}</div>'


def summary(spots: Sequence[Spot]) -> str:
    """What there is to see in a sentence: how many adopted one, and how many left one."""
    adopted = {spot.team for spot in spots if spot.state == "adopted"}
    lapsed = [spot for spot in spots if spot.state == "lapsed"]
    teams = {spot.team for spot in spots}
    left = f"; {numbers.count(len({spot.team for spot in lapsed}), 'team')} left one again" if lapsed else ""
    return f"{len(adopted)} of {len(teams)} teams have adopted at least one capability{left}"


def _adopted(row: Iterable[Spot]) -> int:
    return sum(spot.state == "adopted" for spot in row)


def _cell(spot: Spot | None) -> str:
    if spot is None:
        return f'<td class="none">{UNKNOWN}</td>'
    small = f"<small>{spot.active:,} people</small>" if spot.active and not people.is_few(spot.active) else ""
    return f'<td><i class="mark {escape(spot.state)}"></i>{escape(spot.state)}{small}</td>'
