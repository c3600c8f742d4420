"""Surveys: instruments, links, the private answers store, scores, suppression, and the results that are shown.

The line of a survey: a YAML instrument is opened as a wave, people get signed links, their answers go to a store of
their own, the wave is closed, and its results are computed once, with what must not be shown left out.
"""

from dxmetrics.survey.answers import Answers, Comment, Given, Response
from dxmetrics.survey.answers import exists as has_answers
from dxmetrics.survey.answers import of_project as answers_of
from dxmetrics.survey.evaluation import Facts, compute
from dxmetrics.survey.instrument import Instrument
from dxmetrics.survey.library import of_project as instruments_of
from dxmetrics.survey.results import Cell, Measure, Results, TeamNode

__all__ = [
    "Answers", "Cell", "Comment", "Facts", "Given", "Instrument", "Measure", "Response", "Results", "TeamNode",
    "answers_of", "compute", "has_answers", "instruments_of",
]  # fmt: skip
