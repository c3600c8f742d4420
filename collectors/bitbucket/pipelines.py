"""Pipeline runs, and their steps where these are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

from dxmetrics.collectors.feeds import Feed, Memo, Position, Slice
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Job, PipelineRun, Result

from .api import Payload, Place
from .changes import change_id
from .slices import Rows, instant, known_instants, newest_first

MOST = 100
OVERLAP = timedelta(hours=6)  # most runs that were unfinished are met again on the newest page, without a request each
DEEP_OVERLAP = timedelta(days=14)  # once a day: runs that were started again, or waited for a person
DAY = timedelta(days=1)
MARGIN = timedelta(minutes=2)
FIELDS = (
    "uuid", "build_number", "run_number", "created_on", "run_creation_date", "completed_on", "state.name",
    "state.result.name", "state.stage.name", "target.type", "target.ref_name", "target.source", "target.commit.hash",
    "target.pullrequest.id", "target.selector.type", "target.selector.pattern", "trigger.name", "trigger.type",
)  # fmt: skip
STEP_FIELDS = (
    "next", "values.uuid", "values.name", "values.run_number", "values.started_on", "values.completed_on",
    "values.state.name", "values.state.result.name", "values.build_seconds_used", "values.runner.name",
)  # fmt: skip
WAITING = frozenset({"PAUSED", "HALTED"})  # for a person, who may never come

RESULTS: Mapping[str, Result] = {
    "SUCCESSFUL": "success", "FAILED": "failure", "ERROR": "error", "STOPPED": "cancellation", "EXPIRED": "timeout",
    "NOT_RUN": "skip",
}  # fmt: skip
Trigger = Literal["push", "change", "schedule", "manual", "api", "unknown"]
TRIGGERS: Mapping[str, Trigger] = {
    "push": "push", "pullrequest": "change", "pull_request": "change", "manual": "manual", "schedule": "schedule",
    "scheduled": "schedule",
}  # fmt: skip


def pipelines(place: Place, *, reads_steps: bool, asked_at: datetime | None) -> Feed:
    """Pipeline runs by when they were created; one request a page, and one a run where steps are read.

    `asked_at`: when all there was had been read last. A run that had ended before is told already, with its steps.
    """
    page = partial(_page, place, reads_steps=reads_steps, asked_at=asked_at)
    again = partial(_again, place, reads_steps=reads_steps)
    return Feed("pipelines", (PipelineRun,), page, overlap=OVERLAP, deep_overlap=DEEP_OVERLAP, reread=again)


def _page(place: Place, position: Position, *, reads_steps: bool, asked_at: datetime | None) -> Slice:
    params = {
        "sort": "-created_on",
        "pagelen": MOST,
        "fields": ",".join(("next", *(f"values.{name}" for name in FIELDS))),
    }
    try:
        listing = place.page("pipelines", params, position.token)
    except NotFoundError:  # pipelines are switched off here
        return Slice({}, is_end=True, served_at=place.api.client.server_time())
    told_before = _told_before(position, asked_at) if reads_steps else None
    runs = [run for run in listing.rows if told_before is None or not _ended_before(run, told_before)]
    rows = _rows(place, runs, reads_steps=reads_steps)
    unfinished = {run["uuid"]: _is_going_on(run) for run in listing.rows}
    return newest_first("pipelines", listing, known_instants(listing.rows, "created_on"), rows, unfinished=unfinished)


def _again(place: Place, ids: Sequence[str], _memo: Memo, *, reads_steps: bool) -> Iterator[Slice]:
    """Runs that were going on when they were read last; one that is gone is left out."""
    for name in ids:
        try:
            run = place.one(f"pipelines/{quote(name, safe='')}", {"fields": ",".join(FIELDS)})
        except NotFoundError:
            continue
        yield Slice(_rows(place, [run], reads_steps=reads_steps), unfinished={name: _is_going_on(run)})


def _rows(place: Place, runs: Sequence[Payload], *, reads_steps: bool) -> Rows:
    steps = {run["uuid"]: _steps(place, run["uuid"]) for run in runs if reads_steps and run.get("completed_on")}
    return {
        PipelineRun: [
            {
                "repository": place.id,
                "web": place.web,
                "run": run,
                "started": [step["started_on"] for step in steps.get(run["uuid"], ()) if step.get("started_on")],
            }
            for run in runs
        ],
        Job: [{"pipeline_run": run_id(run), "step": step} for run in runs for step in steps.get(run["uuid"], ())],
    }


def _steps(place: Place, name: str) -> list[Payload]:
    """The steps of a run; none where it was removed meanwhile."""
    params = {"pagelen": MOST, "fields": ",".join(STEP_FIELDS)}
    try:
        pages = place.pages(f"pipelines/{quote(name, safe='')}/steps", params)
        return [step for listing in pages for step in listing.rows]
    except NotFoundError:
        return []


def _told_before(position: Position, asked_at: datetime | None) -> datetime | None:
    """What had ended by then was read with its steps; once a day, what ended since the day before is read again."""
    if asked_at is None or position.since is None:
        return None
    is_deep = asked_at - position.since > 2 * OVERLAP
    return asked_at - (DAY + MARGIN if is_deep else MARGIN)


def _ended_before(run: Payload, moment: datetime) -> bool:
    return bool(run.get("completed_on")) and instant(run["completed_on"]) < moment


def _is_going_on(run: Payload) -> bool:
    """Whether a run will end by itself soon: one that waits for a person may never."""
    state = run.get("state") or {}
    stage = (state.get("stage") or {}).get("name")
    return not run.get("completed_on") and state.get("name") in {"PENDING", "IN_PROGRESS"} and stage not in WAITING


def run_id(run: Payload) -> str:
    """One attempt: a run that is started again keeps its id."""
    return f"{run['uuid']}/{_attempt(run)}"


def pipeline_run(payload: Mapping[str, Any]) -> PipelineRun:
    """One attempt of a pipeline; when it started is told by its steps only."""
    run, repository = payload["run"], payload["repository"]
    target = run.get("target") or {}
    number = (target.get("pullrequest") or {}).get("id")
    started = [instant(text) for text in payload.get("started", ())]
    return PipelineRun(
        ext_id=run_id(run),
        url=f"{payload['web']}/pipelines/results/{run['build_number']}" if run.get("build_number") else None,
        repository=repository,
        name=_name(target.get("selector") or {}),
        change=None if number is None else change_id(repository, number),
        trigger=_trigger(run, target),
        branch=target.get("ref_name") or target.get("source"),
        sha=(target.get("commit") or {}).get("hash"),
        attempt=_attempt(run),
        result=_result(run),
        queued_at=_queued_at(run),
        started_at=min(started, default=None),
        finished_at=instant(run["completed_on"]) if run.get("completed_on") else None,
    )


def job(payload: Mapping[str, Any]) -> Job:
    """One step of a run."""
    step = payload["step"]
    attempt = step.get("run_number") or 1
    return Job(
        ext_id=f"{step['uuid']}/{attempt}",
        pipeline_run=payload["pipeline_run"],
        name=step.get("name") or "step",
        runner=(step.get("runner") or {}).get("name"),
        attempt=attempt,
        result=_result(step),
        started_at=instant(step["started_on"]) if step.get("started_on") else None,
        finished_at=instant(step["completed_on"]) if step.get("completed_on") else None,
        billable_seconds=step.get("build_seconds_used"),
    )


def _attempt(run: Payload) -> int:
    return run.get("run_number") or 1


def _result(of: Payload) -> Result | None:
    """How a run or step ended; None: it has not."""
    state = of.get("state") or {}
    if state.get("name") != "COMPLETED" and not of.get("completed_on"):
        return None
    return RESULTS.get((state.get("result") or {}).get("name", ""), "unknown")


def _queued_at(run: Payload) -> datetime | None:
    """When this attempt was asked for; of a second one that may not be told."""
    text = run.get("run_creation_date") or (run["created_on"] if _attempt(run) == 1 else None)
    return instant(text) if text else None


def _trigger(run: Payload, target: Payload) -> Trigger:
    trigger = run.get("trigger") or {}
    if target.get("type") == "pipeline_pullrequest_target":
        return "change"
    word = trigger.get("name") or str(trigger.get("type", "")).removeprefix("pipeline_trigger_")
    return TRIGGERS.get(word.lower(), "unknown")


def _name(selector: Payload) -> str:
    """The pipeline as bitbucket-pipelines.yml calls it: `default`, `branches: main`, `custom: deploy`."""
    section, pattern = str(selector.get("type") or "default").lower(), selector.get("pattern")
    return f"{section}: {pattern}" if pattern else section
