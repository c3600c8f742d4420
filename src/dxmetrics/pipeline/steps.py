"""The steps of the line, each safe to run again: collect, build, check, publish, and all of them."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dxmetrics import models, warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.errors import CollectError, SettingsError, WarehouseError
from dxmetrics.identity.declared import declared
from dxmetrics.metrics import require_readable
from dxmetrics.models import BuildReport, CheckResult, Content
from dxmetrics.pipeline import surveys
from dxmetrics.pipeline.answers import AnswerKeeper
from dxmetrics.pipeline.collection import Collecting, Collection, ScopeResult
from dxmetrics.pipeline.derivations import derivations
from dxmetrics.pipeline.events import Listener, ScopeFinished, StepFinished, StepStarted, silent
from dxmetrics.pipeline.retirement import retire
from dxmetrics.settings import EVENTS_SOURCE, PROJECT_SOURCE, PUSH_SOURCE, variables
from dxmetrics.sources import Source, configured
from dxmetrics.warehouse import Loader, Publication

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dxmetrics.project import Project

Clock = Callable[[], datetime]

log = logging.getLogger("dxmetrics.pipeline")


@dataclass(frozen=True)
class Outcome:
    """What `up` did."""

    collection: Collection
    build: BuildReport
    checks: tuple[CheckResult, ...]
    publication: Publication

    @property
    def is_ok(self) -> bool:
        """Whether every scope was collected and no check of severity error returned rows."""
        return not self.collection.failed and not any(one.failures and one.severity == "error" for one in self.checks)


def utc_now() -> datetime:
    """The clock of a real run."""
    return datetime.now(UTC)


def collect(
    project: Project,
    names: Sequence[str] = (),
    *,
    only: Mapping[str, Container[str]] | None = None,
    between: Callable[[], None] = lambda: None,
    clock: Clock = utc_now,
    listen: Listener = silent,
) -> Collection:
    """Read what is new in the named sources (none named: all) into `landing`; what became of each scope.

    `only` names the scopes of a source to which it is restricted. `between` is called between transactions, about once
    a second at least: what is urgent need not wait for the end.
    """
    sources = _chosen(project, names)
    with step("collect", listen) as done, opened(project) as connection:
        started_at = clock()
        with _run(connection, ["collect", *names], clock) as run_id:
            _retire_sources(connection, project, clock)
            _forget_answers(project, clock)
            collection = Collecting(connection, project, run_id, clock, listen, between).run(sources, only=only)
            with warehouse.transaction(connection):
                if not collection.failed or len(collection.failed) < len(collection.scopes):
                    warehouse.set_fact(connection, "as_of", started_at.isoformat())
                warehouse.finish_run(connection, run_id, "failed" if collection.failed else "ok", clock())
        done(f"{counted(len(collection.scopes), 'scope')}, {counted(collection.rows_changed, 'row')} new or changed")
    return collection


def sample_source(
    project: Project, name: str, *, scopes: int, clock: Clock = utc_now, listen: Listener = silent
) -> Collection:
    """Read the newest rows of a few scopes of one source, as `collect` does first; for looking at it."""
    sources = _chosen(project, [name])
    with opened(project) as connection, _run(connection, ["look", name], clock) as run_id:
        collection = Collecting(connection, project, run_id, clock, listen).run(sources, most_scopes=scopes)
        with warehouse.transaction(connection):
            warehouse.set_fact(connection, "as_of", clock().isoformat())
    return collection


def replay(
    project: Project, names: Sequence[str] = (), *, clock: Clock = utc_now, listen: Listener = silent
) -> Collection:
    """Map the kept payloads of the named sources (none named: all) anew, reading nothing; one result per source."""
    sources = _chosen(project, names)
    with step("replay", listen) as done, opened(project) as connection:
        with _run(connection, ["collect", "--replay", *names], clock) as run_id:
            collection = Collection(run_id, tuple(_replay(connection, source, clock, listen) for source in sources))
            warehouse.finish_run(connection, run_id, "ok", clock())
        done(f"{counted(len(sources), 'source')}, {counted(collection.rows_changed, 'row')} changed")
    return collection


def _replay(connection: DuckDBPyConnection, source: Source, clock: Clock, listen: Listener) -> ScopeResult:
    started = time.perf_counter()
    counts = warehouse.replay(connection, source.name, source.mappers, clock=clock)
    result = ScopeResult(
        source=source.name,
        scope="",
        title="kept payloads",
        status="ok",
        rows_read=counts.read,
        rows_changed=counts.changed,
        rows_refused=counts.refused,
        seconds=time.perf_counter() - started,
        notes=() if source.collector.keeps_payloads else ("this source keeps none, as it can be read again for free",),
    )
    listen(ScopeFinished(result))
    return result


def build(
    project: Project, *, content: Content | None = None, clock: Clock = utc_now, listen: Listener = silent
) -> BuildReport:
    """Bring `core` and `metrics` up to date with `landing`, the settings and the files of `sql/` (or `content`)."""
    with step("build", listen) as done, opened(project) as connection:
        if "as_of" not in warehouse.facts(connection):
            raise WarehouseError(f"{project.data}: nothing is collected yet: run `dxmetrics collect` first")
        _land_declared(connection, project, clock)
        _state_facts(connection, project)
        content = content or models.read(project.roots)
        report = models.build(
            connection, content.models, variables(project.settings), derivations(project.settings), clock=clock
        )
        waves = surveys.bring_up_to_date(connection, project, clock)
        results = f", {counted(waves, 'survey wave')} evaluated" if waves else ""
        done(f"{len(report.rebuilt)} of {counted(len(report.models), 'table')} rebuilt{results}")
    return report


def check(
    project: Project, *, content: Content | None = None, clock: Clock = utc_now, listen: Listener = silent
) -> tuple[CheckResult, ...]:
    """Run the queries of `sql/checks/` (or `content`), which should return no rows; the result of each."""
    with step("check", listen) as done, opened(project) as connection:
        content = content or models.read(project.roots)
        results = models.run_checks(connection, content.checks, clock=clock)
        failed = sum(one.failures > 0 for one in results)
        done(f"{counted(len(results), 'check')}, {failed or 'none'} failed")
    return results


def publish(project: Project, *, clock: Clock = utc_now, listen: Listener = silent) -> Publication:
    """Make what was built the version that readers open; the last one again where nothing changed since.

    ModelError where a metric could not be read: readers keep the version they have.
    """
    with step("publish", listen) as done, opened(project) as connection:
        require_readable(connection)
        publication = warehouse.publish(connection, project.data, clock)
        done(f"version {publication.version}")
    return publication


def up(project: Project, *, clock: Clock = utc_now, listen: Listener = silent) -> Outcome:
    """All steps in a row; CollectError where no scope could be read and nothing was before."""
    collection = collect(project, clock=clock, listen=listen)
    if collection.failed and not has_data(project):
        raise CollectError("\n".join(dict.fromkeys(str(scope.error) for scope in collection.failed)))
    content = models.read(project.roots)
    built = build(project, content=content, clock=clock, listen=listen)
    checks = check(project, content=content, clock=clock, listen=listen)
    return Outcome(collection, built, checks, publish(project, clock=clock, listen=listen))


@contextmanager
def step(name: str, listen: Listener) -> Iterator[Callable[[str], None]]:
    """Tell that a step begins and, once it ended well, how long it took and what `done` was called with."""
    listen(StepStarted(name))
    started = time.perf_counter()
    details: list[str] = []
    yield details.append
    seconds = time.perf_counter() - started
    log.info("step=%s seconds=%.2f detail=%r", name, seconds, " ".join(details))
    listen(StepFinished(name, seconds, " ".join(details)))


@contextmanager
def opened(project: Project) -> Iterator[DuckDBPyConnection]:
    """The writing connection to the project's warehouse."""
    connection = warehouse.open_writer(project.data)
    try:
        yield connection
    finally:
        connection.close()


def _chosen(project: Project, names: Sequence[str]) -> tuple[Source, ...]:
    known = {source.name: source for source in configured(project)}
    for name in names:
        if name not in known:
            raise SettingsError(f"source {name!r} is not configured: use one of {', '.join(known) or 'none yet'}")
    if not known:
        raise SettingsError(f"{project.folder}: no source is configured: add one to dx.toml, see dx.example.toml")
    return tuple(known[name] for name in names or known)


@contextmanager
def _run(connection: DuckDBPyConnection, words: Sequence[str], clock: Clock) -> Iterator[str]:
    """The id of a new run in `meta.runs`; broken off by hand it is marked at once, killed by the next run."""
    now = clock()
    _mark_interrupted(connection, now)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"
    warehouse.start_run(connection, run_id, " ".join(words), now)
    try:
        yield run_id
    except KeyboardInterrupt:
        _mark_interrupted(connection, clock())
        raise


def _mark_interrupted(connection: DuckDBPyConnection, now: datetime) -> None:
    """End the runs that were killed: only one process writes, so what is still `running` is not."""
    with warehouse.transaction(connection):
        connection.execute(
            "update meta.runs set status = 'interrupted', finished_at = ? where status = 'running'", [now]
        )
        connection.execute(
            """
            update meta.scope_runs set status = 'failed', finished_at = ?, error = 'interrupted: collect again'
            where status = 'running'
            """,
            [now],
        )


def _retire_sources(connection: DuckDBPyConnection, project: Project, clock: Clock) -> None:
    """Let go of the rows of sources that are not configured any more."""
    known = connection.execute("select distinct source from meta.scope_runs order by 1").fetchall()
    for (source,) in known:
        if source not in project.settings.sources and source not in {PUSH_SOURCE, EVENTS_SOURCE}:
            for scope in warehouse.known_scopes(connection, source):
                retire(connection, source, scope, clock, with_people=True)


def _forget_answers(project: Project, clock: Clock) -> None:
    """Let go of the survey answers of sources that are not configured any more."""
    keeper = AnswerKeeper(project, clock)
    keeper.keep_sources(project.settings.sources)
    keeper.close()


def _land_declared(connection: DuckDBPyConnection, project: Project, clock: Clock) -> None:
    """Land teams, services and people of dx.toml and its CSV files like any source's records."""
    rows = {
        record: [one.model_dump() for one in records]
        for record, records in declared(project.settings, project.folder).items()
    }
    loader = Loader(connection, PROJECT_SOURCE, clock=clock, keeps_payloads=False)
    loader.write(Scope("settings", "dx.toml"), Page(rows=rows, snapshot=True, is_last=True))


def _state_facts(connection: DuckDBPyConnection, project: Project) -> None:
    settings = project.settings
    stated: dict[str, Any] = {
        "organisation": settings.organisation.name,
        "reporting_zone": settings.organisation.reporting_zone,
        "is_sample": project.is_sample,
        "sources": [{"name": name, "kind": section.get("kind")} for name, section in settings.sources.items()],
    }
    with warehouse.transaction(connection):
        for name, value in stated.items():
            warehouse.set_fact(connection, name, value)


def counted(number: int, noun: str) -> str:
    """The number with its noun: `1 row`, `12,000 rows`, `2 deliveries`."""
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else several}"


def has_data(project: Project) -> bool:
    """Whether anything was collected or pushed, so that there is something to build."""
    with opened(project) as connection:
        return "as_of" in warehouse.facts(connection)
