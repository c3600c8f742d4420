"""The tables of the answers store: rows lie in the order of random ids, not of arrival."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Connection, Date, LargeBinary, MetaData, String, Table, Text, select

from dxmetrics.state.tables import Instant

metadata = MetaData()

responses = Table(
    "responses",
    metadata,
    Column("id", String, primary_key=True),
    Column("survey", String, nullable=False),
    Column("wave", String, nullable=False),
    Column("submitted_on", Date, nullable=False),
    Column("team", String),
    Column("tenure", String),
    Column("language", String),
    Column("answers", JSON, nullable=False),
    Column("source", String),  # of a collector; NULL: our own form
    Column("scope", String),
    Column("external", LargeBinary(32), unique=True),  # keyed digest of the id at the source
    Column("pending", LargeBinary(32)),  # the attempt to spend its link, until it is known to have succeeded
    Column("pending_at", Instant),
    sqlite_with_rowid=False,
)

comments = Table(
    "comments",
    metadata,
    Column("id", String, primary_key=True),
    Column("survey", String, nullable=False),
    Column("wave", String, nullable=False),
    Column("item", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("may_share", Boolean, nullable=False),
    Column("source", String),
    Column("scope", String),
    Column("external", LargeBinary(32), unique=True),
    Column("pending", LargeBinary(32)),
    sqlite_with_rowid=False,
)

results = Table(
    "results",
    metadata,
    Column("survey", String, primary_key=True),
    Column("wave", String, primary_key=True),
    Column("document", JSON(none_as_null=True)),  # NULL: erased, and not to be computed again
    sqlite_with_rowid=False,
)

secret = Table(
    "secret",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)


def is_frozen(connection: Connection, survey: str, wave: str) -> bool:
    """Whether the results of a wave stand, or were erased."""
    query = select(results.c.survey).where(results.c.survey == survey, results.c.wave == wave)
    return connection.scalar(query) is not None
