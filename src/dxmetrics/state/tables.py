"""The tables of the state store, as the newest file in `migrations/versions` leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class Instant(TypeDecorator[datetime]):
    """An aware time, kept in UTC; a naive one is refused. SQLite itself knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC, and without its zone where the database keeps none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

_number = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only where they are INTEGER

inbox = Table(
    "inbox",
    metadata,
    Column("id", _number, primary_key=True),
    Column("endpoint", String, nullable=False),
    Column("delivery_id", String, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("processed_at", Instant),
    Column("outcome", String),
    Column("error", Text),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("endpoint", "delivery_id", name="inbox_delivery"),
    sqlite_autoincrement=True,  # the id of a row that was removed is not given again
)
_waits = inbox.c.processed_at.is_(None)
_failed = inbox.c.outcome == "failed"
Index("inbox_pending", inbox.c.id, sqlite_where=_waits, postgresql_where=_waits)
Index("inbox_failed", inbox.c.endpoint, sqlite_where=_failed, postgresql_where=_failed)
Index("inbox_received", inbox.c.received_at)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("seconds", Float, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)

schedule = Table(
    "schedule",
    metadata,
    Column("source", String, primary_key=True),
    Column("last_started_at", Instant),
    Column("last_finished_at", Instant),
    Column("last_status", String),
    Column("failures", Integer, nullable=False),
    Column("next_at", Instant),
)

looks = Table(
    "looks",
    metadata,
    Column("source", String, primary_key=True),
    Column("scope", String, primary_key=True),
    Column("asked_at", Instant, nullable=False),
)

run_log = Table(
    "run_log",
    metadata,
    Column("id", _number, primary_key=True),
    Column("run_id", String, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("step", String, nullable=False),
    Column("source", String),
    Column("status", String, nullable=False),
    Column("seconds", Float),
    Column("message", Text),
    sqlite_autoincrement=True,
)
Index("run_log_run", run_log.c.run_id)
Index("run_log_occurred", run_log.c.occurred_at)

survey_waves = Table(
    "survey_waves",
    metadata,
    Column("id", String, primary_key=True),
    Column("survey", String, nullable=False),
    Column("name", String, nullable=False),
    Column("instrument", JSON, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("key", LargeBinary),  # signs the links; gone once the wave is closed
    UniqueConstraint("survey", "name", name="survey_wave"),
)

survey_cohorts = Table(
    "survey_cohorts",
    metadata,
    Column("wave", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("team", String),
    Column("tenure", String),
    Column("invited", Integer, nullable=False),
    Column("answered", Integer, nullable=False),  # only once the wave is closed: until then what is spent is counted
)

# Kept in the order of the digests, not of arrival: it must not tell who answered before whom.
survey_spent = Table(
    "survey_spent",
    metadata,
    Column("wave", String, primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("cohort", Integer, nullable=False),
    Column("attempt", LargeBinary(32), nullable=False),  # of the response that spent it; meaningless once that counts
    sqlite_with_rowid=False,
)

survey_requests = Table(
    "survey_requests",
    metadata,
    Column("wave", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("asked_at", Instant, nullable=False),
)

# Who is asked in a wave, under a digest that only the wave's key can make again. Never who answered.
survey_invitations = Table(
    "survey_invitations",
    metadata,
    Column("wave", String, primary_key=True),
    Column("person", LargeBinary(32), primary_key=True),
    Column("cohort", Integer, nullable=False),
    Column("status", String, nullable=False),
    sqlite_with_rowid=False,
)

# How far a round of reminders came in the order of the digests. It went past those who had answered too.
survey_reminders = Table(
    "survey_reminders",
    metadata,
    Column("wave", String, primary_key=True),
    Column("began_at", Instant, nullable=False),
    Column("position", LargeBinary(32)),
    Column("is_over", Boolean, nullable=False),
)

# The last day on which somebody was asked anything, under a salted digest: for gaps and cool-downs.
survey_contacts = Table(
    "survey_contacts",
    metadata,
    Column("kind", String, primary_key=True),
    Column("person", LargeBinary(32), primary_key=True),
    Column("asked_on", Date, nullable=False),
    sqlite_with_rowid=False,
)

survey_salt = Table(
    "survey_salt",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# Documents are kept whole, as compressed JSON: rendering one asks nothing else. An edition never changes.
report_editions = Table(
    "report_editions",
    metadata,
    Column("id", String, primary_key=True),
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("report", String, nullable=False),
    Column("title", String, nullable=False),
    Column("team", String),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

report_deliveries = Table(
    "report_deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("channel", String, primary_key=True),
    Column("recipient", String, primary_key=True),
    Column("formats", JSON, nullable=False),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("planned_at", Instant, nullable=False),
    Column("next_at", Instant),
    Column("ended_at", Instant),
    Column("why", Text),
)

# What the schedule has written: each report of a team for a period once, whatever edition it was.
report_runs = Table(
    "report_runs",
    metadata,
    Column("report", String, primary_key=True),
    Column("team", String, primary_key=True),  # blank: all teams
    Column("period", String, primary_key=True),
    Column("id", String, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("written_at", Instant, nullable=False),
)

report_schedule = Table(
    "report_schedule",
    metadata,
    Column("report", String, primary_key=True),
    Column("schedule", String, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("waits_for", Text),
)
