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
    closes the connection, `change` happens to the world before the answer is made.
    """

    where: str = ""
    times: int = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    cut: bool = False
    drops: bool = False
    expires_cursors: bool = False
    change: Change | None = None
    larger_than: int | None = None  # only questions for more rows than this

    def hits(self, path: str, body: str, size: int) -> bool:
        """Whether it is for this request."""
        if self.times <= 0 or self.where not in f"{path} {body}":
            return False
        return self.larger_than is None or size > self.larger_than


TIMEOUT = {"data": None, "errors": [{"message": "Timeout on MergeRequest.commits"}]}
INTERNAL = {"errors": [{"message": "Internal server error"}]}


def anything(seed: int, change: Change) -> Callable[[], Fault | None]:
    """A generator of passing trouble by chance: nothing for most requests, else one of what a client must survive."""
    dice = random.Random(seed)  # noqa: S311

    def next_fault() -> Fault | None:
        if dice.random() > 0.35:
            return None
        return dice.choice(
            [
                Fault(change=change),
                Fault(change=change),
                Fault(change=change),
                Fault(status=502),
                Fault(status=500),
                Fault(status=429, headers={"retry-after": "2"}, body={"message": "429 Too Many Requests"}),
                Fault(cut=True),
                Fault(drops=True),
                Fault(where="graphql", status=200, body=TIMEOUT),
                Fault(where="graphql", status=200, body=INTERNAL),
                Fault(where="graphql", expires_cursors=True),
            ]
        )

    return next_fault
