"""Cloud bills in the FOCUS format: what was charged, by day, cloud service, service and team.

Reads:  every `.csv`, `.csv.gz` and `.parquet` file below the folder, a column and a few thousand lines at a time. The
        lines of a billing period become one row per day of charge, cloud service, sub-account, service, team, currency
        and kind of cost (billed, effective, list), summed exactly. A billing period is replaced whole, in one
        transaction: what is restated or corrected is never added to what was there. Files that are as they were are not
        read again.
Needs:  the folder, into which the export of AWS, Azure, Google Cloud, OCI or another is synced. Files of one subfolder
        are parts of one delivery, a file in the folder itself is a delivery alone; of two that hold the same billing
        period the newer counts. Exports that come piece by piece, as OCI's daily reports: `deliveries = "parts"`. Who
        owns a line is told by its tags: `service_tags`, `team_tags`.
Limits: FOCUS 1.0 or later; a column it lacks, or a line whose cost or day cannot be read, leaves the billing period as
        it was, and is told with the file. A charge of several days counts on its first. Sums keep six decimals. What
        OpenCost tells of too, such as a cluster's machines, has to be left out here by `left_out`, or counts twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.errors import CollectError, RetryableError, SettingsError
from dxmetrics.records import CostLine

from .charges import Charges
from .exports import ENDINGS, Bill, Period, blocks, problem_of, stamp_of
from .settings import FocusSettings


class Focus(Collector):
    """One scope for each billing period of a billing account."""

    kind = "focus"
    produces = (CostLine,)
    keeps_payloads = False
    Settings: ClassVar[type[SourceSettings]] = FocusSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, FocusSettings):
            raise SettingsError(f"source {name!r}: settings of kind focus are wanted, not {type(settings).__name__}")
        self._settings = settings
        self._scopes: Mapping[str, Period] = {}
        self._found: Mapping[Period, Sequence[Bill]] = {}
        self._unread: Mapping[str, Bill] = {}

    def scopes(self) -> Iterator[Scope]:
        """The billing periods that the files hold, the newest first, and files that cannot be read; SettingsError if
        there is no such folder."""
        bills = list(self._bills())
        self._scopes = {one.scope.id: one for bill in bills for one in bill.periods}
        self._unread = {f"file/{bill.name}": bill for bill in bills if bill.problem and not bill.periods}
        self._found = {period: [bill for bill in bills if period in bill.periods] for period in self._scopes.values()}
        for _, period in sorted(self._scopes.items(), reverse=True):
            yield period.scope
        for name, bill in self._unread.items():
            yield Scope(name, bill.name)

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """The billing period whole, if any of its files, or what is said of its lines, is not as it was."""
        if scope.id in self._unread:
            raise self._unreadable([self._unread[scope.id]])
        period = self._scopes[scope.id]
        counted, notes = _counted(self._found[period], self._settings.deliveries)
        if broken := self._broken(counted):
            raise self._unreadable(broken)
        state = {"files": sorted(one.digest for one in counted), "rules": self._rules}
        if state == cursor:
            return
        charges = Charges(period, self._settings)
        for bill in counted:
            self.context.progress(f"{self.name}: {bill.name}")
            self._read(bill, charges)
        rows = charges.rows()
        yield Page(
            rows={CostLine: rows},
            cursor=state,
            covers=charges.covers(self.context.now()),
            snapshot=True,
            is_last=True,
            notes=(*notes, *charges.notes(rows)),
        )

    def _broken(self, bills: Sequence[Bill]) -> Sequence[Bill]:
        """Those of the files, and of what came with them, that cannot be read: a bill is read whole or not at all."""
        is_whole = self._settings.deliveries == "whole"
        deliveries = {bill.delivery for bill in bills}
        beside = [bill for bill in self._unread.values() if not is_whole or bill.delivery in deliveries]
        return [bill for bill in (*bills, *beside) if bill.problem]

    def _unreadable(self, bills: Sequence[Bill]) -> CollectError:
        problems = "; ".join(f"{bill.name} {bill.problem}" for bill in bills)
        return CollectError(f"{self.name}: {problems}. What was read before stays")

    def _read(self, bill: Bill, charges: Charges) -> None:
        try:
            for first, block in blocks(bill.path, charges.columns):
                charges.add(first, block)
            is_as_it_was = stamp_of(bill.path) == bill.stamp
        except (OSError, CollectError) as error:
            raise CollectError(f"{self.name}: {bill.name} {problem_of(error)}. What was read before stays") from error
        if not is_as_it_was:
            raise RetryableError(f"{self.name}: {bill.name} was written to while it was read: collect again")

    def _bills(self) -> Iterator[Bill]:
        """The files. Which periods a file holds is remembered until it is written to."""
        folder = self.context.project_folder / self._settings.folder
        if not folder.is_dir():
            raise SettingsError(f"{self.name}: {folder} is not a folder: correct folder in [sources.{self.name}]")
        memory = self.context.folder / "bills.json"
        known = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
        kept: dict[str, Any] = {}
        for path in sorted(folder.rglob("*")):
            if not path.name.endswith(ENDINGS) or path.name.startswith((".", "_")) or not path.is_file():
                continue
            name = path.relative_to(folder).as_posix()
            bill = Bill.of(path, name, known.get(name, {}))
            kept[name] = bill.kept()
            yield bill
        if kept != known:
            memory.write_text(json.dumps(kept), encoding="utf-8")

    @property
    def _rules(self) -> str:
        """What differs when lines are to be read otherwise than they were."""
        rules = self._settings.model_dump(mode="json", exclude={"kind", "schedule", "folder", "deliveries"})
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16]


def _counted(bills: Sequence[Bill], deliveries: str) -> tuple[Sequence[Bill], Sequence[str]]:
    """The files that make up a billing period, and what to say of those that do not."""
    notes = []
    newest = max(bills, key=lambda one: (one.stamp[1], one.name)).delivery
    different: dict[str, Bill] = {}
    for bill in bills:
        if deliveries == "whole" and bill.delivery != newest:
            notes.append(f"{bill.name} is not counted: {newest} is newer and holds the same billing period")
        elif bill.digest in different:
            notes.append(f"{bill.name} is not counted: it is the same as {different[bill.digest].name}")
        else:
            different[bill.digest] = bill
    return list(different.values()), notes
