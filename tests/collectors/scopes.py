"""Which scopes a source of a kind has, on the server of its example."""

from __future__ import annotations

import importlib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from dxmetrics import collectors
from dxmetrics.collectors import Context
from dxmetrics.project import builtin_root

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def listed(kind: str, folder: Path) -> set[str]:
    """The ids of all scopes, those of mirrors too."""
    collectors.extend_path([builtin_root() / "collectors"])
    cls = collectors.load(kind)
    example = importlib.import_module(f"tests.collectors.{kind}.example")
    settings = cls.Settings.model_validate({"kind": kind, **example.settings(folder), "mirror": True})
    context = Context(
        now=lambda: NOW, folder=folder, project_folder=folder, transport=example.transport(NOW), sleep=lambda _: None
    )
    with closing(cls("example", settings, context)) as source:
        return {scope.id for scope in source.scopes()}
