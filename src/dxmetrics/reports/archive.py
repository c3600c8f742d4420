"""The archive: every edition of every report as the document it was, so that its numbers stay what they were.

A document is kept under an id of its report, team and period: `delivery-review-payments-2026-10`, or 2026-W44, 2026-Q3.
Written again with the same numbers it is the same edition; with others it is the next one, which says what changed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from dxmetrics.errors import SettingsError
from dxmetrics.metrics import periods
from dxmetrics.reports import corrections
from dxmetrics.reports.document import Document

if TYPE_CHECKING:
    from dxmetrics.state import State
    from dxmetrics.state.editions import Edition

DIGEST = 6  # letters that tell apart what would be written the same


class Archive:
    """The editions in the state store. Safe for several threads and processes."""

    def __init__(self, state: State) -> None:
        self._state = state

    def keep(self, document: Document) -> Document:
        """The document as an edition: the newest one where that has the same numbers, else a new one."""
        while True:
            made, is_new = self._next(document)
            if not is_new or self._add(made):
                return made

    def as_kept(self, document: Document) -> Document:
        """What `keep` would make of a document; nothing is kept."""
        return self._next(document)[0]

    def all(self) -> list[Edition]:
        """The newest edition of every report, team and period, what was made last first."""
        return self._state.editions.newest()

    def editions(self, key: str) -> list[Edition]:
        """Every edition of an id, the newest first; none where there is no such id."""
        return self._state.editions.of(key)

    def find(self, key: str, edition: int | None = None) -> Document:
        """The document of an edition, the newest where none is named; SettingsError where there is none."""
        found = self._state.editions.read(key, edition)
        if found is None:
            known = [str(one.edition) for one in reversed(self.editions(key))]
            there = f"it has editions {', '.join(known)}" if known else "`dxmetrics report --list` lists what there is"
            raise SettingsError(f"there is no edition {edition or 1} of report {key!r}: {there}")
        return Document.model_validate_json(zlib.decompress(found))

    def _next(self, document: Document) -> tuple[Document, bool]:
        """The edition that a document is, and whether that is a new one."""
        key = self._key(document)
        before = self._newest(key)
        if before is None:
            return document.model_copy(update={"id": key, "edition": 1}), True
        if corrections.is_same(before, document):
            return before, False
        corrected = corrections.corrections(before, document)
        return (
            document.model_copy(update={"id": key, "edition": before.edition + 1, "corrections": corrected}),
            True,
        )

    def _newest(self, key: str) -> Document | None:
        found = self._state.editions.read(key)
        return None if found is None else Document.model_validate_json(zlib.decompress(found))

    def _add(self, made: Document) -> bool:
        return self._state.editions.add(
            made.id,
            made.edition,
            zlib.compress(made.model_dump_json().encode()),
            report=made.report,
            title=made.title,
            team=made.team,
            starts_on=made.start,
            ends_on=made.end,
            as_of=made.as_of,
        )

    def _key(self, document: Document) -> str:
        """The first id that no other report, team or period has taken."""
        wanted = (document.report, document.team, document.start, document.end)
        for key in _keys(document):
            taken = {(one.report, one.team, one.starts_on, one.ends_on) for one in self.editions(key)}
            if taken <= {wanted}:
                return key
        raise AssertionError(f"two reports have the digest of {wanted}")


def period_name(start: date, end: date) -> str:
    """How a period is written: 2026-W44, 2026-10, 2026-Q3; `2026-10-05-to-2026-11-01` where it is none of them."""
    for kind in ("week", "month", "quarter"):
        if periods.floor(start, kind) == start and periods.following(start, kind) == end:
            return periods.label(start, kind)
    return f"{start}-to-{date.fromordinal(end.toordinal() - 1)}"


def _keys(document: Document) -> Iterator[str]:
    """Ids to choose from: as people would write it, and one that nothing else can have."""
    period = period_name(document.start, document.end)
    slug = _slug(document.team) if document.team else ""
    digest = hashlib.sha256(f"{document.report}\0{document.team}".encode()).hexdigest()[:DIGEST]
    if slug is not None:
        yield "-".join(filter(None, (document.report, slug, period)))
    yield "-".join(filter(None, (document.report, slug, digest, period)))


def _slug(name: str) -> str | None:
    """A name as part of a file name and an address; None where letters of it cannot be written so."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    if any(one.isalnum() and not one.isascii() for one in letters):
        return None
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or None
