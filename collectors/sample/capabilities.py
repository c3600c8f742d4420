"""What the platform offers: who uses it since when, and what it does to the work of services that move to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from .dice import Dice

Figure = Literal["waiting", "failures", "merges"]


@dataclass(frozen=True)
class Capability:
    """One capability as the seeds tell of it; weeks are counted back from the organisation's anchor.

    Services it is `native` to were made with it, and their figures are with it; those that `adopted` it moved to it,
    and their figures change by `effects`. `teams` says from when to when which team's people use it; None: all, always.
    """

    name: str
    a_week: float
    actions: tuple[str, ...]
    usage: str | None
    ticket_share: float
    ramp_weeks: int
    template: str | None
    ships_on_merge: bool
    effects: Mapping[Figure, float]
    native: frozenset[str]
    adopted: Mapping[str, float]
    teams: Mapping[str, Mapping[str, int]] | None

    @property
    def is_for_services(self) -> bool:
        """Whether services use it; else people do."""
        return bool(self.native or self.adopted)

    def share(self, service: str, weeks_ago: float) -> float:
        """How far a service has moved to it: 0 not at all, 1 wholly; one that it is native to has no way to go."""
        if service not in self.adopted:
            return 0.0
        return min(1.0, max(0.0, (self.adopted[service] - weeks_ago + 1) / self.ramp_weeks))

    def serves(self, service: str, weeks_ago: float) -> bool:
        """Whether a service uses it in a week."""
        return service in self.native or self.adopted.get(service, float("-inf")) >= weeks_ago

    def is_open_to(self, team: str, weeks_ago: float) -> bool:
        """Whether people of a team use it in a week."""
        if self.teams is None:
            return True
        stay = self.teams.get(team, {})
        return stay.get("until", float("-inf")) < weeks_ago <= stay.get("from", float("-inf"))


def capability(seed: Mapping[str, Any], services: list[str], organisation: int) -> Capability:
    """The capability a seed describes; where it goes `everywhere`, the organisation's number decides who goes when."""
    adopted = dict(seed.get("adopted", {}))
    if "everywhere" in seed:
        first, last = seed["everywhere"]
        dice = Dice(organisation, seed["name"])
        adopted |= {name: int(dice.between(last, first)) for name in services if name not in seed["without"]}
    return Capability(
        name=seed["name"],
        a_week=seed["a_week"],
        actions=tuple(seed.get("actions", ())),
        usage=seed.get("usage"),
        ticket_share=seed.get("ticket_share", 0.0),
        ramp_weeks=seed.get("ramp_weeks", 1),
        template=seed.get("template"),
        ships_on_merge=seed.get("ships_on_merge", False),
        effects={figure: seed[figure] for figure in ("waiting", "failures", "merges") if figure in seed},
        native=frozenset(seed.get("native", ())),
        adopted=adopted,
        teams=seed.get("teams"),
    )


def weeks_between(monday: date, anchor: date) -> float:
    """How many weeks a Monday lies before the anchor; negative after it."""
    return (anchor - monday) / timedelta(weeks=1)
