"""A GitHub on loopback: a world of repositories, its GraphQL and REST answers, and what goes wrong with them."""

from .faults import Fault, Faults
from .generate import generate
from .server import Server
from .world import World

__all__ = ["Fault", "Faults", "Server", "World", "generate"]
