"""Answers that collectors bring from other tools."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select, update

from dxmetrics.survey.answers.tables import comments, is_frozen, responses, results, secret
from dxmetrics.survey.instrument import Item

if TYPE_CHECKING:
    from dxmetrics.records import SurveyAnswer, SurveyResponse
    from dxmetrics.state.database import Database

NO_OPTION = "?"  # for an answer to a choice that is none of its options
AT_ONCE = 500  # ids named in one statement

ItemOf = Callable[[str, str], Item | None]  # survey and item's id -> the item; None: no instrument has it


@dataclass(frozen=True)
class Kept:
    """What became of the responses of a page: how many were new, different, as before, or too late to be kept."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    late: int = 0  # of a wave whose results stand


class Collected:
    """The answers of other tools in the store. StateError from any method: nothing of that call is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def merge(self, source: str, scope: str, rows: Sequence[SurveyResponse], item_of: ItemOf) -> Kept:
        """Keep what a source delivers under a keyed digest of its id there; the same rows again are a no-op.

        Text goes with the response only where it names an option; somebody's own words are kept apart. What belongs to
        a wave whose results stand is left out: results that change by one answer would tell it.
        """
        counts: Counter[str] = Counter()
        with self._database.writing() as connection:
            key = self._key(connection)
            frozen = {(row.survey, row.wave) for row in connection.execute(select(results.c.survey, results.c.wave))}
            for row in {row.ext_id: row for row in rows}.values():
                is_late = (row.survey, row.wave) in frozen
                counts["late" if is_late else _merge(connection, key, (source, scope), row, item_of)] += 1
        return Kept(**counts)

    def keep_only(self, source: str, scope: str, ext_ids: Iterable[str]) -> int:
        """Erase what a scope does not have any more, of waves whose results do not stand; how many responses."""
        with self._database.writing() as connection:
            key, known = self._key(connection), list(ext_ids)
            items = connection.scalars(select(comments.c.item).where(_in_scope(comments, source, scope)).distinct())
            words = {_external(key, source, ext_id, item) for item in items for ext_id in known}
            kept = {_external(key, source, ext_id) for ext_id in known}
            _erase(connection, comments, _in_scope(comments, source, scope), words)
            return _erase(connection, responses, _in_scope(responses, source, scope), kept)

    def keep_scopes(self, source: str, scopes: Iterable[str]) -> int:
        """Erase what scopes brought that a source does not have any more, as `keep_only` does."""
        known = list(scopes)
        with self._database.writing() as connection:
            removed = [
                _erase(connection, table, (table.c.source == source) & table.c.scope.not_in(known))
                for table in (comments, responses)
            ]
        return removed[-1]

    def keep_sources(self, sources: Iterable[str]) -> int:
        """Erase what sources brought that are not configured any more, as `keep_only` does."""
        known = list(sources)
        with self._database.writing() as connection:
            removed = [
                _erase(connection, table, table.c.source.is_not(None) & table.c.source.not_in(known))
                for table in (comments, responses)
            ]
        return removed[-1]

    def _key(self, connection: Connection) -> bytes:
        """What the ids of other tools are digested with, made when it is first asked for."""
        made = self._database.insert(secret).values(name="external", value=secrets.token_bytes(32))
        connection.execute(made.on_conflict_do_nothing())
        found: bytes = connection.execute(select(secret.c.value).where(secret.c.name == "external")).scalar_one()
        return found


def _merge(connection: Connection, key: bytes, place: tuple[str, str], row: SurveyResponse, item_of: ItemOf) -> str:
    source, scope = place
    external = _external(key, source, row.ext_id)
    items = {one.item: item_of(row.survey, one.item) for one in row.answers}
    said = {
        "scope": scope,
        "survey": row.survey,
        "wave": row.wave,
        "submitted_on": row.submitted_on,
        "team": row.team,
        "tenure": row.cohort,
        "language": row.language,
        "answers": {one.item: said for one in row.answers if (said := _code(items[one.item], one)) is not None},
    }
    words = {one.item: one for one in row.answers if one.text and _is_comment(items[one.item], one)}
    has_new_words = _merge_comments(connection, key, place, row, words)
    found = connection.execute(select(responses).where(responses.c.external == external)).one_or_none()
    if found is None:
        made = insert(responses).values(id=secrets.token_hex(32), source=source, external=external, **said)
        connection.execute(made)
        return "inserted"
    if any(getattr(found, name) != value for name, value in said.items()):
        connection.execute(update(responses).where(responses.c.id == found.id).values(**said))
        return "updated"
    return "updated" if has_new_words else "unchanged"


def _code(item: Item | None, answer: SurveyAnswer) -> float | str | None:
    """What is kept with a response: a number, or which option; never somebody's own words."""
    if item is None or item.type in ("likert", "recommend"):
        return answer.number
    if item.type == "text" or answer.text is None:
        return None
    said = answer.text.strip().casefold()
    labels = {label.casefold(): name for name, words in item.options.items() for label in words.texts.values()}
    return labels.get(said) or (said if said in item.options else NO_OPTION)


def _is_comment(item: Item | None, answer: SurveyAnswer) -> bool:
    """Whether words are somebody's own. Of an item that no instrument has, they may be: they are kept apart."""
    return item.type == "text" if item is not None else answer.number is None


def _merge_comments(
    connection: Connection,
    key: bytes,
    place: tuple[str, str],
    row: SurveyResponse,
    said: Mapping[str, SurveyAnswer],
) -> bool:
    """Keep the words of a response apart from it; whether any are new, different or gone.

    Which comments are a response's own is found with its id at the source, which is kept nowhere.
    """
    source, scope = place
    of_wave = (comments.c.survey == row.survey) & (comments.c.wave == row.wave)
    items = {*said, *connection.scalars(select(comments.c.item).where(of_wave).distinct())}
    own = {_external(key, source, row.ext_id, item): item for item in items}
    known = connection.execute(select(comments).where(comments.c.external.in_(own))).all()
    found = {own[one.external]: (one.text, one.may_share) for one in known}
    wanted = {item: (one.text, one.may_share) for item, one in said.items()}
    for external, item in own.items():
        which = comments.c.external == external
        if item not in wanted:
            connection.execute(delete(comments).where(which))
        elif item not in found:
            text, may_share = wanted[item]
            given = {"survey": row.survey, "wave": row.wave, "item": item, "text": text, "may_share": may_share}
            made = insert(comments).values(id=secrets.token_hex(32), external=external, source=source, scope=scope)
            connection.execute(made.values(**given))
        elif found[item] != wanted[item]:
            text, may_share = wanted[item]
            connection.execute(update(comments).where(which).values(text=text, may_share=may_share))
    return found != wanted


def _in_scope(table: Table, source: str, scope: str) -> ColumnElement[bool]:
    return (table.c.source == source) & (table.c.scope == scope)


def _erase(connection: Connection, table: Table, which: ColumnElement[bool], kept: Container[bytes] = ()) -> int:
    """Erase rows but those `kept` and those of waves whose results stand; how many."""
    rows = connection.execute(select(table.c.id, table.c.survey, table.c.wave, table.c.external).where(which)).all()
    gone = [row.id for row in rows if row.external not in kept and not is_frozen(connection, row.survey, row.wave)]
    for start in range(0, len(gone), AT_ONCE):
        connection.execute(delete(table).where(table.c.id.in_(gone[start : start + AT_ONCE])))
    return len(gone)


def _external(key: bytes, source: str, ext_id: str, item: str = "") -> bytes:
    return hmac.new(key, f"{source}\0{ext_id}\0{item}".encode(), hashlib.sha256).digest()
