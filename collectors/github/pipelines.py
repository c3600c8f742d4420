"""The feed of workflow runs, their earlier attempts and their jobs.

Runs come over REST: the first page is free where nothing is new (304), older ones by the time they were made. Jobs come
by check suites, a hundred runs for a point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2

from dxmetrics.collectors.feeds import BEGINNING, Memo, Position, Slice
from dxmetrics.http import served_at
from dxmetrics.records import Job, PipelineRun

from . import mapping, queries
from .api import Api

if TYPE_CHECKING:
    from .repositories import Listed

PAGE = 100
REMEMBERED = 500  # runs of which we know that their earlier attempts were read


def read(api: Api, repo: Listed, position: Position) -> Slice:
    """The next runs at or before a position, newest first."""
    params: dict[str, Any] = {"per_page": PAGE, "exclude_pull_requests": "true"}
    etag = None
    if position.before is None:
        etag = None if position.is_thorough else position.memo.get("etag")
    else:
        low = position.since or BEGINNING
        params["created"] = f"{written(low)}..{written(position.before)}"
        if position.token:
            params["page"] = int(position.token)
    response = api.client.get(f"repos/{repo.owner}/{repo.name}/actions/runs", params, etag=etag)
    now = served_at(response)
    if response.status_code == httpx2.codes.NOT_MODIFIED:
        return Slice({}, is_unchanged=True, served_at=now)
    body = response.json()
    runs = body.get("workflow_runs") or []
    oldest = min((datetime.fromisoformat(run["created_at"]) for run in runs), default=None)
    memo = dict(position.memo)
    if position.before is None:
        memo["etag"] = response.headers.get("etag")
        if len(runs) < PAGE:
            oldest = BEGINNING  # these are all there are
    rows, unfinished = rows_of(api, repo, runs, memo)
    is_full = len(runs) == PAGE
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


def written(at: datetime) -> str:
    """An instant as the `created` filter takes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def again(api: Api, repo: Listed, ids: Sequence[str], memo: Memo) -> Iterator[Slice]:
    """Runs that were not finished, one by one."""
    kept = dict(memo)
    for name in ids:
        response = api.client.get(f"repos/{repo.owner}/{repo.name}/actions/runs/{name}")
        rows, unfinished = rows_of(api, repo, [response.json()], kept)
        yield Slice(rows, unfinished=unfinished, memo=kept)


def rows_of(
    api: Api, repo: Listed, runs: Sequence[Any], memo: dict[str, Any]
) -> tuple[dict[Any, list[Any]], dict[str, bool]]:
    """The payloads of runs, of attempts before the newest that were not read yet, and of jobs."""
    by_suite = jobs_of(api, [run["check_suite_node_id"] for run in runs if run.get("check_suite_node_id")])
    attempts = [(run, by_suite.get(run.get("check_suite_node_id") or "", [])) for run in runs]
    found: dict[Any, list[Any]] = {PipelineRun: [], Job: []}
    for run, own in (*earlier(api, repo, runs, memo), *attempts):
        name = mapping.run_id(run)
        began = min((one["startedAt"] for one in own if one.get("startedAt")), default=None)
        found[PipelineRun].append({"repository": repo.id, "run": trimmed(run), "started_at": began})
        found[Job] += [{"run": name, "check": check} for check in own]
    return found, {str(run["id"]): run.get("status") != "completed" for run in runs}


def earlier(
    api: Api, repo: Listed, runs: Sequence[Any], memo: dict[str, Any]
) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """The attempts before the newest of runs that were run again, with their jobs; each is asked for once."""
    known: dict[str, int] = dict(memo.get("attempts") or {})
    for run in runs:
        name, count = str(run["id"]), int(run.get("run_attempt") or 1)
        for attempt in range(known.get(name, 0) + 1, count):
            path = f"repos/{repo.owner}/{repo.name}/actions/runs/{name}/attempts/{attempt}"
            run_then = api.client.json(path, {"exclude_pull_requests": "true"})
            listed = api.client.numbered_pages(f"{path}/jobs", items="jobs")
            yield run_then, [check_of(job) for page in listed for job in page]
        if count > 1:
            known[name] = count - 1
    if known:
        memo["attempts"] = dict(list(known.items())[-REMEMBERED:])


def jobs_of(api: Api, suites: Sequence[str]) -> dict[str, list[Any]]:
    """The check runs of each suite; those of more than fifty are read to the end."""
    found: dict[str, list[Any]] = {}
    for node, _ in api.by_id(queries.CHECKS, suites):
        listed = node.get("checkRuns")
        if listed is None:
            continue
        checks = list(listed["nodes"] or ())
        while listed["pageInfo"]["hasNextPage"]:
            answer = api.query(queries.CHECKS, ids=[node["id"]], after=listed["pageInfo"]["endCursor"])
            listed = answer.data["nodes"][0]["checkRuns"]
            checks += listed["nodes"]
        found[node["id"]] = [check for check in checks if check]
    return found


def check_of(job: Any) -> dict[str, Any]:
    """A job of REST in the shape of the check run that it is."""
    return {
        "databaseId": job["id"], "name": job.get("name"), "status": job.get("status"),
        "conclusion": job.get("conclusion"), "startedAt": job.get("started_at"),
        "completedAt": job.get("completed_at"), "url": job.get("html_url"),
    }  # fmt: skip


def trimmed(run: Any) -> dict[str, Any]:
    """A run without the repositories, commits and addresses that each of them repeats."""
    left_out = {"repository", "head_repository", "head_commit", "actor", "triggering_actor", "pull_requests"}
    return {key: value for key, value in run.items() if key not in left_out and not key.endswith("_url")} | {
        "html_url": run.get("html_url")
    }
