"""What is pushed: bytes of a request become events or items, and those become records.

    bytes -> CloudEvent -> payload -> record      `cloudevents.read`, `cdevents.merge`, `cdevents.deployment` ...
    bytes -> item -> row                          `plain.read`, `plain.row`

Nothing here reads a clock, a file or a network: the same bytes always mean the same.
"""

from dxmetrics.events.cloudevents import CloudEvent

__all__ = ["CloudEvent"]
