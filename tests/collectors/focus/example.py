"""The example of a FOCUS source that the tests for every source use: two billing periods of a cloud account."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

Row = dict[str, str]


def line(day: str, billed: str, tags: Mapping[str, Any] | None = None, **columns: str) -> Row:
    """A line of October 2025, or of the month `period`, as AWS and Azure write it."""
    period = columns.pop("period", "2025-10")
    year, month = map(int, period.split("-"))
    following = f"{year + month // 12}-{month % 12 + 1:02}"
    return {
        "BilledCost": billed,
        "EffectiveCost": billed,
        "ListCost": billed,
        "BillingAccountId": "4711",
        "BillingCurrency": "USD",
        "BillingPeriodStart": f"{period}-01T00:00:00Z",
        "BillingPeriodEnd": f"{following}-01T00:00:00Z",
        "ChargePeriodStart": f"{day}T05:00:00Z",
        "ChargePeriodEnd": f"{day}T06:00:00Z",
        "ChargeCategory": "Usage",
        "ProviderName": "AWS",
        "ServiceName": "Compute",
        "SubAccountId": "dev",
        "Tags": "" if tags is None else json.dumps(tags),
    } | columns


def as_csv(rows: Iterable[Row]) -> str:
    """The lines as an export has them."""
    kept = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(kept[0]))
    writer.writeheader()
    writer.writerows(kept)
    return text.getvalue()


def settings(folder: Path) -> Mapping[str, Any]:
    """A folder with a month that is closed, in two parts, and the open one."""
    closed, opened = folder / "bills/2025-11", folder / "bills/2025-12"
    closed.mkdir(parents=True)
    opened.mkdir()
    first = [
        line("2025-11-03", "1.25", {"team": "Payments"}, period="2025-11"),
        line("2025-11-04", "2.5", period="2025-11"),
    ]
    (closed / "part-1.csv").write_text(as_csv(first))
    (closed / "part-2.csv").write_text(as_csv([line("2025-11-05", "-1", period="2025-11", ChargeCategory="Credit")]))
    second = as_csv([line("2025-12-01", "0.0000001234", {"service": "checkout"}, period="2025-12")])
    (opened / "part-1.csv.gz").write_bytes(gzip.compress(second.encode(), mtime=0))
    return {"folder": "bills"}


def transport(_now: datetime) -> None:
    """None: files are read."""
