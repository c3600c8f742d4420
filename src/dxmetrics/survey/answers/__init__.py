"""The answers store: the one place raw answers are kept, apart from everything that knows a person."""

from dxmetrics.survey.answers.collected import Collected, Kept
from dxmetrics.survey.answers.store import (
    Answers,
    Comment,
    Given,
    Response,
    WaveAnswers,
    exists,
    of_project,
    open_answers,
)

__all__ = [
    "Answers", "Collected", "Comment", "Given", "Kept", "Response", "WaveAnswers", "exists", "of_project",
    "open_answers",
]  # fmt: skip
