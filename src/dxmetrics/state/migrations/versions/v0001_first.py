"""The first tables: inbox, leases, API tokens, schedule, looks, run log, surveys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make them."""
    _inbox()
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("expires_at", _instant, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", _instant, nullable=False),
        sa.Column("expires_at", _instant),
        sa.Column("last_used_at", _instant),
        sa.Column("revoked_at", _instant),
    )
    op.create_table(
        "schedule",
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("last_started_at", _instant),
        sa.Column("last_finished_at", _instant),
        sa.Column("last_status", sa.String()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", _instant),
    )
    op.create_table(
        "looks",
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("scope", sa.String(), primary_key=True),
        sa.Column("asked_at", _instant, nullable=False),
    )
    op.create_table(
        "run_log",
        sa.Column("id", _number, primary_key=True),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("occurred_at", _instant, nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("source", sa.String()),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float()),
        sa.Column("message", sa.Text()),
        sqlite_autoincrement=True,
    )
    op.create_index("run_log_run", "run_log", ["run_id"])
    op.create_index("run_log_occurred", "run_log", ["occurred_at"])
    _surveys()


def _surveys() -> None:
    op.create_table(
        "survey_waves",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("survey", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("instrument", sa.JSON(), nullable=False),
        sa.Column("opened_at", _instant, nullable=False),
        sa.Column("closes_at", _instant, nullable=False),
        sa.Column("closed_at", _instant),
        sa.Column("key", sa.LargeBinary()),
        sa.UniqueConstraint("survey", "name", name="survey_wave"),
    )
    op.create_table(
        "survey_cohorts",
        sa.Column("wave", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("team", sa.String()),
        sa.Column("tenure", sa.String()),
        sa.Column("invited", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
    )
    op.create_table(
        "survey_spent",
        sa.Column("wave", sa.String(), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("cohort", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.LargeBinary(32), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "survey_requests",
        sa.Column("wave", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("asked_at", _instant, nullable=False),
    )
    _contacts()


def _contacts() -> None:
    op.create_table(
        "survey_invitations",
        sa.Column("wave", sa.String(), primary_key=True),
        sa.Column("person", sa.LargeBinary(32), primary_key=True),
        sa.Column("cohort", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "survey_reminders",
        sa.Column("wave", sa.String(), primary_key=True),
        sa.Column("began_at", _instant, nullable=False),
        sa.Column("position", sa.LargeBinary(32)),
        sa.Column("is_over", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "survey_contacts",
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("person", sa.LargeBinary(32), primary_key=True),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "survey_salt",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", _number, primary_key=True),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("received_at", _instant, nullable=False),
        sa.Column("processed_at", _instant),
        sa.Column("outcome", sa.String()),
        sa.Column("error", sa.Text()),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("endpoint", "delivery_id", name="inbox_delivery"),
        sqlite_autoincrement=True,
    )
    waits, failed = sa.text("processed_at is null"), sa.text("outcome = 'failed'")
    op.create_index("inbox_pending", "inbox", ["id"], sqlite_where=waits, postgresql_where=waits)
    op.create_index("inbox_failed", "inbox", ["endpoint"], sqlite_where=failed, postgresql_where=failed)
    op.create_index("inbox_received", "inbox", ["received_at"])
