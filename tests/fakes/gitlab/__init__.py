"""A GitLab: a world of groups and projects, its GraphQL and REST answers, and what goes wrong with them."""

from .faults import Fault
from .server import Server
from .world import START, World

__all__ = ["START", "Fault", "Server", "World"]
