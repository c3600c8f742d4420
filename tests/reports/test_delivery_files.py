"""Files in folders and object stores: every format, whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.reports.office import Office
from tests.reports.sink import Sink


def test_a_folder_gets_every_format_whole(office: Office, tmp_path: Path) -> None:
    shared = tmp_path / "share"
    office.plan("folder", "reports/monthly", str(shared), formats=("pdf", "xlsx", "mail"))
    assert set(office.outcomes().values()) == {"sent"}
    for folder in (office.folder / "reports/monthly", shared):
        found = {file.name: file.read_bytes() for file in folder.iterdir()}
        assert found == {
            "review-payments-2026-10.pdf": b"pdf of review-payments-2026-10 1",
            "review-payments-2026-10.xlsx": b"xlsx of review-payments-2026-10 1",
        }


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(office: Office) -> None:
    (office.folder / "reports").write_text("a file")
    office.plan("folder", "reports")
    assert office.outcomes() == {"reports": "planned"}
    assert f"folder {office.folder}/reports cannot be written (File exists): mend" in (office.one().why or "")
    (office.folder / "reports").unlink()
    office.clock.advance(minutes=5)
    assert office.outcomes() == {"reports": "sent"}


def test_an_object_store_gets_every_format(office: Office, sink: Sink, tmp_path: Path) -> None:
    pytest.importorskip("obstore", reason="needs the extra object-store")
    office.configure(
        f'[reports.store]\nendpoint = "{sink.address}"\naccess_key_id = "key"\nsecret_access_key = "secret"\n'
        'region = "eu-central-1"\n'
    )
    (tmp_path / "store").mkdir()
    local = f"file://{tmp_path}/store"
    office.plan("store", "s3://bucket/dx/reports", local, formats=("pdf", "csv"))
    assert set(office.outcomes().values()) == {"sent"}
    put = {one.path: one.body for one in sink.seen}
    assert put == {
        "/bucket/dx/reports/review-payments-2026-10.pdf": b"pdf of review-payments-2026-10 1",
        "/bucket/dx/reports/review-payments-2026-10.csv": b"csv of review-payments-2026-10 1",
    }
    assert all(one.authorization.startswith("AWS4-HMAC-SHA256 Credential=key/") for one in sink.seen)
    assert (tmp_path / "store/review-payments-2026-10.csv").read_bytes() == b"csv of review-payments-2026-10 1"


def test_an_object_store_that_refuses_is_told_without_its_key(office: Office, sink: Sink) -> None:
    pytest.importorskip("obstore", reason="needs the extra object-store")
    office.configure(
        f'[reports.store]\nendpoint = "{sink.address}"\naccess_key_id = "key"\nsecret_access_key = "hidden"\n'
        'region = "eu-central-1"\n'
    )
    sink.answers["/bucket"] = (403, {})
    office.plan("store", "s3://bucket/dx", "nope://x", "file:///not/there")
    assert set(office.outcomes().values()) == {"planned"}
    told = {one.recipient: one.why or "" for one in office.state.deliveries.of()}
    assert "403 Forbidden" in told["s3://bucket/dx"]
    assert told["nope://x"].startswith('store nope://x takes no file (Generic URL error: Unable to recognise URL "nope')
    assert "/not/there" in told["file:///not/there"]
    assert all("hidden" not in one and "\n" not in one for one in told.values())


def test_without_its_package_an_object_store_names_the_extra(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    office.plan("store", "s3://bucket/dx")
    assert office.outcomes() == {"s3://bucket/dx": "planned"}
    assert (office.one().why or "").endswith('pip install "dxmetrics[object-store]"')
