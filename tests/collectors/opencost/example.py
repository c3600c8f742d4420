"""The example of an OpenCost source that the tests for every source use: two weeks of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes.opencost import OpenCost


def settings(_folder: Path) -> Mapping[str, Any]:
    """By two labels, from a day on of which there is still data."""
    access = {"url": "http://opencost.example:9003", "since": "2025-12-24"}
    return {**access, "service": "label:app", "team": "label:team"}


def transport(now: datetime) -> httpx2.BaseTransport:
    """Its server."""
    server = OpenCost()
    for number in range(1, 13):
        costs = {"checkout/payments": 1.25 * number, "__unallocated__/__unallocated__": 0.1, "__idle__": 3.000000123}
        server.costs[(now - timedelta(days=number)).date()] = {**costs}
    return server
