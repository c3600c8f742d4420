"""The SQLite file of the state store: made, brought up to date, copied before that, and refused with a remedy."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dxmetrics.errors import SettingsError, StateError
from dxmetrics.state import Delivery, database, open_state, schema
from tests.conftest import Clock

MINUTE = timedelta(minutes=1)


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(query).fetchall()
        connection.commit()
    return found


def filled(folder: Path, clock: Callable[[], datetime]) -> Path:
    """A store with one delivery in it, closed."""
    with open_state("", folder, clock) as state:
        state.inbox.append(Delivery("events", "1", {}, b"body"))
    return folder / "state.sqlite"


def test_the_store_is_a_file_in_the_folder_and_the_folder_is_made(tmp_path: Path, clock: Clock) -> None:
    path = filled(tmp_path / "new" / "data", clock)
    assert path.is_file()
    assert ask(path, "pragma journal_mode") == [("wal",)]
    assert ask(path, "select version_num from state_version") == [(schema.VERSION,)]
    assert [file.name for file in path.parent.iterdir()] == ["state.sqlite"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "data").write_text("a file stands in the way")
    with pytest.raises(StateError, match=r"folder .*data cannot be made .*choose another"):
        open_state("", tmp_path / "data", clock)


def test_a_folder_with_signs_that_mean_something_in_addresses_is_just_a_folder(tmp_path: Path, clock: Clock) -> None:
    path = filled(tmp_path / "50% of a?b#c", clock)
    with open_state("", path.parent, clock) as state:
        state.backup(path.parent / "copy.sqlite")
    assert ask(path.parent / "copy.sqlite", "select delivery_id from inbox") == [("1",)]


@pytest.mark.parametrize(
    "content", [b"not a database at all " * 500, b"short", b"SQLite format 3\x00" + b"\xff" * 9_000]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, clock: Clock, content: bytes) -> None:
    (tmp_path / "state.sqlite").write_bytes(content)
    with pytest.raises(StateError, match=r"state\.sqlite is damaged or not a SQLite file .*move it away"):
        open_state("", tmp_path, clock)
    assert (tmp_path / "state.sqlite").read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "state.sqlite").mkdir()
    with pytest.raises(StateError, match=r"state\.sqlite cannot be written .*mend its permissions"):
        open_state("", tmp_path, clock)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, clock: Clock) -> None:
    path = filled(tmp_path, clock)
    path.chmod(stat.S_IRUSR)
    with (
        pytest.raises(StateError, match=r"state\.sqlite cannot be written .*mend its permissions"),
        open_state("", tmp_path, clock) as state,
    ):
        state.inbox.append(Delivery("events", "2", {}, b""))


def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = filled(tmp_path, clock)
    ask(path, "update state_version set version_num = '9999'")
    with pytest.raises(StateError, match=r"schema version 9999, .* knows up to \d{4}: upgrade dxmetrics"):
        open_state("", tmp_path, clock)
    assert ask(path, "select delivery_id from inbox") == [("1",)]
    assert [file.name for file in tmp_path.iterdir()] == ["state.sqlite"]


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite:///state.sqlite", "no address", "postgresql+asyncpg://h/d"])
def test_an_address_that_is_none_of_ours_is_refused_with_what_is_possible(
    tmp_path: Path, clock: Clock, url: str
) -> None:
    with pytest.raises(SettingsError, match=r"\[state\] url .*postgresql://user:password@host/database.*blank"):
        open_state(url, tmp_path, clock)


def test_without_the_package_that_reaches_postgresql_its_name_is_told(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r'pip install "psycopg\[binary\]"'):
        open_state("postgresql://host/dx", tmp_path, clock)


def test_a_store_that_another_process_holds_for_too_long_is_told_and_works_afterwards(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    one = Delivery("events", "2", {}, b"")
    path = filled(tmp_path, clock)
    with open_state("", tmp_path, clock) as state, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        assert state.inbox.depth() == 1  # readers do not wait
        with pytest.raises(StateError, match="another process holds it up"):
            state.inbox.append(one)
        with pytest.raises(StateError, match="another process holds it up"):
            state.leases.acquire("github", "one", MINUTE)
        other.execute("rollback")
        assert state.inbox.append(one)


def test_a_backup_is_one_whole_file_taken_while_others_write(tmp_path: Path, clock: Clock) -> None:
    path = filled(tmp_path, clock)
    (tmp_path / "backups").mkdir()
    copy = tmp_path / "backups" / "copy.sqlite"
    with open_state("", tmp_path, clock) as state, closing(sqlite3.connect(path, isolation_level=None)) as other:
        state.inbox.append(Delivery("events", "2", {}, b"only in the write-ahead log yet"))
        other.execute("begin immediate")
        other.execute("delete from inbox")
        state.backup(copy)
        other.execute("rollback")
    assert ask(copy, "select delivery_id from inbox order by id") == [("1",), ("2",)]
    assert ask(copy, "pragma integrity_check") == [("ok",)]
    assert [file.name for file in copy.parent.iterdir()] == ["copy.sqlite"]


def test_a_backup_to_where_nothing_can_be_written_says_so(tmp_path: Path, clock: Clock) -> None:
    filled(tmp_path, clock)
    with (
        open_state("", tmp_path, clock) as state,
        pytest.raises(StateError, match=r"cannot be copied to .*copy\.sqlite"),
    ):
        state.backup(tmp_path / "missing" / "copy.sqlite")


BEFORE = schema.VERSION
NEXT = f"{int(BEFORE) + 1:04}"
ADDS_A_COLUMN = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{BEFORE}"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("signature", sa.String()))
    op.execute("update inbox set signature = 'none'")
"""


def next_version(monkeypatch: pytest.MonkeyPatch, folder: Path, migration: str) -> None:
    """This program with one more migration."""
    shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"v{NEXT}_more.py").write_text(migration)
    monkeypatch.setattr(schema, "MIGRATIONS", folder)
    monkeypatch.setattr(schema, "VERSION", NEXT)


def test_an_older_store_is_copied_then_brought_up_to_date(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(tmp_path / "data", clock)
    next_version(monkeypatch, tmp_path / "migrations", ADDS_A_COLUMN)
    with open_state("", path.parent, clock) as state:
        assert state.inbox.depth() == 1
    assert ask(path, "select delivery_id, signature from inbox") == [("1", "none")]
    copy = path.with_name(f"state-{BEFORE}-20260105T120000Z.sqlite")
    assert ask(copy, "select version_num from state_version") == [(BEFORE,)]
    assert ask(copy, "select delivery_id, body from inbox") == [("1", b"body")]
    with open_state("", path.parent, clock):
        assert sorted(file.name for file in path.parent.glob("*.sqlite")) == [copy.name, "state.sqlite"]


def test_a_change_of_the_schema_that_fails_half_way_is_undone(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(tmp_path / "data", clock)
    before = ask(path, "select name, sql from sqlite_master order by name")
    next_version(monkeypatch, tmp_path / "migrations", ADDS_A_COLUMN + "    raise RuntimeError('half way')\n")
    with pytest.raises(RuntimeError, match="half way"):
        open_state("", path.parent, clock)
    assert ask(path, "select name, sql from sqlite_master order by name") == before
    assert ask(path, "select version_num from state_version") == [(BEFORE,)]
    assert ask(path, "select delivery_id from inbox") == [("1",)]


def test_a_backup_of_an_older_version_is_restored_in_the_shape_of_now(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = filled(tmp_path / "old", clock)
    next_version(monkeypatch, tmp_path / "migrations", ADDS_A_COLUMN)
    with open_state("", tmp_path / "data", clock) as state:
        state.restore(old)
        assert [one.delivery_id for one in state.inbox.pending(9)] == ["1"]
    assert ask(old, "select version_num from state_version") == [(BEFORE,)]


def test_a_clock_that_is_set_forward_ends_a_lease_and_its_holder_is_told(tmp_path: Path, clock: Clock) -> None:
    with open_state("", tmp_path, clock) as state:
        state.leases.acquire("github", "one", MINUTE)
        clock.advance(hours=1)
        assert state.leases.acquire("github", "two", MINUTE)
        assert not state.leases.renew("github", "one", MINUTE)


def test_a_clock_that_is_set_back_makes_nobody_wait_longer_than_the_lease_was_meant_to_last(
    tmp_path: Path, clock: Clock
) -> None:
    with open_state("", tmp_path, clock) as state:
        state.leases.acquire("github", "killed", MINUTE)
        state.leases.acquire("gitlab", "alive", MINUTE)
        clock.advance(days=-1)
        assert not state.leases.acquire("github", "two", 5 * MINUTE)
        assert not state.leases.acquire("gitlab", "two", 5 * MINUTE)
        clock.advance(seconds=20)
        assert state.leases.renew("gitlab", "alive", MINUTE)
        clock.advance(seconds=40)
        assert state.leases.acquire("github", "two", 5 * MINUTE)
        assert not state.leases.acquire("gitlab", "two", 5 * MINUTE)


def test_times_without_a_zone_are_refused(tmp_path: Path) -> None:
    with open_state("", tmp_path, lambda: datetime(2026, 1, 5)) as state:  # noqa: DTZ001
        with pytest.raises(Exception, match="2026-01-05 00:00:00 has no time zone"):
            state.inbox.append(Delivery("events", "1", {}, b""))
        assert state.inbox.depth() == 0
