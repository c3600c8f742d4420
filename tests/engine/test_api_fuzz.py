"""Whatever is sent, within the description or beside it, is answered as described and never with a mistake of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from dxmetrics import api
from dxmetrics.project import Project
from tests.engine.metrics.conftest import Warehouse
from tests.engine.read_web import LEAD_TIME

_temporary = TemporaryDirectory(prefix="dxmetrics-fuzz-")
_folder = Path(_temporary.name)
(_folder / "dx.toml").write_text('[sources.github]\nkind = "github"\norganisations = ["acme"]\nwebhook_secret = "s"\n')
_stores = api.Stores(Project.find(_folder, {}), lambda: datetime.now(UTC))
_warehouse = Warehouse(_folder / "data")
_warehouse.metric("change_lead_time", LEAD_TIME, [])
_warehouse.publish()
schema = schemathesis.openapi.from_asgi("/openapi.json", api.create(_stores))


@pytest.mark.real  # thousands of requests
@schema.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_nothing_that_is_sent_is_a_mistake_of_ours(case: schemathesis.Case) -> None:
    token, _ = _stores.state.tokens.create("fuzz", ["ingest", "read"], None)
    case.call_and_validate(
        headers={"authorization": f"Bearer {token}"},
        checks=[not_a_server_error, content_type_conformance, response_schema_conformance],
    )
