"""The state store, in SQLite always and in PostgreSQL where a server is at hand: the same calls, the same answers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from dxmetrics.errors import StateError, TokenRefused
from dxmetrics.state import Delivery, Failure, State, inbox, open_state
from dxmetrics.state.tables import metadata
from tests.conftest import Clock

MINUTE = timedelta(minutes=1)
NONE_AT_ALL = timedelta(0)  # a lease that is over as soon as it begins


def postgresql_programs() -> Path | None:
    """The folder with initdb and postgres; None where there is no server to start."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def postgresql_server(programs: Path) -> Iterator[str]:
    """A server on loopback with nothing in it: the beginning of its databases' URLs."""
    owner = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    with tempfile.TemporaryDirectory() as folder:
        if owner is not None:
            shutil.chown(folder, owner)
        made = [str(programs / "initdb"), "-D", f"{folder}/data", "-U", "dx", "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(made, user=owner, cwd=folder, check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        where = ["-D", f"{folder}/data", "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        started = [str(programs / "postgres"), *where, "-F"]  # without fsync: nothing here outlives the test
        server = subprocess.Popen(started, user=owner, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
            while subprocess.run(ready, capture_output=True, check=False).returncode != 0:
                assert server.poll() is None
            yield f"postgresql://dx@127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait()


def tell(url: str, command: str) -> None:
    """Have a PostgreSQL server do something beside the store."""
    engine = create_engine(url.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(command))
    engine.dispose()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    programs = postgresql_programs()
    if programs is None or find_spec("psycopg") is None:
        pytest.skip("needs PostgreSQL's programs and psycopg")
    with postgresql_server(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Blank, or the URL of a new database on a server."""
    if request.param == "sqlite":
        return ""
    server: str = request.getfixturevalue("server")
    name = f"test_{abs(hash(tmp_path)):x}"
    tell(server + "postgres", f"create database {name}")
    return server + name


ON_A_SERVER = pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.real)], indirect=True)


@pytest.fixture
def state(url: str, tmp_path: Path, clock: Clock) -> Iterator[State]:
    with open_state(url, tmp_path, clock) as opened:
        yield opened


def delivery(number: int, endpoint: str = "webhooks/github", body: bytes = b'{"action": "opened"}') -> Delivery:
    return Delivery(endpoint, f"id-{number}", {"content-type": "application/json"}, body)


def waiting(state: State) -> list[str]:
    return [one.delivery_id for one in state.inbox.pending(1_000)]


def test_the_tables_are_those_that_migrations_make(url: str, tmp_path: Path, state: State) -> None:
    address = url.replace("://", "+psycopg://") or f"sqlite:///{tmp_path}/state.sqlite"
    engine = create_engine(address)
    with engine.connect() as connection:
        made = MigrationContext.configure(connection, opts={"version_table": "state_version", "compare_type": True})
        assert compare_metadata(made, metadata) == []
    engine.dispose()


def test_opening_again_keeps_what_is_there(url: str, tmp_path: Path, state: State, clock: Clock) -> None:
    state.inbox.append(delivery(1))
    state.close()
    with open_state(url, tmp_path, clock) as again:
        assert waiting(again) == ["id-1"]


def test_a_delivery_comes_out_as_it_went_in(state: State, clock: Clock) -> None:
    body = bytes(range(256)) * 300
    assert state.inbox.append(Delivery("events", "ä/1", {"ce-type": "dev.cdevents", "x-grüße": "\U0001f600"}, body))
    clock.advance(hours=1)
    (found,) = state.inbox.pending(10)
    assert (found.endpoint, found.delivery_id, found.body) == ("events", "ä/1", body)
    assert found.headers == {"ce-type": "dev.cdevents", "x-grüße": "\U0001f600"}
    assert found.received_at == clock.now - timedelta(hours=1)


def test_a_delivery_that_was_here_before_is_not_new_even_when_it_is_processed(state: State) -> None:
    assert state.inbox.append(delivery(1))
    assert not state.inbox.append(delivery(1, body=b"another body"))
    state.inbox.done([state.inbox.pending(1)[0].id])
    assert not state.inbox.append(delivery(1))
    assert state.inbox.depth() == 0


def test_the_same_id_at_another_endpoint_is_another_delivery(state: State) -> None:
    assert state.inbox.append(delivery(1, "webhooks/github"))
    assert state.inbox.append(delivery(1, "webhooks/gitlab"))
    assert state.inbox.depth() == 2


def test_of_a_batch_each_is_told_whether_it_is_new_also_against_the_batch_itself(state: State) -> None:
    state.inbox.append(delivery(2))
    assert state.inbox.append_all([delivery(1), delivery(2), delivery(3), delivery(1)]) == [True, False, True, False]
    assert waiting(state) == ["id-2", "id-1", "id-3"]
    assert state.inbox.append_all([]) == []


@pytest.mark.parametrize("bad", ["", "a\x00b", "two\nlines", "\ud800", "x" * 501])
def test_an_id_that_no_database_keeps_is_refused_before_it_is_written(bad: str) -> None:
    with pytest.raises(ValueError, match="delivery_id"):
        Delivery("events", bad, {}, b"")


def test_the_longest_ids_are_kept(state: State) -> None:
    longest = Delivery("ü" * inbox.LONGEST_ENDPOINT, "\U0001f600" * inbox.LONGEST_ID, {}, b"")
    assert state.inbox.append(longest)
    assert not state.inbox.append(longest)


def test_pending_gives_the_oldest_first_and_at_most_what_was_asked_for(state: State) -> None:
    state.inbox.append_all([delivery(number) for number in range(10)])
    first = state.inbox.pending(3)
    assert [one.delivery_id for one in first] == ["id-0", "id-1", "id-2"]
    state.inbox.done(one.id for one in first[:2])
    assert [one.delivery_id for one in state.inbox.pending(2)] == ["id-2", "id-3"]
    assert state.inbox.depth() == 8


def test_large_bodies_come_in_smaller_batches_but_always_one(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_BYTES", 1_000)
    sizes = [400, 600, 1, 5_000, 999, 2]
    state.inbox.append_all([delivery(number, body=bytes(size)) for number, size in enumerate(sizes)])
    batches = []
    while batch := state.inbox.pending(100):
        batches.append([len(one.body) for one in batch])
        state.inbox.done(one.id for one in batch)
    assert batches == [[400, 600], [1], [5_000], [999], [2]]


def test_what_cannot_be_processed_is_kept_and_counted_by_reason(state: State, clock: Clock) -> None:
    state.inbox.append_all([delivery(number) for number in range(3)] + [delivery(3, "events")])
    clock.advance(minutes=5)
    state.inbox.append(delivery(4))
    for one in state.inbox.pending(10):
        state.inbox.fail({one.id: "no field `type`" if one.endpoint == "events" else "no field `action`"})
    assert state.inbox.depth() == 0
    assert state.inbox.failures() == [
        Failure("webhooks/github", "no field `action`", 4, clock.now),
        Failure("events", "no field `type`", 1, clock.now - timedelta(minutes=5)),
    ]


def test_what_failed_waits_again_when_asked_in_its_old_place(state: State) -> None:
    state.inbox.append_all([delivery(number) for number in range(4)])
    first, second, *_ = state.inbox.pending(4)
    state.inbox.fail({first.id: "broken"})
    state.inbox.done([second.id])
    assert state.inbox.retry() == 1
    assert waiting(state) == ["id-0", "id-2", "id-3"]
    assert state.inbox.failures() == []


def test_what_is_processed_stays_as_it_ended(state: State) -> None:
    state.inbox.append(delivery(1))
    (one,) = state.inbox.pending(1)
    state.inbox.done([one.id])
    state.inbox.fail({one.id: "too late"})
    state.inbox.done([])
    assert state.inbox.failures() == []


def test_old_deliveries_are_removed_once_they_are_done(
    state: State, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "REMOVED_AT_ONCE", 2)
    state.inbox.append_all([delivery(number) for number in range(7)])
    clock.advance(days=1)
    state.inbox.append(delivery(7))
    failed, _, *done, young = state.inbox.pending(10)
    state.inbox.fail({failed.id: "broken"})
    state.inbox.done(one.id for one in (*done, young))
    assert state.inbox.prune(clock.now) == 5
    assert waiting(state) == ["id-1"]
    assert not state.inbox.append(delivery(7))
    assert state.inbox.append(delivery(6))
    assert state.inbox.pending(10)[-1].id > young.id


def test_a_lease_has_one_holder_until_it_is_given_back(state: State) -> None:
    assert state.leases.acquire("github", "one", MINUTE)
    assert not state.leases.acquire("github", "two", MINUTE)
    assert state.leases.acquire("gitlab", "two", MINUTE)
    assert state.leases.holder("github") == "one"
    assert not state.leases.release("github", "two")
    assert state.leases.release("github", "one")
    assert state.leases.holder("github") is None
    assert state.leases.acquire("github", "two", MINUTE)


def test_a_lease_that_is_over_can_be_taken_and_its_old_holder_is_told(state: State) -> None:
    assert state.leases.acquire("github", "one", NONE_AT_ALL)
    assert state.leases.holder("github") is None
    assert state.leases.acquire("github", "two", MINUTE)
    assert not state.leases.renew("github", "one", MINUTE)
    assert not state.leases.acquire("github", "one", MINUTE)


def test_a_late_holder_keeps_a_lease_that_nobody_took(state: State) -> None:
    state.leases.acquire("github", "one", NONE_AT_ALL)
    assert state.leases.renew("github", "one", MINUTE)
    assert not state.leases.acquire("github", "two", MINUTE)


def test_asking_again_for_a_lease_one_holds_prolongs_it(state: State) -> None:
    assert state.leases.acquire("github", "one", NONE_AT_ALL)
    assert state.leases.acquire("github", "one", MINUTE)
    assert not state.leases.acquire("github", "two", MINUTE)
    assert not state.leases.renew("gitlab", "one", MINUTE)


@ON_A_SERVER
def test_leases_of_several_machines_follow_the_clock_of_the_server(url: str, state: State, tmp_path: Path) -> None:
    def a_year_ahead() -> datetime:
        return datetime.now(UTC) + timedelta(days=365)

    state.leases.acquire("github", "one", MINUTE)
    with open_state(url, tmp_path, a_year_ahead) as other:
        assert not other.leases.acquire("github", "two", MINUTE)
        assert other.leases.holder("github") == "one"


def test_a_token_is_shown_once_and_known_again(state: State, clock: Clock) -> None:
    secret, made = state.tokens.create("ci", ["ingest:deployments", "ingest:events"], clock.now + timedelta(days=90))
    found = state.tokens.check(secret)
    assert found == made
    assert (found.name, found.scopes) == ("ci", ("ingest:deployments", "ingest:events"))
    assert len(secret.removeprefix(f"dx_{made.id}_")) == 43
    assert state.tokens.create("ci", [], None)[0] != secret


def test_a_token_that_is_not_ours_is_refused_whatever_it_looks_like(state: State) -> None:
    secret, made = state.tokens.create("ci", [], None)
    other = "A" if secret[-1] != "A" else "B"
    for wrong in ("", "x", secret[:-1], secret[:-1] + other, f"dx_{'0' * 12}_{'A' * 43}", f"{secret}\x00", "dx_\ud800"):
        with pytest.raises(TokenRefused, match="not known here"):
            state.tokens.check(wrong)
    assert state.tokens.all() == [made]


def test_a_token_ends_on_its_day_and_says_so(state: State, clock: Clock) -> None:
    secret, _ = state.tokens.create("ci", [], clock.now + timedelta(hours=1))
    clock.advance(minutes=59)
    state.tokens.check(secret)
    clock.advance(minutes=1)
    with pytest.raises(TokenRefused, match="'ci' expired on 2026-01-05: create another"):
        state.tokens.check(secret)


def test_a_revoked_token_is_refused_at_once(state: State) -> None:
    secret, made = state.tokens.create("ci", [], None)
    assert state.tokens.revoke(made.id)
    assert not state.tokens.revoke(made.id)
    assert not state.tokens.revoke("nobody")
    with pytest.raises(TokenRefused, match="'ci' was revoked on 2026-01-05"):
        state.tokens.check(secret)


def test_the_use_of_a_token_is_noted_to_five_minutes(state: State, clock: Clock) -> None:
    secret, _ = state.tokens.create("ci", [], None)
    assert state.tokens.all()[0].last_used_at is None
    state.tokens.check(secret)
    first = clock.now
    clock.advance(minutes=4)
    state.tokens.check(secret)
    assert state.tokens.all()[0].last_used_at == first
    clock.advance(minutes=1)
    state.tokens.check(secret)
    assert state.tokens.all()[0].last_used_at == clock.now
    clock.advance(days=-1)  # a clock that was set back must not keep a use from being noted for a day
    state.tokens.check(secret)
    assert state.tokens.all()[0].last_used_at == clock.now


def test_the_secret_is_nowhere_in_the_store(state: State, tmp_path: Path) -> None:
    secret, _ = state.tokens.create("ci", [], None)
    state.backup(tmp_path / "backup.sqlite")
    assert secret.split("_", 2)[2].encode() not in (tmp_path / "backup.sqlite").read_bytes()


def test_the_schedule_counts_failures_until_a_run_is_well(state: State, clock: Clock) -> None:
    schedule, start = state.schedule, clock.now
    later = clock.now + timedelta(minutes=15)
    schedule.plan("github", start)
    planned = schedule.entries()["github"]
    assert (planned.next_at, planned.last_status, planned.failures) == (start, None, 0)
    schedule.start("github")
    assert schedule.entries()["github"].last_status == "running"
    clock.advance(minutes=2)
    schedule.finish("github", "failed", later)
    schedule.finish("github", "timed_out", later)
    entry = schedule.entries()["github"]
    assert (entry.last_started_at, entry.last_finished_at, entry.next_at) == (start, clock.now, later)
    assert (entry.last_status, entry.failures) == ("timed_out", 2)
    schedule.start("github")
    assert schedule.entries()["github"].failures == 2
    schedule.finish("github", "ok", None)
    entry = schedule.entries()["github"]
    assert (entry.last_status, entry.failures, entry.next_at) == ("ok", 0, None)


def test_a_source_may_end_that_was_never_planned_and_may_be_forgotten(state: State, clock: Clock) -> None:
    state.schedule.finish("jenkins", "failed", clock.now)
    state.schedule.start("git")
    assert list(state.schedule.entries()) == ["git", "jenkins"]
    assert state.schedule.entries()["jenkins"].failures == 1
    state.schedule.forget("jenkins")
    state.schedule.forget("nobody")
    assert list(state.schedule.entries()) == ["git"]


def test_the_run_log_is_read_newest_first_of_one_run_or_all(state: State, clock: Clock) -> None:
    log = state.run_log
    log.add("run-1", "collect", "started", source="github")
    clock.advance(seconds=90)
    log.add("run-1", "collect", "failed", source="github", seconds=89.5, message="github: 401: set DX_GITHUB__TOKEN")
    log.add("run-2", "build", "ok", seconds=1.25)
    assert [(one.run_id, one.step, one.status) for one in log.latest(2)] == [
        ("run-2", "build", "ok"), ("run-1", "collect", "failed"),
    ]  # fmt: skip
    failed, started = log.latest(10, run_id="run-1")
    assert (failed.source, failed.seconds, failed.message) == ("github", 89.5, "github: 401: set DX_GITHUB__TOKEN")
    assert (started.occurred_at, started.seconds) == (clock.now - timedelta(seconds=90), None)
    assert log.prune(clock.now) == 1
    assert len(log.latest(10)) == 2


def test_a_backup_puts_everything_back_but_leases(url: str, state: State, tmp_path: Path, clock: Clock) -> None:
    state.inbox.append_all([delivery(number) for number in range(120)])
    first, second, *_ = state.inbox.pending(2)
    state.inbox.done([first.id])
    state.inbox.fail({second.id: "broken"})
    secret, _ = state.tokens.create("ci", ["ingest:events"], None)
    state.schedule.finish("github", "failed", clock.now)
    state.run_log.add("run-1", "build", "ok", seconds=1.0)
    expected = (waiting(state), state.tokens.all(), state.schedule.entries(), state.run_log.latest(9))
    state.backup(tmp_path / "backup.sqlite")
    state.inbox.append(delivery(500))
    state.inbox.done(one.id for one in state.inbox.pending(50))
    state.schedule.forget("github")
    state.leases.acquire("github", "of now", MINUTE)
    state.restore(tmp_path / "backup.sqlite")
    assert (waiting(state), state.tokens.all(), state.schedule.entries(), state.run_log.latest(9)) == expected
    assert [one.deliveries for one in state.inbox.failures()] == [1]
    assert state.leases.holder("github") == "of now"
    assert state.tokens.check(secret).name == "ci"
    assert not state.inbox.append(delivery(0))
    assert state.inbox.append(delivery(500))
    state.run_log.add("run-2", "build", "ok")
    assert [one.run_id for one in state.run_log.latest(9)] == ["run-2", "run-1"]


def test_what_was_backed_up_from_one_store_is_restored_into_another(state: State, tmp_path: Path, clock: Clock) -> None:
    with open_state("", tmp_path / "elsewhere", clock) as other:
        other.inbox.append_all([delivery(1), delivery(2)])
        other.backup(tmp_path / "moved.sqlite")
    state.restore(tmp_path / "moved.sqlite")
    assert waiting(state) == ["id-1", "id-2"]
    assert state.inbox.append(delivery(3))


def test_a_backup_never_takes_the_place_of_a_file(state: State, tmp_path: Path) -> None:
    (tmp_path / "old.sqlite").write_text("kept")
    with pytest.raises(StateError, match=r"old\.sqlite is there already"):
        state.backup(tmp_path / "old.sqlite")
    assert (tmp_path / "old.sqlite").read_text() == "kept"


def test_a_restore_that_cannot_be_done_changes_nothing(state: State, tmp_path: Path) -> None:
    state.inbox.append(delivery(1))
    (tmp_path / "noise").write_bytes(os.urandom(20_000))
    create_empty = create_engine(f"sqlite:///{tmp_path}/other.sqlite")
    with create_empty.begin() as connection:
        connection.execute(text("create table things (id integer)"))
    create_empty.dispose()
    state.backup(tmp_path / "newer")
    newer = create_engine(f"sqlite:///{tmp_path}/newer")
    with newer.begin() as connection:
        connection.execute(text("update state_version set version_num = '9999'"))
    newer.dispose()
    for name, reason in {
        "noise": "damaged or not a SQLite file", "other.sqlite": "is no backup", "missing": "is not there",
        "newer": "has schema version 9999",
    }.items():  # fmt: skip
        with pytest.raises(StateError, match=reason):
            state.restore(tmp_path / name)
    assert waiting(state) == ["id-1"]


@ON_A_SERVER
def test_a_server_that_was_started_anew_is_found_again(url: str, state: State) -> None:
    state.inbox.append(delivery(1))
    everybody = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
    tell(url, f"{everybody} and datname = current_database()")
    assert state.inbox.append(delivery(2))
    assert waiting(state) == ["id-1", "id-2"]


@ON_A_SERVER
def test_a_user_of_the_server_without_rights_is_told_what_it_lacks(url: str, tmp_path: Path, clock: Clock) -> None:
    tell(url, "drop role if exists guest")
    tell(url, "create role guest login password 'hunter2'")
    guest = url.replace("dx@", "guest:hunter2@")
    with pytest.raises(StateError, match=r"the user may not do this .*make it the owner of the database") as told:
        open_state(guest, tmp_path, clock)
    assert "hunter2" not in str(told.value)


@pytest.mark.real
@pytest.mark.skipif(find_spec("psycopg") is None, reason="needs psycopg")
def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path, clock: Clock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        address = f"127.0.0.1:{taken.getsockname()[1]}/dx"
        with pytest.raises(StateError, match=rf"dx:\*\*\*@{address} cannot be reached .*\[state\] url") as told:
            open_state(f"postgresql://dx:hunter2@{address}", tmp_path, clock)
    assert "hunter2" not in str(told.value)
