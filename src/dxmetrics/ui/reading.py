"""What pages read: the metrics API, with every answer kept for as long as its publication is the newest.

A new publication is picked up on the next rerun. Answers are immutable and shared by all sessions, so they are kept as
they are: `st.cache_data` would copy each one on every rerun, which costs more than drawing it.
"""

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn, TypeVar, cast

import streamlit as st

from dxmetrics.errors import SettingsError
from dxmetrics.metrics import Band, Cell, Comparison, Definition, Health, Metrics, Period, Receipt
from dxmetrics.project import Project

Answer = TypeVar("Answer")
Filter = Mapping[str, Sequence[str]]
FEW = 150  # events that are still told apart as dots
KEPT = 5000  # answers; a page asks about forty questions for each combination of filters


class Kept:
    """What was computed from one publication; forgotten with the next one, the oldest first when there is too much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._publication: Hashable = None
        self._answers: dict[Hashable, Any] = {}
        self._asked: dict[Hashable, Future[Any]] = {}

    def once(self, publication: Hashable, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer to `question`, asked once per publication: sessions that ask at the same time wait for one."""
        with self._lock:
            if publication != self._publication:
                self._publication = publication
                self._answers.clear()
            if question in self._answers:
                return cast("Answer", self._answers[question])
            key = (publication, question)
            asked = self._asked.get(key)
            if asked is None:
                mine = self._asked[key] = Future[Any]()
        if asked is not None:
            try:
                return cast("Answer", asked.result())
            except BaseException:
                return ask()  # whoever asked was broken off; should the question itself fail, it fails here too
        try:
            answer = ask()
        except BaseException as error:
            with self._lock:
                del self._asked[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._asked[key]
            if publication == self._publication:
                self._answers[question] = answer
                if len(self._answers) > KEPT:
                    del self._answers[next(iter(self._answers))]
        mine.set_result(answer)
        return answer


_KEPT = Kept()


def _refused(error: SettingsError) -> NoReturn:
    raise error


@dataclass(frozen=True)
class Reading:
    """One publication as pages read it; the answers are those of `Metrics`.

    `refused` is what becomes of a question the publication has no answer to, as it was built before the metric, or its
    dimension, was written: to raise, or on a page to end with what to do.
    """

    metrics: Metrics
    data: str
    refused: Callable[[SettingsError], NoReturn] = _refused

    def once(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """What `ask` makes of this publication, kept; `question` has to name everything else it depends on."""
        return _KEPT.once((self.data, self.metrics.data_version), question, ask)

    def cells(
        self,
        name: str,
        start: date,
        end: date,
        where: Filter,
        period: Period | None = None,
        by: Sequence[str] = (),
    ) -> tuple[Cell, ...]:
        question = ("cells", name, start, end, _frozen(where), period, tuple(by))
        return self._answer(
            question, lambda: self.metrics.query(name, period=period, by=by, start=start, end=end, where=where)
        )

    def comparison(self, name: str, start: date, end: date, where: Filter) -> Comparison:
        """The one value of a window (`current`) beside that of the window before."""
        question = ("comparison", name, start, end, _frozen(where))
        return self._answer(question, lambda: self.metrics.compare(name, start=start, end=end, where=where)[0])

    def band(self, name: str, start: date, end: date, where: Filter) -> Band | None:
        question = ("band", name, start, end, _frozen(where))
        return self._answer(question, lambda: self.metrics.band(name, start=start, end=end, where=where))

    def receipt(self, name: str, start: date, end: date, where: Filter, limit: int = 200) -> Receipt:
        question = ("receipt", name, start, end, _frozen(where), limit)
        return self._answer(
            question, lambda: self.metrics.explain(name, start=start, end=end, where=where, limit=limit)
        )

    def few_rows(self, name: str, start: date, end: date, where: Filter) -> tuple[Mapping[str, Any], ...]:
        """The rows behind a number where they are few enough to be drawn one by one, else none of them."""
        if self.comparison(name, start, end, where).current.n > FEW:
            return ()
        return self.receipt(name, start, end, where).rows

    def knows(self, stream: str) -> bool:
        """Whether any source delivers this stream of records, such as incidents."""
        return any(row["stream"] == stream for row in self.health().coverage)

    def values(self, dimension: str) -> tuple[str, ...]:
        return self.once(("values", dimension), lambda: self.metrics.values(dimension))

    def catalogue(self) -> tuple[Definition, ...]:
        return self.metrics.catalogue()

    def definition(self, name: str) -> Definition:
        return self._answer(("definition", name), lambda: self.metrics.definition(name))

    def health(self) -> Health:
        return self.once("health", self.metrics.health)

    def _answer(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        try:
            return self.once(question, ask)
        except SettingsError as error:
            self.refused(error)


def current() -> Reading:
    """The newest publication of the project this process serves; WarehouseError when nothing is published yet."""
    data = project().data
    return Reading(Metrics.open(data), str(data))


@st.cache_resource(show_spinner=False)
def project() -> Project:
    """The project this process serves, as the environment names it."""
    return Project.find()


def _frozen(where: Filter) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((dimension, tuple(values)) for dimension, values in sorted(where.items()))
