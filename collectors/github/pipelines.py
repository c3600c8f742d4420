"""The feed of workflow runs, their earlier attempts and their jobs.

Runs come over REST: the first page is free where nothing is new (304), older ones by the time they were made, so that
no question has more than the thousand results that GitHub gives. Jobs come by check suites, a hundred runs for a point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2

from dxmetrics.collectors.feeds import BEGINNING, Feed, Memo, Position, Probe, Slice, down_to
from dxmetrics.errors import NotFoundError
from dxmetrics.http import served_at
from dxmetrics.records import Job, PipelineRun

from . import queries
from .api import Api, Node, nodes
from .runs import run_id

if TYPE_CHECKING:
    from .repositories import Listed

PAGE = 100
RERUN_WITHIN = timedelta(days=30)  # how long GitHub lets a run be started again
LONGEST = timedelta(days=40)  # no run is unfinished for longer: GitHub ends them before
REMEMBERED = 500  # runs of which we know that their earlier attempts were read

Jobs = list[dict[str, Any]]


def pipelines(api: Api, repo: Listed, kept: Mapping[str, Any]) -> Feed:
    """The feed of a repository's workflow runs; `kept` is what the cursor has of it."""

    def read(position: Position) -> Slice:
        return _read(api, repo, position)

    def again(ids: Sequence[str], memo: Memo) -> Iterator[Slice]:
        return _again(api, repo, ids, memo)

    return Feed(
        "pipelines",
        (PipelineRun, Job),
        read,
        overlap=timedelta(days=3),
        deep_overlap=None if repo.is_archived else RERUN_WITHIN,
        by_time=True,
        probe=_probe(repo, kept.get("memo") or {}),
        reread=again,
    )


def _probe(repo: Listed, memo: Memo) -> Probe | None:
    """Nothing runs in an archived repository. One that had no run is asked again after a push, and once a day."""
    if repo.is_archived:
        return Probe(repo.touched_at, repo.served_at)
    if (empty_at := memo.get("empty_at")) and (repo.pushed_at or repo.born) < datetime.fromisoformat(empty_at):
        return Probe(None, repo.served_at)
    return None


def _read(api: Api, repo: Listed, position: Position) -> Slice:
    """The next runs at or before a position, newest first."""
    params: dict[str, Any] = {"per_page": PAGE, "exclude_pull_requests": "true"}
    etag = None
    if position.before is None:
        etag = None if position.is_thorough else position.memo.get("etag")
    else:
        params["created"] = f"{_written(position.since or BEGINNING)}..{_written(position.before)}"
        if position.token:
            params["page"] = int(position.token)
    response = api.client.get(f"repos/{repo.full_name}/actions/runs", params, etag=etag)
    now = served_at(response) or repo.served_at
    if response.status_code == httpx2.codes.NOT_MODIFIED:
        return Slice({}, is_unchanged=True, served_at=now)
    runs = response.json().get("workflow_runs") or []
    is_full = len(runs) == PAGE
    oldest = down_to((datetime.fromisoformat(run["created_at"]) for run in runs), has_more=is_full)
    if oldest is not None and position.before is not None:
        oldest = min(oldest, position.before)
    memo = {key: value for key, value in position.memo.items() if key != "empty_at"}
    if position.before is None:
        memo["etag"] = response.headers.get("etag")
        memo |= {} if runs else {"empty_at": now.isoformat()}
        oldest = oldest if is_full else BEGINNING  # these are all there are
    rows, unfinished = _rows(api, repo, runs, memo, now)
    stands_still = is_full and position.before is not None and oldest == position.before
    return Slice(
        rows,
        oldest=oldest,
        token=str(int(position.token or 1) + 1) if stands_still else None,
        is_end=not is_full,
        served_at=now,
        unfinished=unfinished,
        memo=memo,
    )


def _written(at: datetime) -> str:
    """An instant as the `created` filter takes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _again(api: Api, repo: Listed, ids: Sequence[str], memo: Memo) -> Iterator[Slice]:
    """Runs that were not finished, one by one; those that were deleted are left out."""
    kept = dict(memo)
    for name in ids:
        try:
            response = api.client.get(f"repos/{repo.full_name}/actions/runs/{name}", {"exclude_pull_requests": "true"})
        except NotFoundError:
            continue
        rows, unfinished = _rows(api, repo, [response.json()], kept, served_at(response) or repo.served_at)
        yield Slice(rows, unfinished=unfinished, memo=kept)


def _rows(
    api: Api, repo: Listed, runs: Sequence[Any], memo: dict[str, Any], now: datetime
) -> tuple[dict[Any, list[Any]], dict[str, bool]]:
    """The payloads of runs, of attempts before the newest that were not read yet, and of jobs; and which runs are to
    be read again."""
    by_suite = _jobs(api, [run["check_suite_node_id"] for run in runs if run.get("check_suite_node_id")])
    newest = [(run, by_suite.get(run.get("check_suite_node_id") or "", [])) for run in runs]
    found: dict[Any, list[Any]] = {PipelineRun: [], Job: []}
    for run, listed in (*_earlier(api, repo, runs, memo), *newest):
        own = [job for job in listed if _is_of(job, run)]
        times = {
            "started_at": min((job["startedAt"] for job in own if job.get("startedAt")), default=None),
            "finished_at": max((job["completedAt"] for job in own if job.get("completedAt")), default=None),
        }
        found[PipelineRun].append({"repository": repo.id, "run": _trimmed(run), **times})
        found[Job] += [{"run": run_id(run), "check": job} for job in own]
    unfinished = {
        str(run["id"]): run.get("status") != "completed" and now - datetime.fromisoformat(run["created_at"]) < LONGEST
        for run in runs
    }
    return found, unfinished


def _is_of(job: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    """Whether a job ran in this attempt: where only those that failed run again, the others are listed once more."""
    began, asked = job.get("startedAt"), run.get("run_started_at")
    return (run.get("run_attempt") or 1) == 1 or not began or not asked or began >= asked


def _earlier(api: Api, repo: Listed, runs: Sequence[Any], memo: dict[str, Any]) -> Iterator[tuple[Any, Jobs]]:
    """The attempts before the newest of runs that were run again, with their jobs; each is asked for once."""
    known: dict[str, int] = dict(memo.get("attempts") or {})
    for run in runs:
        name, count = str(run["id"]), int(run.get("run_attempt") or 1)
        for attempt in range(known.get(name, 0) + 1, count):
            path = f"repos/{repo.full_name}/actions/runs/{name}/attempts/{attempt}"
            try:
                former = api.client.json(path, {"exclude_pull_requests": "true"})
            except NotFoundError:  # deleted meanwhile
                continue
            pages = api.client.numbered_pages(f"{path}/jobs", items="jobs")
            yield former, [_as_check(job) for page in pages for job in page]
        if count > 1:
            known[name] = count - 1
    if known:
        memo["attempts"] = dict(list(known.items())[-REMEMBERED:])


def _jobs(api: Api, suites: Sequence[str]) -> dict[str, Jobs]:
    """The check runs of each suite."""
    found: list[Node] = [node for node, _ in api.by_id(queries.CHECKS, suites) if node.get("checkRuns")]
    api.complete([(node, queries.CHECK_RUNS) for node in found])
    return {node["id"]: nodes(node["checkRuns"]) for node in found}


def _as_check(job: Mapping[str, Any]) -> dict[str, Any]:
    """A job of REST in the shape of the check run that it is."""
    return {
        "databaseId": job["id"], "name": job.get("name"), "status": job.get("status"),
        "conclusion": job.get("conclusion"), "startedAt": job.get("started_at"),
        "completedAt": job.get("completed_at"), "detailsUrl": job.get("html_url"),
    }  # fmt: skip


def _trimmed(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run without the repositories, people, commits and addresses that each of them repeats."""
    left_out = {"repository", "head_repository", "head_commit", "actor", "triggering_actor", "pull_requests"}
    return {key: value for key, value in run.items() if key not in left_out and not key.endswith("_url")} | {
        "html_url": run.get("html_url")
    }
