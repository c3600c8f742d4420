"""From runs of Actions and their tasks to records; Forgejo and Gitea word them differently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from dxmetrics.records import Job, PipelineRun, Result

from .api import Row, instant, only
from .pulls import change_id

RESULTS: Mapping[str, Result] = {
    "success": "success", "failure": "failure", "cancelled": "cancellation", "skipped": "skip",
}  # fmt: skip
UNFINISHED = frozenset(
    {"", "waiting", "running", "blocked", "queued", "pending", "requested", "in_progress", "cancelling"}
)
WORST_FIRST: tuple[Result, ...] = ("failure", "cancellation", "unknown", "success", "skip")
TRIGGERS: Mapping[str, Literal["push", "change", "schedule", "manual", "api"]] = {
    "push": "push", "create": "push", "pull_request": "change", "pull_request_target": "change",
    "pull_request_sync": "change", "pull_request_review": "change", "schedule": "schedule",
    "workflow_dispatch": "manual", "repository_dispatch": "api",
}  # fmt: skip
RUN_FIELDS = (
    "id", "html_url", "status", "event", "trigger_event",
    "index_in_repo", "workflow_id", "prettyref", "commit_sha", "created", "started", "stopped",  # Forgejo
    "run_number", "run_attempt", "path", "head_branch", "head_sha", "conclusion", "created_at", "started_at",
    "completed_at",  # Gitea
)  # fmt: skip
TASK_FIELDS = ("id", "name", "status", "created_at", "run_started_at", "updated_at")


def number(run: Mapping[str, Any]) -> int:
    """A run's number in its repository, which its tasks name it by."""
    return int(run.get("index_in_repo") or run["run_number"])


def made_at(run: Mapping[str, Any]) -> datetime | None:
    """When a run was asked for; where that is not told, when it began."""
    return _queued_at(run) or _started_at(run)


def attempts(repository: str, run: Row, tasks: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """The PipelineRun and Job payloads of a run with all its tasks.

    A run that is started again stands in the list with its last attempt only; what its earlier ones did, their tasks
    tell: the second task of a name is of the second attempt.
    """
    by_attempt: dict[int, list[Row]] = defaultdict(list)
    met: dict[str, int] = defaultdict(int)
    for task in sorted(tasks, key=lambda one: int(one["id"])):
        met[str(task.get("name"))] += 1
        by_attempt[met[str(task.get("name"))]].append(only(task, TASK_FIELDS))
    last = max([int(run.get("run_attempt") or 1), *by_attempt])
    if by_attempt and not run.get("run_attempt") and _started_at(run) is None:
        last += 1  # it is to be started again, and no runner has taken it yet
    kept = {**only(run, RUN_FIELDS), "change": _change_number(run)}
    runs: list[Row] = []
    jobs: list[Row] = []
    until: datetime | None = None
    for attempt in range(last, 0, -1):
        own = by_attempt.get(attempt, [])
        is_last = attempt == last
        if not is_last and not own:
            continue  # nothing of it is known
        until = _stopped_at(run) if is_last else until
        runs.append({
            "repository": repository, "run": kept, "attempt": attempt, "tasks": None if is_last else own,
            "until": _text(until),
        })  # fmt: skip
        jobs += [
            {"run": f"{run['id']}/{attempt}", "attempt": attempt, "task": one, "until": _text(until)} for one in own
        ]
        until = min(filter(None, (instant(one.get("created_at")) for one in own)), default=until)
    return runs, jobs


def pipeline_run(payload: Mapping[str, Any]) -> PipelineRun:
    """One attempt of a run. When one after the first was asked for is not told."""
    run, attempt, tasks = payload["run"], payload["attempt"], payload["tasks"]
    if tasks is None:
        result, started_at, finished_at = _result(run), _started_at(run), _stopped_at(run)
    else:
        result, started_at, finished_at = _summed_up(tasks, instant(payload.get("until")))
    page = run.get("html_url")
    pull = run.get("change")
    return PipelineRun(
        ext_id=f"{run['id']}/{attempt}",
        url=page,
        repository=payload["repository"],
        name=_name(run),
        change=change_id(payload["repository"], pull) if pull else None,
        trigger=TRIGGERS.get(run.get("trigger_event") or run.get("event") or "", "unknown"),
        branch=None if pull else run.get("head_branch") or run.get("prettyref") or None,
        sha=run.get("commit_sha") or run.get("head_sha") or None,
        attempt=attempt,
        result=result,
        queued_at=_queued_at(run) if attempt == 1 else None,
        started_at=started_at,
        finished_at=finished_at if result else None,
    )


def job(payload: Mapping[str, Any]) -> Job:
    """A task: one job of one attempt, from when a runner took it."""
    task = payload["task"]
    result = _result(task)
    return Job(
        ext_id=str(task["id"]),
        pipeline_run=payload["run"],
        name=task.get("name") or "job",
        attempt=payload["attempt"],
        result=result,
        started_at=instant(task.get("run_started_at")),
        finished_at=_ended_at(task, instant(payload.get("until"))) if result else None,
    )


def _result(one: Mapping[str, Any]) -> Result | None:
    """How a run or a task ended; None: it has not."""
    word = str(one.get("conclusion") or one.get("status") or "").lower()
    return None if word in UNFINISHED else RESULTS.get(word, "unknown")


def _summed_up(
    tasks: Sequence[Mapping[str, Any]], until: datetime | None
) -> tuple[Result, datetime | None, datetime | None]:
    """How an attempt ended of which only the tasks are told, when it began, and when it ended."""
    results = {_result(task) or "unknown" for task in tasks}
    begun = [found for task in tasks if (found := instant(task.get("run_started_at")))]
    ended = [found for task in tasks if (found := _ended_at(task, until))]
    return next(one for one in WORST_FIRST if one in results), min(begun, default=None), max(ended, default=None)


def _ended_at(task: Mapping[str, Any], until: datetime | None) -> datetime | None:
    """When a task ended: when it was changed last, but not after its run or before the next attempt, as a task is
    changed once more when its log is thrown away."""
    return min(filter(None, (instant(task.get("updated_at")), until)), default=None)


def _queued_at(run: Mapping[str, Any]) -> datetime | None:
    return instant(run.get("created") or run.get("created_at"))


def _started_at(run: Mapping[str, Any]) -> datetime | None:
    return instant(run.get("started") or run.get("started_at"))


def _stopped_at(run: Mapping[str, Any]) -> datetime | None:
    return instant(run.get("stopped") or run.get("completed_at"))


def _name(run: Mapping[str, Any]) -> str:
    """The workflow's file, which is all that is told of its name."""
    return run.get("workflow_id") or str(run.get("path") or "").partition("@")[0] or str(run["id"])


def _change_number(run: Mapping[str, Any]) -> int | None:
    """The number of the request a run is for."""
    reference = str(run.get("prettyref") or "")
    if reference.startswith("#") and reference[1:].isdecimal():
        return int(reference[1:])
    is_for_one = str(run.get("event") or "").startswith("pull_request")
    requests = [one.get("number") for one in run.get("pull_requests") or ()] if is_for_one else []
    return requests[0] if requests else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
