"""Answers to surveys: who takes part in a wave, what they say, and the day on which they hand it in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dxmetrics import records

from .dice import Dice, sha
from .organisation import Organisation, Team
from .rows import Row, Rows
from .work import HOUR
from .worktime import midnight

OF_NO_TEAM = 3.4  # contentment of the contractors


@dataclass(frozen=True)
class Person:
    """What of a person is the same in every survey."""

    key: str
    team: Team | None
    mood: float
    zeal: float
    language: str
    tenure: str

    @property
    def group(self) -> str:
        """The team as the seeds name it, whatever its division; empty without one."""
        return self.team.slug.partition("-")[0] if self.team else ""


def week(organisation: Organisation, monday: date, rows: Rows) -> None:
    """Add the responses that are handed in this week."""
    days = [monday + timedelta(days=offset) for offset in range(7)]
    for survey in organisation.surveys["surveys"]:
        opened = {day.replace(day=1) for day in days if day.month in survey["months"] and day.day <= survey["days"]}
        for opens in sorted(opened):
            if opens < organisation.epoch:
                continue  # a wave of which only the end would be there
            for row in Wave(organisation, survey, opens).responses():
                if row["submitted_on"] in days:
                    rows.add(records.SurveyResponse, midnight(row["submitted_on"]) + 20 * HOUR, row)


class Wave:
    """One survey, asked once: the same responses whenever they are written."""

    def __init__(self, organisation: Organisation, survey: Mapping[str, Any], opens: date) -> None:
        self.organisation = organisation
        self.survey = survey
        self.opens = opens
        self.name = f"{opens.year}-Q{(opens.month + 2) // 3}"
        self._comments = Comments(organisation, survey["id"], Dice(organisation.seed, survey["id"], self.name))

    def responses(self) -> Iterator[Row]:
        """The responses of those who take part."""
        organisation = self.organisation
        for person in self._people():
            dice = Dice(organisation.seed, self.survey["id"], self.name, person.key)
            if dice.happens(organisation.surveys["takes_part"][person.group] + person.zeal):
                yield self._response(person, dice)

    def _people(self) -> Iterator[Person]:
        """Everybody, team by team; those of no team last."""
        organisation, seeds = self.organisation, self.organisation.surveys
        for team in (*organisation.teams, None):
            for key in organisation.members(team, self.opens):
                dice = Dice(organisation.seed, "answers", key)
                mood, zeal, is_german = dice.normal(0, 0.35), dice.between(-0.3, 0.3), dice.happens(seeds["german"])
                since = organisation.since[key]
                years = (self.opens - since).days / 365 + (0 if since > organisation.epoch else dice.duration(3))
                tenure = next(band for band, below in seeds["tenures"].items() if years < below)
                yield Person(key, team, mood, zeal, "de" if is_german else "en", tenure)

    def _response(self, person: Person, dice: Dice) -> Row:
        organisation, survey = self.organisation, self.survey
        lasting = Dice(organisation.seed, survey["id"], person.key)  # what somebody thinks changes little in a quarter
        answers: list[dict[str, Any]] = []
        for item, offset in survey["likert"].items():
            mood = self._mood(person, item) + offset + lasting.normal(0.0, 0.65)
            code = min(5, max(1, round(dice.normal(mood, 0.35))))
            if not dice.happens(organisation.surveys["missing"]):
                answers.append({"item": item, "number": 6 - code if item in survey["reversed"] else code})
        if "recommend" in survey:
            likely = 2 * self._mood(person, survey["recommend"]) + 0.4 + lasting.normal(0.0, 1.2)
            answers.append({"item": survey["recommend"], "number": min(10, max(0, round(dice.normal(likely, 0.8))))})
        if dice.happens(survey["commented"]):
            text, may_share = self._comments.next(person, dice), dice.happens(organisation.comments["shared"])
            answers.append({"item": survey["comment"], "text": text, "may_share": may_share})
        after = int(min(survey["days"] - 1.0, dice.duration(3.0, 0.9)))
        return {
            "ext_id": sha(f"{organisation.seed}/{survey['id']}/{self.name}/{dice.share()}")[:16],
            "survey": survey["id"], "wave": self.name, "submitted_on": self.opens + timedelta(days=after),
            "team": person.team.slug if person.team else None, "cohort": person.tenure, "language": person.language,
            "answers": answers,
        }  # fmt: skip

    def _mood(self, person: Person, item: str) -> float:
        """Where a person's answer to an item is likely to be, from 1 to 5."""
        seeds = self.organisation.surveys
        mood = (person.team.contentment if person.team else OF_NO_TEAM) + person.mood
        mood += seeds["moods"].get(person.group, {}).get(item, 0.0)
        for shift in seeds["shifts"]:
            begins = self.organisation.anchor - timedelta(weeks=shift["weeks_ago"])
            if self.opens >= begins and shift.get("team", person.group) == person.group:
                mood += shift["items"].get(item, 0.0)
        return float(mood)


class Comments:
    """Deals the comments of a wave: no two alike before all of a pile are dealt."""

    def __init__(self, organisation: Organisation, survey: str, dice: Dice) -> None:
        self._organisation = organisation
        piles = organisation.comments[survey]
        self._piles = {
            (language, group): _shuffled(pile, dice) for language in piles for group, pile in piles[language].items()
        }
        self._dealt = dict.fromkeys(self._piles, 0)

    def next(self, person: Person, dice: Dice) -> str:
        """One of the team's own or of everybody's, in the person's language."""
        own = (person.language, person.group)
        pile = own if own in self._piles and dice.happens(0.4) else (person.language, "everyone")
        self._dealt[pile] += 1
        text = self._piles[pile][self._dealt[pile] % len(self._piles[pile])]
        other = dice.pick(list(self._organisation.people))
        address = self._organisation.address(other)
        name, login = self._organisation.people[other], address.partition("@")[0]
        return text.format(name=name, address=address, login=login)


def _shuffled(texts: Iterable[str], dice: Dice) -> list[str]:
    return [text for _, text in sorted((dice.share(), text) for text in texts)]
