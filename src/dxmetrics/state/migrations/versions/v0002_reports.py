"""Reports: the editions that are kept, what is delivered of them to whom, and what the schedule has written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "report_editions",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("edition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("team", sa.String()),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("as_of", _instant, nullable=False),
        sa.Column("made_at", _instant, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "report_deliveries",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("edition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("recipient", sa.String(), primary_key=True),
        sa.Column("formats", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("planned_at", _instant, nullable=False),
        sa.Column("next_at", _instant),
        sa.Column("ended_at", _instant),
        sa.Column("why", sa.Text()),
    )
    op.create_table(
        "report_runs",
        sa.Column("report", sa.String(), primary_key=True),
        sa.Column("team", sa.String(), primary_key=True),
        sa.Column("period", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("written_at", _instant, nullable=False),
    )
    op.create_table(
        "report_schedule",
        sa.Column("report", sa.String(), primary_key=True),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("next_at", _instant, nullable=False),
        sa.Column("waits_for", sa.Text()),
    )
