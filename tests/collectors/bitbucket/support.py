"""What tests of the Bitbucket source share: the source on a fake server, and what a warehouse would hold of it."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dxmetrics.collectors import Context, Page, Scope, extend_path
from dxmetrics.records import Record, snake_name
from tests.fakes.bitbucket import Bitbucket

ROOT = Path(__file__).parents[3]
extend_path([ROOT / "collectors"])
source = importlib.import_module("dxmetrics.collectors.bitbucket")

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@dataclass
class Store:
    """Rows by record and id, as records, with the cursors of the scopes beside them."""

    rows: dict[type[Record], dict[str, Record]] = field(default_factory=lambda: defaultdict(dict))
    cursors: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    def commit(self, scope: Scope, page: Page) -> None:
        """Keep a page as a transaction does: an older row overwrites no newer one, and `whole` takes rows away."""
        self.pages.append(page)
        for kind, payloads in page.rows.items():
            make = getattr(source, snake_name(kind), None) or kind.model_validate
            found = {row.ext_id: row for row in map(make, payloads)}
            if kind in page.whole:
                parent, parents = page.whole[kind].parent, set(page.whole[kind].of)
                gone = [name for name, row in self.rows[kind].items() if getattr(row, parent) in parents - found.keys()]
                for name in gone:
                    del self.rows[kind][name]
            for name, row in found.items():
                known = self.rows[kind].get(name)
                if not (known and known.updated_at and row.updated_at and row.updated_at < known.updated_at):
                    self.rows[kind][name] = row
        if page.cursor is not None:
            self.cursors[scope.id] = page.cursor

    def of(self, kind: type[Record]) -> list[Any]:
        """All records of a kind, by id."""
        return [row for _, row in sorted(self.rows[kind].items())]

    def one(self, kind: type[Record]) -> Any:
        """The only record of a kind."""
        (found,) = self.of(kind)
        return found


def collector(server: Bitbucket, **settings: Any) -> Any:
    """The source on a server that is asked instead of the network; its sleeps end at once."""
    chosen = {"kind": "bitbucket", "organisations": ("acme",), "token": "secret-token", "mirror": False, **settings}
    context = Context(now=lambda: server.now, folder=Path(), transport=server, sleep=lambda _: None)
    return source.Bitbucket("bitbucket", source.BitbucketSettings.model_validate(chosen), context)


def collect(server: Bitbucket, store: Store | None = None, **settings: Any) -> Store:
    """One collection of all scopes into the store (None: an empty one)."""
    store = store or Store()
    for _ in reading(server, store, **settings):
        pass
    return store


def reading(server: Bitbucket, store: Store, **settings: Any) -> Iterator[Page]:
    """The same, page by page: each is kept before the next one is read."""
    one = collector(server, **settings)
    for scope in one.scopes():
        for page in one.collect(scope, store.cursors.get(scope.id)):
            store.commit(scope, page)
            yield page


def again(server: Bitbucket, store: Store, **settings: Any) -> list[str]:
    """What another collection asks for, below the repository."""
    before = len(server.requests)
    collect(server, store, **settings)
    paths = [request.url.path for request in server.requests[before:]]
    return [path.removeprefix("/2.0/repositories/acme/shop/") for path in paths if "/shop/" in path]
