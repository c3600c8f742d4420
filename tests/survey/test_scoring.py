"""Scores, against the worked examples of the catalogue and against values worked out by hand."""

from __future__ import annotations

import pytest

from dxmetrics.survey import scoring

LIKERT = [5, 4, 4, 3, 2, 5, 4, 1, 4, 4]
TEN_POINTS = [9, 10, 9, 8, 7, 6, 3, 10, 9, 0]
AGREE = {"a": (1, 5), "b": (1, 5), "c": (1, 5)}


def test_example_21_likert() -> None:
    assert scoring.mean(LIKERT) == 3.6
    favourable = scoring.favourable(LIKERT, (4, 5))
    assert favourable is not None
    assert (favourable.value, favourable.n) == (70.0, 10)
    assert (round(favourable.low or 0, 1), round(favourable.high or 0, 1)) == (39.7, 89.2)
    top = scoring.favourable(LIKERT, (5,))
    assert top is not None
    assert top.value == 20.0
    index = scoring.index([scoring.index_of({"a": code}, {"a": (1, 5)}, 0.7) or 0.0 for code in LIKERT], seed=1)
    assert index is not None
    assert index.value == 65.0


def test_example_21_recommend() -> None:
    score = scoring.recommend(TEN_POINTS, (9, 10), range(7))
    assert score is not None
    assert (score.value, score.n) == (pytest.approx(20.0), 10)
    assert (round(score.low or 0), round(score.high or 0)) == (-34, 74)
    assert round(((score.high or 0) - score.value) / 1.959963984540054, 1) == 27.6


def test_nobody_answered_is_no_score() -> None:
    assert scoring.favourable([], (4, 5)) is None
    assert scoring.recommend([], (9, 10), range(7)) is None
    assert scoring.index([], seed=1) is None
    assert scoring.mean([]) is None


def test_everybody_a_promoter_is_100_and_goes_no_higher() -> None:
    score = scoring.recommend([10] * 6, (9, 10), range(7))
    assert score == scoring.Score(100.0, 100.0, 100.0, 6)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"a": 5, "b": 5, "c": 5}, 100.0),
        ({"a": 1, "b": 3, "c": 5}, 50.0),
        ({"a": 5, "b": 1}, None),  # two of three are 67 %, below 70 %
        ({}, None),
    ],
)
def test_an_index_needs_most_of_its_items(codes: dict[str, int], expected: float | None) -> None:
    assert scoring.index_of(codes, AGREE, 0.7) == expected


def test_scales_of_different_length_weigh_the_same() -> None:
    assert scoring.index_of({"a": 3, "b": 4}, {"a": (1, 5), "b": (1, 7)}, 1.0) == 50.0


def test_the_interval_of_an_index_comes_from_its_respondents_and_is_the_same_for_everyone() -> None:
    values = [40.0, 50.0, 60.0, 70.0, 80.0] * 4
    score = scoring.index(values, seed=7)
    assert score == scoring.index(values, seed=7)
    assert score is not None
    assert score.value == 60.0
    assert 53 < (score.low or 0) < 55  # 60 - 1.96 x 14.1 / sqrt(20)
    assert 65 < (score.high or 0) < 67


def test_cronbachs_alpha() -> None:
    same = [[1, 1, 1], [3, 3, 3], [5, 5, 5], [2, 2, 2]]
    assert scoring.cronbach(same) == pytest.approx(1.0)
    # by hand: item variances 2.5, 2.5, total variance 8.0 -> 2 x (1 - 5 / 8)
    assert scoring.cronbach([[1, 2], [2, 1], [3, 5], [4, 3], [5, 4]]) == pytest.approx(0.75)
    assert scoring.cronbach([[3, 3], [3, 3]]) is None
    assert scoring.cronbach([[1, 2]]) is None
