"""Publications: whole copies under new names, replaced atomically, kept as long as readers need them."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dxmetrics import warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.errors import WarehouseError
from dxmetrics.records import Change
from dxmetrics.warehouse import Publication
from dxmetrics.warehouse.sql import scalar

ROWS = {Change: [{"ext_id": "1", "repository": "r", "title": "first"}]}


def titles(publication: Publication) -> list[str]:
    with duckdb.connect() as reader:
        reader.execute(f"attach '{publication.path}' as published (read_only)")
        return [title for (title,) in reader.execute("select title from published.landing.changes").fetchall()]


def files(data: Path) -> set[str]:
    return {path.name for path in (data / "published").iterdir()}


def test_nothing_is_published_at_first(data: Path, connection) -> None:
    assert warehouse.latest(data) is None


def test_a_publication_is_a_whole_warehouse_and_the_latest(data: Path, connection, land, clock) -> None:
    land(ROWS)
    published = warehouse.publish(connection, data, clock)
    assert published == Publication("20260105T120000Z", data / "published/dx-20260105T120000Z.duckdb")
    assert warehouse.latest(data) == published
    assert titles(published) == ["first"]
    assert files(data) == {"current", "dx-20260105T120000Z.duckdb"}
    assert warehouse.facts(connection)["data_version"] == published.version


def test_the_published_file_states_its_own_version(data: Path, connection, clock) -> None:
    published = warehouse.publish(connection, data, clock)
    with duckdb.connect(published.path, read_only=True) as reader:
        assert warehouse.facts(reader)["data_version"] == published.version


def test_publishing_again_without_a_change_gives_the_same_version(data: Path, connection, land, clock) -> None:
    land(ROWS)
    published = warehouse.publish(connection, data, clock)
    clock.advance(hours=1)
    land(ROWS)
    assert warehouse.publish(connection, data, clock) == published
    warehouse.set_fact(connection, "as_of", "2026-01-05T13:00:00+00:00")
    assert warehouse.publish(connection, data, clock) != published, "that data is fresher is a change"


def test_every_version_has_its_own_file_and_readers_keep_theirs(data: Path, connection, land, clock) -> None:
    land(ROWS)
    first = warehouse.publish(connection, data, clock)
    with duckdb.connect() as reader:
        reader.execute(f"attach '{first.path}' as first (read_only)")
        land({Change: [{**ROWS[Change][0], "title": "second"}]})
        second = warehouse.publish(connection, data, clock)
        assert second.version == "20260105T120000Z-2", "twice within a second"
        assert titles(second) == ["second"]
        assert scalar(reader, "select title from first.landing.changes") == "first"


def test_old_versions_go_an_hour_after_they_were_succeeded(data: Path, connection, clock) -> None:
    names = []
    for hours in (0, 10, 0.5, 0.25, 1):
        clock.advance(hours=hours)
        warehouse.set_fact(connection, "as_of", clock().isoformat())
        names.append(warehouse.publish(connection, data, clock).path.name)
        kept = files(data) - {"current"}
        expected = {
            1: names[:1],
            2: names[:2],
            3: names[:3],  # the first was succeeded half an hour ago
            4: names[:4],
            5: names[2:],  # the third was succeeded an hour ago: it may still be read
        }[len(names)]
        assert kept == set(expected)


def test_what_an_interrupted_copy_left_is_removed(data: Path, connection, clock) -> None:
    (data / "published").mkdir()
    (data / "published/dx-20250101T000000Z.partial").write_bytes(b"half")
    published = warehouse.publish(connection, data, clock)
    assert files(data) == {"current", published.path.name}


def test_a_publication_that_is_gone_is_told_and_made_again(data: Path, connection, clock) -> None:
    published = warehouse.publish(connection, data, clock)
    published.path.unlink()
    with pytest.raises(WarehouseError, match=r"dx-20260105T120000Z\.duckdb is gone, .* publish again"):
        warehouse.latest(data)
    assert warehouse.publish(connection, data, clock).path.is_file()


def test_a_folder_that_cannot_be_written_is_told(data: Path, connection, clock) -> None:
    (data / "published").write_text("a file stands in the way")
    with pytest.raises(WarehouseError, match=r"published cannot be written .*mend its permissions"):
        warehouse.publish(connection, data, clock)


def limited(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


WHILE_FULL = """
import pathlib, sys
from datetime import UTC, datetime
from dxmetrics import warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.collectors import Page, Scope
from dxmetrics.errors import WarehouseError
from dxmetrics.records import Change

data, clock = pathlib.Path(sys.argv[1]), lambda: datetime(2026, 1, 6, tzinfo=UTC)
connection = warehouse.open_writer(data)
try:
    if sys.argv[2] == "load":
        rows = [{"ext_id": str(n), "repository": "r", "title": f"{n:0100}" * 20} for n in range(20_000)]
        warehouse.Loader(connection, "files", clock=clock).write(Scope("one", "one"), Page({Change: rows}, cursor={}))
    else:
        warehouse.set_fact(connection, "organisation", "new")
        warehouse.publish(connection, data, clock)
except WarehouseError as error:
    sys.exit(f"told: {error}")
"""


@pytest.mark.parametrize("step", ["load", "publish"])
def test_a_full_disk_is_told_and_the_last_publication_is_intact(data: Path, clock, step: str) -> None:
    connection = warehouse.open_writer(data)
    loader = warehouse.Loader(connection, "files", clock=clock)
    rows = [{"ext_id": str(n), "repository": "r", "title": f"{n:0100}" * 20} for n in range(2_000)]
    loader.write(Scope("one", "one"), Page({Change: rows}))
    before = warehouse.publish(connection, data, clock)
    connection.close()
    size = (data / "dx.duckdb").stat().st_size
    room = size + 200_000 if step == "load" else size // 2
    done = subprocess.run(
        [sys.executable, "-c", WHILE_FULL, str(data), step],
        preexec_fn=lambda: limited(room),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "told: warehouse: no space left on the disk" in done.stderr
    assert warehouse.latest(data) == before
    assert len(titles(before)) == 2_000
    connection = warehouse.open_writer(data)
    assert scalar(connection, "select count(*) from landing.changes") == 2_000
    assert warehouse.read_cursor(connection, "files", "one") is None
    assert warehouse.publish(connection, data, clock).path.is_file()
    connection.close()
