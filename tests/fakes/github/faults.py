"""What goes wrong, scripted: each fault says which requests it hits, and is used up after some."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .world import World

Change = Callable[[World], None]


@dataclass
class Fault:
    """One kind of trouble for the next `times` requests whose path and body contain `where`.

    `status`, `headers` and `body` are answered instead of what was asked for, `cut` breaks the real answer off, `drops`
    closes the connection, `change` happens to the world before the answer is made, `skew_minutes` moves the Date.
    """

    where: str = ""
    times: int = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    cut: bool = False
    drops: bool = False
    expires_cursors: bool = False
    skew_minutes: int = 0
    change: Change | None = None
    larger_than: int | None = None  # only pages of more rows than this
    replace: tuple[str, str] | None = None  # in the text of the answer

    def hits(self, path: str, body: str, size: int) -> bool:
        """Whether it is for this request."""
        if self.times <= 0 or self.where not in f"{path} {body}":
            return False
        return self.larger_than is None or size > self.larger_than


SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
SOMETHING = {"data": None, "errors": [{"message": "Something went wrong while executing your query."}]}


@dataclass
class Faults:
    """The faults to come, taken in their order."""

    coming: list[Fault] = field(default_factory=list)

    def add(self, *faults: Fault) -> None:
        """More trouble."""
        self.coming.extend(faults)

    def take(self, path: str, body: str, size: int) -> Fault | None:
        """The first fault that hits a request; it has one time less."""
        for fault in self.coming:
            if fault.hits(path, body, size):
                fault.times -= 1
                return fault
        return None


def anything(seed: int, change: Change) -> Callable[[], Fault | None]:
    """A generator of passing trouble by chance: nothing for most requests, else one of what a client must survive."""
    dice = random.Random(seed)  # noqa: S311

    def next_fault() -> Fault | None:
        if dice.random() > 0.3:
            return None
        return dice.choice(
            [
                Fault(change=change),
                Fault(change=change),
                Fault(status=502),
                Fault(status=500),
                Fault(status=403, headers={"retry-after": "1"}, body=SECONDARY),
                Fault(status=429, headers={"retry-after": "2"}, body={"message": "Too many requests"}),
                Fault(cut=True),
                Fault(drops=True),
                Fault(where="graphql", status=200, body=SOMETHING),
                Fault(where="graphql", expires_cursors=True),
            ]
        )

    return next_fault
