"""From merge requests, their commits and notes to records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from dxmetrics.records import Change, ChangeCommit, ChangeState, MergeMethod, Review, Verdict

from ..git.messages import revert_of  # noqa: TID252  (mypy knows sources by their folder only)
from .api import nodes, number_of
from .people import account

STATES: Mapping[Any, ChangeState] = {"opened": "open", "locked": "open", "merged": "merged", "closed": "closed"}
# What GitLab itself writes below a request; before version 13.8 drafts were work in progress.
READY = re.compile(r"^(?:marked this merge request as \*\*ready\*\*|unmarked (?:this merge request )?as a \*\*)")
QUEUED = re.compile(r"^(?:started a merge train|added this merge request to the merge train)")
APPROVED = re.compile(r"^approved this merge request")
UNAPPROVED = re.compile(r"^unapproved this merge request")
REQUESTED = re.compile(r"^requested changes")
REVERTED = re.compile(r"^(?:This reverts merge request|Reverts) ([\w./-]*)!(\d+)", re.MULTILINE)


def change(payload: Mapping[str, Any]) -> Change:
    """A merge request. Its first commit counts from when it was written, as its list of commits says."""
    node = payload["request"]
    lines = node.get("diffStatsSummary") or {}
    is_revert, reverts = _reverted(node)
    written = [one["authoredDate"] for one in payload.get("commits") or () if one.get("authoredDate")]
    return Change(
        ext_id=number_of(node),
        url=node.get("webUrl"),
        updated_at=node.get("updatedAt"),
        repository=payload["repository"],
        number=int(node["iid"]),
        title=node.get("title") or "",
        state=STATES.get(node.get("state"), "unknown"),
        is_draft=bool(node.get("draft")),
        author=account(node.get("author")),
        merged_by=account(node.get("mergeUser")) if node.get("mergedAt") else None,
        opened_at=node["createdAt"],
        ready_at=_last(payload, READY),
        queued_at=_last(payload, QUEUED),
        merged_at=node.get("mergedAt"),
        closed_at=_closed_at(node),
        first_commit_at=min([*written, node["createdAt"]], key=datetime.fromisoformat) if written else None,
        base_branch=node.get("targetBranch"),
        head_branch=node.get("sourceBranch"),
        head_sha=node.get("diffHeadSha"),
        merge_sha=_merge_sha(node),
        merge_method=_merge_method(node, len(payload.get("commits") or ())),
        is_revert=is_revert,
        reverts=reverts,
        lines_added=lines.get("additions"),
        lines_deleted=lines.get("deletions"),
        files_changed=lines.get("fileCount"),
        commits_count=len(payload["commits"]) if payload.get("commits") is not None else None,
        labels=tuple(one["title"] for one in nodes(node.get("labels"))),
        paths=_paths(node),
    )


def _last(payload: Mapping[str, Any], kind: re.Pattern[str]) -> str | None:
    """When something last happened to a request; None: never."""
    times = [one["createdAt"] for one in payload.get("events") or () if kind.match(one.get("body") or "")]
    return max(times, key=datetime.fromisoformat, default=None)


def _closed_at(node: Mapping[str, Any]) -> str | None:
    """When it was closed, by merging too; GitLab may keep the time of a closing that was taken back."""
    stands_at = {"merged": "mergedAt", "closed": "closedAt"}.get(node.get("state") or "")
    return node.get(stands_at) if stands_at else None


def _merge_sha(node: Mapping[str, Any]) -> str | None:
    """The commit on the base branch: that of the merge, else of the squash, else the head that was moved there."""
    if node.get("state") != "merged":
        return None
    found = node.get("mergeCommitSha") or node.get("squashCommitSha") or node.get("diffHeadSha")
    return str(found) if found else None


def _merge_method(node: Mapping[str, Any], commits: int) -> MergeMethod:
    """How it was merged. GitLab squashes only what has several commits."""
    if node.get("state") != "merged":
        return "unknown"
    if node.get("squashCommitSha"):
        return "squash"
    if node.get("mergeCommitSha"):
        return "squash" if node.get("squash") and commits > 1 else "merge"
    return "fast_forward" if node.get("diffHeadSha") else "unknown"


def _paths(node: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The files touched; None where they are not known."""
    files = node.get("diffStats")
    return None if files is None else tuple(one["path"] for one in files)


def _reverted(node: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Whether it takes something back, and the `#number` or the commit it names; one of another project is none."""
    title, body = node.get("title") or "", (node.get("description") or "").replace("\r", "")
    home = urlsplit(node.get("webUrl") or "").path.partition("/-/")[0].strip("/").lower()
    numbers = [
        number for place, number in REVERTED.findall(body) if not place or f"/{home}".endswith(f"/{place.lower()}")
    ]
    said = revert_of(title, f"{title}\n\n{REVERTED.sub('', body)}")
    if said is None:
        return bool(numbers), f"#{numbers[0]}" if numbers else None
    named = [*(f"#{number}" for number in (*numbers, *said.requests)), *said.shas]
    return said.is_subject or bool(named), named[0] if named and not said.is_reapply else None


def change_commit(payload: Mapping[str, Any]) -> ChangeCommit:
    """A commit of a request, as listed now."""
    commit = payload["commit"]
    written_as = (commit.get("authorEmail") or commit.get("authorName") or "").strip().lower()
    return ChangeCommit(
        ext_id=f"{payload['change']}/{commit['sha']}",
        change=payload["change"],
        sha=commit["sha"],
        authored_at=commit.get("authoredDate"),
        committed_at=commit.get("committedDate"),
        author=account(commit.get("author")) or written_as or None,
    )


def review(payload: Mapping[str, Any]) -> Review:
    """A comment, or the note that GitLab writes of an approval; one that was taken back keeps its time."""
    note = payload["note"]
    verdict: Verdict = "commented"
    if note.get("system"):
        verdict = "approved" if _says(note, APPROVED) else "changes_requested"
    return Review(
        ext_id=number_of(note),
        url=note.get("url"),
        change=payload["change"],
        reviewer=account(note.get("author")),
        verdict="dismissed" if payload.get("is_withdrawn") else verdict,
        submitted_at=note["createdAt"],
    )


def is_review(note: Mapping[str, Any]) -> bool:
    """Whether a note says something of the request, beside what GitLab keeps a record of."""
    return not note.get("system") or _says(note, APPROVED, REQUESTED)


def is_event(note: Mapping[str, Any]) -> bool:
    """Whether a note tells of something in a request's life that a Change holds."""
    return _says(note, READY, QUEUED)


def is_withdrawn(note: Mapping[str, Any], notes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an approval was taken back by who gave it; `notes` are all of its request."""
    return _says(note, APPROVED) and any(
        _says(one, UNAPPROVED)
        and account(one.get("author")) == account(note.get("author"))
        and int(number_of(one)) > int(number_of(note))
        for one in notes
    )


def _says(note: Mapping[str, Any], *kinds: re.Pattern[str]) -> bool:
    """Whether GitLab itself tells one of these in a note."""
    return bool(note.get("system")) and any(kind.match(note.get("body") or "") for kind in kinds)
