"""From workflow runs and check runs to records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from dxmetrics.records import Job, PipelineRun, Result

from .api import number_of

RESULTS: Mapping[str, Result] = {
    "success": "success", "neutral": "success", "failure": "failure", "startup_failure": "error",
    "timed_out": "timeout", "cancelled": "cancellation", "stale": "cancellation", "skipped": "skip",
    "action_required": "skip",  # a run of an outsider that nobody has let run
}  # fmt: skip
TRIGGERS: Mapping[str, Literal["push", "change", "schedule", "manual", "api"]] = {
    "push": "push", "pull_request": "change", "pull_request_target": "change", "pull_request_review": "change",
    "merge_group": "change", "schedule": "schedule", "workflow_dispatch": "manual", "repository_dispatch": "api",
}  # fmt: skip


def run_id(run: Mapping[str, Any]) -> str:
    """The id of one attempt."""
    return f"{run['id']}/{run.get('run_attempt') or 1}"


def pipeline_run(payload: Mapping[str, Any]) -> PipelineRun:
    """One attempt of a workflow run. It was queued when it, or its re-run, was asked for."""
    run = payload["run"]
    attempt = run.get("run_attempt") or 1
    ended = _result(run.get("status"), run.get("conclusion"))
    page = run.get("html_url")
    return PipelineRun(
        ext_id=run_id(run),
        url=f"{page}/attempts/{attempt}" if page and attempt > 1 else page,
        updated_at=run.get("updated_at"),
        repository=payload["repository"],
        name=run.get("name") or run.get("path") or str(run["id"]),
        trigger=TRIGGERS.get(run.get("event") or "", "unknown"),
        branch=run.get("head_branch"),
        sha=run.get("head_sha"),
        attempt=attempt,
        result=ended,
        queued_at=run.get("run_started_at") or run.get("created_at"),
        started_at=payload.get("started_at"),
        finished_at=payload.get("finished_at") or run.get("updated_at") if ended else None,
    )


def job(payload: Mapping[str, Any]) -> Job:
    """A job of an attempt."""
    check = payload["check"]
    ended = _result(check.get("status"), check.get("conclusion"))
    return Job(
        ext_id=number_of(check),
        url=check.get("detailsUrl"),
        pipeline_run=payload["run"],
        name=check["name"],
        attempt=int(payload["run"].rpartition("/")[2]),
        result=ended,
        started_at=check.get("startedAt"),
        finished_at=check.get("completedAt") if ended else None,
    )


def _result(status: str | None, conclusion: str | None) -> Result | None:
    """OpenTelemetry's word for a conclusion; None while it is not finished."""
    if (status or "").lower() != "completed":
        return None
    return RESULTS.get((conclusion or "").lower(), "unknown")
