"""The section [cost]: what of it reaches SQL, and what cannot be meant."""

from __future__ import annotations

import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.settings import resolve, variables


def test_prices_reach_sql_in_their_order_with_their_patterns_as_regular_expressions() -> None:
    prices = [{"runner": "macos-*", "per_minute": 0.08}, {"runner": "/^own-/", "per_minute": 0}, {"per_minute": 1}]
    chosen = variables(resolve({"cost": {"currency": "EUR", "shared": "even", "ci_prices": prices}}, {}))
    assert chosen["ci_runners"] == [r"(?i)^(?:macos\-.*)$", "^own-", ""]
    assert chosen["ci_prices"] == [0.08, 0, 1]
    assert (chosen["cost_currency"], chosen["cost_kind"], chosen["cost_shared"]) == ("EUR", "effective", "even")


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"ci_prices": [{"per_minute": 0.01}]}, "ci_prices need a currency"),
        ({"currency": "EUR", "ci_prices": [{"runner": "x", "per_minute": -1}]}, "ci_prices number 1 per_minute = -1"),
        ({"currency": "euro"}, "currency = 'euro'"),
        ({"kind": "amortised"}, "kind = 'amortised'"),
        ({"shared": "fair"}, "shared = 'fair'"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(section: dict[str, object], problem: str) -> None:
    with pytest.raises(SettingsError, match="cost") as told:
        resolve({"cost": section}, {})
    assert problem in str(told.value)
