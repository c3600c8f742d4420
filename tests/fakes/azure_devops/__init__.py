"""An Azure DevOps in the process: organisations that change, their lists with their quirks, and what goes wrong.

It answers as the real one is known to: pull requests come in no order one could rely on, without who closed them and
with half their description; filters by time compare whole milliseconds; a permission that a token lacks is a 401; a
run that is run again keeps its id; a token that has ended gets a page to log in.
"""

from .server import AzureDevOps, Refused
from .world import ADA, BOB, Project, Repository, person, text

__all__ = ["ADA", "BOB", "AzureDevOps", "Project", "Refused", "Repository", "person", "text"]
