"""A Forgejo in the process: a world that changes, its lists with their quirks, and what goes wrong with them.

It answers as the real one is known to: instants in whole seconds and "never" as 1970, at most `most` rows a page, a
timeline that calls each of its pages the last, runs whose earlier attempts are told by their tasks only. As a Gitea it
ignores `sort` among issues, lists requests without lines and words runs differently.
"""

from .server import Forgejo
from .world import Refused, Repository

__all__ = ["Forgejo", "Refused", "Repository"]
