"""A run of deliveries that a test kills or has twice at once: the editions of a folder go out by its settings."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dxmetrics.project import Project
from dxmetrics.reports.channels import Contents
from dxmetrics.reports.delivery import deliver
from dxmetrics.reports.document import Document
from dxmetrics.state import open_state

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n picture"


def letter(document: Document, link: str | None) -> Any:
    """What stands in for the mail that renderers write."""
    return SimpleNamespace(
        subject=f"{document.title} · {document.scope}",
        text=f"{document.span}\n.\nLead time: 31 h\n",
        html='<p>Größe</p><img src="cid:lead">',
        images={"lead": PNG},
    )


def rendered(document: Document, format_name: str) -> bytes:
    """What stands in for the files that renderers write."""
    return f"{format_name} of {document.id} {document.edition}".encode()


def contents(document: Document, link: str | None) -> Contents:
    """An edition in those forms."""
    return Contents(document, link, render=rendered, write_letter=letter)


if __name__ == "__main__":
    project = Project.find(Path(sys.argv[1]), {})
    with open_state("", project.data, lambda: NOON) as state:
        sys.stdout.write("begins\n")
        sys.stdout.flush()
        sys.stdin.readline()
        deliver(project, state, lambda: NOON, contents=contents)
