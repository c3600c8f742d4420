"""HTTP beside the pages: pushes in, numbers and health out, described by OpenAPI at `/api/docs`; and surveys.

A push is authenticated, checked as far as its sender can mend it, written to the inbox and acknowledged: 202, or 200
where it was here before. What it means is the worker's to say. Nothing here opens the warehouse for writing.
"""

from dxmetrics.api.application import create
from dxmetrics.api.assistants import routes as assistants
from dxmetrics.api.badges import routes as badges
from dxmetrics.api.operations import routes as operations
from dxmetrics.api.sockets import answer_at_once
from dxmetrics.api.stores import Stores
from dxmetrics.api.surveys import routes as surveys

__all__ = ["Stores", "answer_at_once", "assistants", "badges", "create", "operations", "surveys"]
