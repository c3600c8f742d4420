"""Which of the vendor's descriptions a request belongs to, and where the documentation knows better than they do."""

from __future__ import annotations

import re
import uuid

import httpx2

from tests.collectors.contract import contract

DESCRIPTIONS = {"git": "git", "build": "build", "release": "release", "wit": "wit"}  # by what follows _apis/
UNDESCRIBED = frozenset({"distributedtask"})  # no description of it is at hand
# Parts of a path that the descriptions call required, and learn.microsoft.com/rest/api/azure optional.
OPTIONAL_PARTS = (
    (re.compile(r"^(/[^/]+)(/_apis/git/repositories)$"), r"\1/any\2"),
    (re.compile(r"^(.*/timeline)$"), rf"\1/{uuid.UUID(int=0)}"),
    (re.compile(r"^(/[^/]+/[^/]+)(/_apis/wit/wiql)$"), r"\1/any\2"),
)


def check(request: httpx2.Request) -> None:
    """AssertionError where a request is not as the vendor describes it."""
    area = request.url.path.partition("/_apis/")[2].partition("/")[0]
    if area in UNDESCRIBED:
        return
    path = request.url.path
    for pattern, replacement in OPTIONAL_PARTS:
        path = pattern.sub(replacement, path)
    content = request.read()
    contract(f"azure-devops/{DESCRIPTIONS[area]}-7.1.json").check(
        httpx2.Request(request.method, request.url.copy_with(path=path), content=content)
    )
