"""Pipeline runs (builds) and their jobs, which the timeline of a run tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Identity, Job, PipelineRun, Record, Result

from .api import Payload, branch, instant, needing, picked
from .changes import change_id
from .people import everybody, trimmed
from .projects import Project, probed
from .repositories import repository_of
from .windows import Window

AT_ONCE = 100
OVERLAP = timedelta(minutes=30)
KEPT = (
    "id", "buildNumber", "status", "result", "reason", "queueTime", "startTime", "finishTime", "sourceBranch",
    "sourceVersion",
)  # fmt: skip
TRIGGER_KEPT = ("pr.number", "pr.sourceBranch", "pr.sourceSha")
RECORD_KEPT = ("id", "name", "state", "result", "attempt", "startTime", "finishTime", "workerName")
TIMED = frozenset({"Stage", "Phase", "Job"})
TIMES = ("state", "result", "startTime", "finishTime")
NO_STAGE = "__default"  # what a pipeline without stages calls its only one

RESULTS: Mapping[str, Result] = {
    "succeeded": "success", "partiallySucceeded": "success", "succeededWithIssues": "success", "failed": "failure",
    "canceled": "cancellation", "skipped": "skip", "abandoned": "error",
}  # fmt: skip
WORST_FIRST: tuple[Result, ...] = ("failure", "error", "cancellation", "success", "skip")
Trigger = Literal["push", "change", "schedule", "manual", "api", "unknown"]
TRIGGERS: Mapping[str, Trigger] = {
    "individualCI": "push", "batchedCI": "push", "pullRequest": "change", "validateShelveset": "change",
    "checkInShelveset": "change", "schedule": "schedule", "scheduleForced": "schedule", "manual": "manual",
    "userCreated": "manual",
}  # fmt: skip
PULL_REF = re.compile(r"^refs/pull/(\d+)/")

Rows = dict[type[Record], list[Any]]


def run_id(project: str, build: Any, attempt: int) -> str:
    """One attempt of a run: its stages that are run again keep the run's id, which counts in its organisation only."""
    return f"{project}/{build}/{attempt}"


def pipelines(project: Project, repository: str, earliest: datetime | None, *, reads_jobs: bool) -> list[Feed]:
    """The runs of a repository: those that have finished by when, one request a page, and one for each that has jobs
    read."""
    params = {"repositoryId": repository, "repositoryType": "TfsGit"}
    return _feeds(project, lambda key: key == repository, params, earliest, reads_jobs=reads_jobs)


def pipelines_elsewhere(project: Project, earliest: datetime | None, *, reads_jobs: bool) -> list[Feed]:
    """The project's runs of repositories that are kept elsewhere: on GitHub, in another project."""
    return _feeds(project, project.is_elsewhere, {}, earliest, reads_jobs=reads_jobs)


def _feeds(
    project: Project,
    is_wanted: Callable[[str], bool],
    params: Mapping[str, Any],
    earliest: datetime | None,
    *,
    reads_jobs: bool,
) -> list[Feed]:
    """Those in progress first: their list was asked for before, and what has ended since comes after it. Without their
    timelines they are left out, as only these tell which attempt of a run is going on."""
    read = partial(_read, project, is_wanted, params, earliest, reads_jobs=reads_jobs)
    covers: tuple[type[Record], ...] = (PipelineRun, Job) if reads_jobs else (PipelineRun,)
    probe = probed(lambda: project.finished(is_wanted))
    finished = Feed("pipelines", covers, read, overlap=OVERLAP, probe=probe)
    going_on = Feed("running", (), partial(_read_running, project, is_wanted))
    return [going_on, finished] if reads_jobs else [finished]


def _read(
    project: Project,
    is_wanted: Callable[[str], bool],
    only: Mapping[str, Any],
    earliest: datetime | None,
    position: Position,
    *,
    reads_jobs: bool,
) -> Slice:
    window = Window.at(position, earliest)
    params = {
        **only,
        "statusFilter": "completed",
        "queryOrder": "finishTimeDescending",
        "minTime": window.low_text,
        "maxTime": window.high_text,
        "$top": AT_ONCE,
        "continuationToken": window.mark,
    }
    with needing("pipelines"):
        answer = window.within(project.api.page(project.path("build/builds"), params), "finishTime")
        builds = [build for build in answer.rows if is_wanted(repository_of(build.get("repository")) or "")]
        rows = _rows(project, builds, reads_jobs=reads_jobs)
    return replace(window.after(answer, "finishTime"), rows=rows)


def _read_running(project: Project, is_wanted: Callable[[str], bool], _position: Position) -> Slice:
    builds = project.running(is_wanted)
    with needing("pipelines"):
        rows = _rows(project, builds, reads_jobs=True)
    return Slice(rows, is_end=True, served_at=project.api.client.server_time())


def _rows(project: Project, builds: Sequence[Payload], *, reads_jobs: bool) -> Rows:
    found: Rows = {PipelineRun: [], Job: []}
    for build in builds:
        about = {"project": project.id, "web": _web(build)}
        attempts = _attempts(project, build["id"]) if reads_jobs else {1: []}
        newest = max(attempts)
        timed = [one for records in attempts.values() for one in records if one.get("type") in TIMED]
        for attempt, records in attempts.items():
            own = [picked(one, TIMES) for one in timed if _attempt(one) == attempt]
            run = {**about, "build": _trimmed(build), "attempt": attempt, "is_newest": attempt == newest}
            found[PipelineRun].append({**run, "records": own})
            for stage, job in _jobs(records):
                # One that was not run again belongs to the attempt that did run it.
                ran_in = _attempt(job) if _attempt(job) in attempts else attempt
                told = {"build": build["id"], "attempt": ran_in, "stage": stage, "record": picked(job, RECORD_KEPT)}
                found[Job].append({**about, **told})
    found[Identity] = everybody(build.get("requestedFor") for build in builds)
    return found


def _attempts(project: Project, build: Any) -> dict[int, list[Payload]]:
    """The records of a run's timeline by attempt. The newest has all that was not run again too; the earlier ones are
    timelines of their own, named by what was run again."""
    records = _timeline(project, build)
    timed = [one for one in records if one.get("type") in TIMED]
    found = {max((_attempt(one) for one in timed), default=1): records}
    earlier = [one for record in timed for one in record.get("previousAttempts") or () if one.get("timelineId")]
    for name in {one["timelineId"]: None for one in earlier}:
        for record in _timeline(project, build, f"/{name}"):
            found.setdefault(_attempt(record), []).append(record)
    return found


def _attempt(record: Payload) -> int:
    return int(record.get("attempt") or 1)


def _timeline(project: Project, build: Any, name: str = "") -> list[Payload]:
    """The records of a timeline of a run; none where it has none, or was removed meanwhile."""
    try:
        found = project.api.one(project.path(f"build/builds/{build}/timeline{name}"))
    except NotFoundError:
        return []
    return list((found or {}).get("records") or ())


def _jobs(records: Sequence[Payload]) -> Iterator[tuple[str | None, Payload]]:
    """The jobs among the records of a timeline, each with the stage it is in."""
    by_id = {one.get("id"): one for one in records}
    for record in records:
        if record.get("type") == "Job" and record.get("state") != "pending":
            yield _stage(record, by_id), record


def _stage(record: Payload, by_id: Mapping[Any, Payload]) -> str | None:
    above: Payload | None = record
    for _ in range(4):  # job, phase, stage: a timeline that goes round in a circle ends here
        above = by_id.get((above or {}).get("parentId"))
        if above is None:
            return None
        if above.get("type") == "Stage":
            name = str(above.get("name") or "")
            return None if name in {"", NO_STAGE} else name
    return None


def _trimmed(build: Payload) -> dict[str, Any]:
    return {
        **picked(build, KEPT),
        "definition": picked(build.get("definition") or {}, ("id", "name", "path")),
        "repository": picked(build.get("repository") or {}, ("id", "type", "name", "url")),
        "triggerInfo": picked(build.get("triggerInfo") or {}, TRIGGER_KEPT),
        "requestedFor": trimmed(build.get("requestedFor")),
    }


def _web(build: Payload) -> str | None:
    found: str | None = ((build.get("_links") or {}).get("web") or {}).get("href")
    return found


# -- mapping ----------------------------------------------------------------------------------------------------------


def pipeline_run(payload: Mapping[str, Any]) -> PipelineRun:
    """One attempt of a run. The run itself tells how the newest ended, and when the first was asked for and began; the
    rest is told by the records of the attempt."""
    build, attempt, records = payload["build"], payload["attempt"], payload.get("records") or ()
    info = build.get("triggerInfo") or {}
    repository = repository_of(build.get("repository"))
    started = [at for one in records if (at := instant(one.get("startTime")))]
    result, finished_at = _outcome(build, records) if payload["is_newest"] else _outcome_of(records)
    return PipelineRun(
        ext_id=run_id(payload["project"], build["id"], attempt),
        url=payload.get("web"),
        repository=repository,
        name=(build.get("definition") or {}).get("name") or f"pipeline {build['id']}",
        change=_change(build, repository),
        trigger=TRIGGERS.get(build.get("reason") or "", "unknown"),
        branch=branch(info.get("pr.sourceBranch") or build.get("sourceBranch")),
        # Of a pull request the built commit is a merge that was only tried.
        sha=info.get("pr.sourceSha") or build.get("sourceVersion"),
        attempt=attempt,
        result=result,
        queued_at=instant(build.get("queueTime")) if attempt == 1 else None,
        started_at=instant(build.get("startTime")) if attempt == 1 else min(started, default=None),
        finished_at=finished_at,
    )


def job(payload: Mapping[str, Any]) -> Job:
    """One job of a run, named with the stage it is in: `Production / Deploy`. A job's id is the same in every run."""
    record, stage, project, build = payload["record"], payload.get("stage"), payload["project"], payload["build"]
    name = record.get("name") or "Job"
    return Job(
        ext_id=f"{project}/{build}/{record['id']}/{_attempt(record)}",
        url=payload.get("web"),
        pipeline_run=run_id(project, build, payload["attempt"]),
        name=f"{stage} / {name}" if stage else name,
        runner=record.get("workerName"),
        attempt=_attempt(record),
        result=RESULTS.get(record.get("result") or "", "unknown") if record.get("state") == "completed" else None,
        started_at=instant(record.get("startTime")),
        finished_at=instant(record.get("finishTime")),
    )


def _outcome(build: Payload, records: Sequence[Payload]) -> tuple[Result | None, datetime | None]:
    """How the newest attempt ended, and when: it has not where it was begun again since the run was listed."""
    if build.get("status") != "completed" or any(one.get("state") == "inProgress" for one in records):
        return None, None
    return RESULTS.get(build.get("result") or "", "unknown"), instant(build.get("finishTime"))


def _outcome_of(records: Sequence[Payload]) -> tuple[Result, datetime | None]:
    """How an earlier attempt ended, and when: by the worst of what was run again afterwards."""
    results = {RESULTS.get(one.get("result") or "", "unknown") for one in records}
    finished = [at for one in records if (at := instant(one.get("finishTime")))]
    return next((word for word in WORST_FIRST if word in results), "unknown"), max(finished, default=None)


def _change(build: Payload, repository: str | None) -> str | None:
    """The pull request that is built; None where it is on another host."""
    if repository is None or "/" in repository:
        return None
    number = (build.get("triggerInfo") or {}).get("pr.number")
    if not number and (matched := PULL_REF.match(build.get("sourceBranch") or "")):
        number = matched[1]
    return change_id(repository, number) if number else None
