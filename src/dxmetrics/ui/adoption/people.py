"""What may be said of a number of people: fewer than five could be known by name, so they are not counted out."""

from dxmetrics.metrics import LEAST_PEOPLE


def is_few(count: int) -> bool:
    """Whether so few are meant that they could be known. Nobody at all is no one in particular."""
    return 0 < count < LEAST_PEOPLE
