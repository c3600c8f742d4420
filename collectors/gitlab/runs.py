"""From pipelines and jobs to records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from dxmetrics.records import Job, PipelineRun, Result

from .api import nodes, number_of

Trigger = Literal["push", "change", "schedule", "manual", "api", "unknown"]
RESULTS: Mapping[str, Result] = {
    "success": "success", "failed": "failure", "canceled": "cancellation", "skipped": "skip",
}  # fmt: skip
GOING_ON = frozenset(
    {
        "created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "running", "canceling",
        "manual", "scheduled",
    }
)  # fmt: skip
TRIGGERS: Mapping[Any, Trigger] = {
    "push": "push", "merge_request_event": "change", "external_pull_request_event": "change", "schedule": "schedule",
    "web": "manual", "chat": "manual", "webide": "manual", "ondemand_dast_scan": "manual", "trigger": "api",
    "api": "api", "pipeline": "api",
}  # fmt: skip
OF_REQUEST = re.compile(r"^refs/merge-requests/")


def pipeline_run(payload: Mapping[str, Any]) -> PipelineRun:
    """A pipeline. It ends with the last of its jobs that no person had to start; a job that is run again counts."""
    run, node = payload["run"], payload["node"]
    result = _result(node.get("status") or run.get("status"))
    ref = run.get("ref") or ""
    return PipelineRun(
        ext_id=str(run["id"]),
        url=run.get("web_url"),
        updated_at=node.get("updatedAt"),
        repository=payload["repository"],
        name=node.get("name") or (node.get("sourceJob") or {}).get("name") or payload["config"],
        change=number_of(node["mergeRequest"]) if node.get("mergeRequest") else None,
        trigger=TRIGGERS.get(run.get("source"), "unknown"),
        branch=None if OF_REQUEST.match(ref) else ref or None,
        sha=run.get("sha"),
        result=result,
        queued_at=node["createdAt"],
        started_at=node.get("startedAt") or payload.get("started_at"),
        finished_at=(payload.get("finished_at") or node.get("finishedAt")) if result else None,
    )


def times(node: Mapping[str, Any]) -> dict[str, Any]:
    """When the first job of a pipeline started, and when the last one ended that no person had to start."""
    jobs = nodes(node.get("jobs"))
    started = [job["startedAt"] for job in jobs if job.get("startedAt")]
    ended = [job["finishedAt"] for job in jobs if job.get("finishedAt") and not job.get("manualJob")]
    return {
        "started_at": min(started, key=datetime.fromisoformat, default=None),
        "finished_at": max(ended, key=datetime.fromisoformat, default=None),
    }


def job(payload: Mapping[str, Any]) -> Job:
    """A job of a pipeline."""
    node = payload["job"]
    result = _result(node.get("status"))
    return Job(
        ext_id=number_of(node),
        url=payload.get("url"),
        pipeline_run=payload["pipeline_run"],
        name=node["name"],
        runner=(node.get("runner") or {}).get("description"),
        attempt=payload["attempt"],
        result=result,
        queued_at=node.get("queuedAt") or node.get("createdAt"),
        started_at=node.get("startedAt"),
        finished_at=node.get("finishedAt") if result else None,
    )


def has_begun(node: Mapping[str, Any]) -> bool:
    """Whether a job waits for no person to start it."""
    return (node.get("status") or "").lower() != "manual"


def _result(status: str | None) -> Result | None:
    """OpenTelemetry's word for a status; None while it is not finished."""
    word = (status or "").lower()
    return None if word in GOING_ON else RESULTS.get(word, "unknown")
