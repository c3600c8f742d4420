"""Tiny git repositories with fixed dates, made with git itself, and what the git source says of them."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dxmetrics.collectors import Context, Cursor, Page, extend_path, load
from dxmetrics.records import RECORDS, Record

START = datetime(2026, 1, 5, 9, tzinfo=UTC)  # a Monday
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]

Payload = Mapping[str, Any]


class Repo:
    """A repository whose clock stands at `START` and moves only when told; methods return shas."""

    def __init__(self, folder: Path, *, bare: bool = False) -> None:
        self.folder = folder
        self.now = START
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", *(["--bare"] if bare else []))

    def git(self, *arguments: str, stdin: str = "", **variables: str) -> str:
        """What git prints, run with this repository's clock and one author for all."""
        when = f"{int(self.now.timestamp())} +0000"
        environment = {
            "PATH": os.environ["PATH"], "LC_ALL": "C", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_COMMITTER_DATE": when,
            **variables,
        }  # fmt: skip
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            input=stdin, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def wait(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)

    def commit(
        self, message: str, *, author: str = "Ada <ada@example.org>", file: str | None = None, **env: str
    ) -> str:
        """Commit a change of one file, an hour after the last event."""
        self.wait(hours=1)
        path = self.folder / (file or "file.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as handle:
            handle.write(f"{message}\n")
        self.git("add", "--all")
        name, _, email = author.partition(" <")
        env = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email.removesuffix(">"), **env}
        self.git("commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-m", message, **env)
        return self.head

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Make a branch and stand on it."""
        self.git("checkout", "--quiet", "-B", name, start)

    def switch(self, name: str) -> None:
        """Stand on a branch."""
        self.git("checkout", "--quiet", name)

    def merge(self, branch: str, message: str, **env: str) -> str:
        """Merge a branch with a merge commit, an hour after the last event."""
        self.wait(hours=1)
        self.git("merge", "--quiet", "--no-ff", "--strategy-option=theirs", "-m", message, branch, **env)
        return self.head

    def tag(self, name: str, target: str = "HEAD", *, annotated: bool = False) -> None:
        """Tag a commit, an hour after the last event."""
        self.wait(hours=1)
        self.git("tag", "--force", *(["--annotate", "-m", name] if annotated else []), name, target)

    def pull(self, number: int, target: str = "HEAD") -> None:
        """Keep a head as a pull request's, as hosts do."""
        self.git("update-ref", f"refs/pull/{number}/head", target)

    @property
    def head(self) -> str:
        """The sha HEAD points at."""
        return self.git("rev-parse", "HEAD")


@dataclass
class Collected:
    """What one run gave, by record type and `ext_id`; all payloads as records, so that they are valid."""

    pages: list[Page] = field(default_factory=list)
    rows: dict[type[Record], dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def cursor(self) -> Cursor:
        """The last page's cursor."""
        cursor = self.pages[-1].cursor
        assert cursor is not None
        return cursor

    @property
    def notes(self) -> str:
        """The last page's notes, as one text."""
        return "\n".join(self.pages[-1].notes)

    @property
    def count(self) -> int:
        """Rows of all types."""
        return sum(map(len, self.rows.values()))

    def of(self, record: type[Record], **values: object) -> list[Any]:
        """The records of a type with these values."""
        found = self.rows[record].values()
        return [one for one in found if all(getattr(one, name) == value for name, value in values.items())]

    def only(self, record: type[Record], **values: object) -> Any:
        """The one record of a type with these values."""
        (one,) = self.of(record, **values)
        return one


def collect(
    folder: Path,
    address: Path | str,
    cursor: Cursor | None = None,
    now: Callable[[], datetime] = lambda: NOW,
    **settings: Any,
) -> Collected:
    """Run the git source on one repository, its mirror below `folder`."""
    extend_path([ROOT / "collectors"])
    kind = load("git")
    made = kind.Settings(kind="git", repositories=(str(address),), **settings)
    collector = kind("git", made, Context(now, folder / "mirrors", project_folder=folder))
    (scope,) = collector.scopes()
    found = Collected()
    for page in collector.collect(scope, cursor):
        found.pages.append(page)
        for record, payloads in page.rows.items():
            assert record in RECORDS
            for payload in payloads:
                found.rows[record][payload["ext_id"]] = record.model_validate(payload)
    return found
