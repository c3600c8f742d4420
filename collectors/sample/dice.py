"""Repeatable chance: the same key gives the same draws on every machine."""

import hashlib
import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """Draws that depend on `key` alone. Only `random` and `gauss` are used: their sequence is stable over versions."""

    def __init__(self, *key: object) -> None:
        source = Random("/".join(map(str, key)))  # noqa: S311 - an invented organisation needs no secrecy
        self.share = source.random
        self._gauss = source.gauss

    def duration(self, median: float, spread: float = 0.8) -> float:
        """A log-normal draw, as durations of work are: most short, some very long."""
        return median * math.exp(spread * self._gauss(0.0, 1.0))

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.share()

    def happens(self, probability: float) -> bool:
        return self.share() < probability

    def pick(self, items: Sequence[Item]) -> Item:
        return items[int(self.share() * len(items))]

    def normal(self, mean: float, deviation: float) -> float:
        return self._gauss(mean, deviation)

    def count(self, mean: float) -> int:
        """A Poisson draw."""
        if mean > 30:
            return max(0, round(self._gauss(mean, math.sqrt(mean))))
        limit, product, number = math.exp(-mean), self.share(), 0
        while product > limit:
            product *= self.share()
            number += 1
        return number


def sha(key: str) -> str:
    """A commit id that depends on `key` alone."""
    return hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
