"""Survey responses of collectors on their way past the warehouse into the answers store.

They are taken out of a page and committed first, the rest of the page with its cursor after. Killed in between, the
page is read again, which changes nothing. No payload is kept, also not of what is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, cast

from dxmetrics import survey
from dxmetrics.collectors import Page
from dxmetrics.errors import SettingsError
from dxmetrics.records import SurveyResponse
from dxmetrics.warehouse import Counts, mapping

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.sources import Source
    from dxmetrics.survey import Answers, Instrument
    from dxmetrics.survey.instrument import Item

LATE = "{} left out: the results of that wave are published, and stand"
REFUSED = "{} left out: {}"


class AnswerKeeper:
    """Keeps what the sources of one run deliver. The store is made only when there is something to keep."""

    def __init__(self, project: Project, clock: Callable[[], datetime]) -> None:
        self._project = project
        self._clock = clock
        self._walks: dict[tuple[str, str], set[str]] = {}  # what an unbroken walk through a scope has met so far

    def take(self, source: Source, scope: str, page: Page) -> tuple[Page, Counts]:
        """Commit the responses of a page; the rest of it, with notes on what was left out, and what became of them."""
        payloads = page.rows.get(SurveyResponse)
        if payloads is None:
            return page, Counts()
        mapper = None if page.is_mapped else mapping.mapper_of(SurveyResponse, source.mappers)
        made, refused = mapping.records_of(SurveyResponse, payloads, mapper)
        responses = cast("list[SurveyResponse]", list(made))
        counts, notes = Counts(read=len(payloads), refused=len(refused)), list(page.notes)
        if responses:
            kept = self._answers.collected.merge(source.name, scope, responses, self._item_of)
            counts += Counts(inserted=kept.inserted, updated=kept.updated, unchanged=kept.unchanged + kept.late)
            if kept.late:
                notes.append(LATE.format(_responses(kept.late)))
        if refused:
            notes.append(REFUSED.format(_responses(len(refused)), refused[0].reason))
        counts += Counts(deleted=self._walk(source.name, scope, page, responses, is_whole=not refused))
        rows = {record: rows for record, rows in page.rows.items() if record is not SurveyResponse}
        return replace(page, rows=rows, notes=tuple(notes)), counts

    def keep_scopes(self, source: str, scopes: Iterable[str]) -> None:
        """Erase what scopes brought that the source does not have any more."""
        if survey.has_answers(self._project):
            self._answers.collected.keep_scopes(source, scopes)

    def keep_sources(self, sources: Iterable[str]) -> None:
        """Erase what sources brought that are not configured any more."""
        if survey.has_answers(self._project):
            self._answers.collected.keep_sources(sources)

    def close(self) -> None:
        """Close the store, if it was opened."""
        if "_answers" in vars(self):
            self._answers.close()

    def _walk(self, source: str, scope: str, page: Page, responses: Iterable[SurveyResponse], *, is_whole: bool) -> int:
        """Erase, at the end of a walk through everything a scope has, what it did not meet."""
        if not page.snapshot:
            return 0
        met = self._walks.setdefault((source, scope), set())
        met.update(row.ext_id for row in responses)
        if not is_whole or (page.cursor is not None and not page.is_last):
            met.add("")  # a row that could not be read may be one of those that are there; nor is half a walk proof
        if not page.is_last:
            return 0
        del self._walks[source, scope]
        return 0 if "" in met else self._answers.collected.keep_only(source, scope, met)

    @cached_property
    def _answers(self) -> Answers:
        return survey.answers_of(self._project, self._clock)

    @cached_property
    def _instruments(self) -> Mapping[str, Instrument]:
        try:
            return survey.instruments_of(self._project)
        except SettingsError:
            return {}  # told where results are computed; meanwhile words are kept apart from the rest

    def _item_of(self, survey_id: str, item: str) -> Item | None:
        instrument = self._instruments.get(survey_id)
        return next((one for one in instrument.items if one.id == item), None) if instrument else None


def _responses(count: int) -> str:
    return f"{count:,} {'response' if count == 1 else 'responses'}"
