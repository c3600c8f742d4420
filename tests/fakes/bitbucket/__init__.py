"""A Bitbucket Cloud in the process: a world that changes, its lists with their quirks, and what goes wrong with them.

It answers as the real one is known to: a list has no more rows than its cap, `fields` takes away whatever was not asked
for, the next page of pipelines has lost its order, what waits for a person stands before all other deployments, and the
activity of pull requests has neither filter nor page numbers.
"""

from .lists import Refused
from .server import Bitbucket
from .world import ADA, BOB, Repository, user

__all__ = ["ADA", "BOB", "Bitbucket", "Refused", "Repository", "user"]
