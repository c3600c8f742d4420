"""Metrics: definitions, numbers with their intervals, comparisons, bands, receipts; the only reader."""

from dxmetrics.metrics.api import Metrics
from dxmetrics.metrics.bands import Band, Scores, scores
from dxmetrics.metrics.definition import FEW_PEOPLE, LEAST_PEOPLE, Definition
from dxmetrics.metrics.periods import PERIODS, Period, Window, complete_weeks
from dxmetrics.metrics.results import Cell, Chart, Comparison, Health, Matches, Receipt
from dxmetrics.metrics.store import require_readable

__all__ = [
    "FEW_PEOPLE", "LEAST_PEOPLE", "PERIODS", "Band", "Cell", "Chart", "Comparison", "Definition", "Health", "Matches",
    "Metrics", "Period", "Receipt", "Scores", "Window", "complete_weeks", "require_readable", "scores",
]  # fmt: skip
