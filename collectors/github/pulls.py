"""From pull requests, their commits and reviews to records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from dxmetrics.records import Change, ChangeCommit, ChangeState, Link, MergeMethod, Review, Verdict

from ..git.messages import revert_of  # noqa: TID252  (mypy knows sources by their folder only)
from .api import nodes
from .people import account

STATES: Mapping[str, ChangeState] = {"OPEN": "open", "MERGED": "merged", "CLOSED": "closed"}
VERDICTS: Mapping[str, Verdict] = {
    "APPROVED": "approved", "CHANGES_REQUESTED": "changes_requested", "COMMENTED": "commented",
    "DISMISSED": "dismissed",
}  # fmt: skip
REVERTS_ELSEWHERE = re.compile(r"^Reverts ([\w.-]+/[\w.-]+)#\d+\s*$", re.MULTILINE)


def change(payload: Mapping[str, Any]) -> Change:
    """A pull request. Its first commit counts from when it was written, as its list of commits says."""
    node = payload["pull"]
    is_revert, reverts = _reverted(node)
    return Change(
        ext_id=node["fullDatabaseId"],
        url=node.get("url"),
        updated_at=node.get("updatedAt"),
        repository=payload["repository"],
        number=node.get("number"),
        title=node.get("title") or "",
        state=STATES.get(node.get("state"), "unknown"),
        is_draft=bool(node.get("isDraft")),
        author=account(node.get("author")),
        merged_by=account(node.get("mergedBy")),
        opened_at=node["createdAt"],
        ready_at=_last(node, "ReadyForReviewEvent"),
        queued_at=_last(node, "AddedToMergeQueueEvent"),
        merged_at=node.get("mergedAt"),
        closed_at=node.get("closedAt"),
        first_commit_at=_first_commit(node),
        base_branch=node.get("baseRefName"),
        head_branch=node.get("headRefName"),
        head_sha=node.get("headRefOid"),
        merge_sha=(node.get("mergeCommit") or {}).get("oid"),
        merge_method=_merge_method(node),
        is_revert=is_revert,
        reverts=reverts,
        lines_added=node.get("additions"),
        lines_deleted=node.get("deletions"),
        files_changed=node.get("changedFiles"),
        commits_count=(node.get("commits") or {}).get("totalCount"),
        labels=tuple(one["name"] for one in nodes(node.get("labels"))),
        paths=_paths(node),
    )


def _paths(node: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The files touched; None where they are not all known (GitHub lists 3,000 at most)."""
    files = node.get("files")
    listed = tuple(one["path"] for one in nodes(files))
    return listed if files and len(listed) == files.get("totalCount") else None


def _last(node: Mapping[str, Any], kind: str) -> str | None:
    """When something last happened to a request; None: never."""
    times = [one["createdAt"] for one in nodes(node.get("timelineItems")) if one.get("__typename") == kind]
    return max(times, default=None)


def _first_commit(node: Mapping[str, Any]) -> str | None:
    """The earliest author date of its commits, which a rebase keeps; none that is later than its opening."""
    times = [one["commit"]["authoredDate"] for one in nodes(node.get("commits")) if one["commit"].get("authoredDate")]
    return min([*times, node["createdAt"]], key=datetime.fromisoformat) if times else None


def _merge_method(node: Mapping[str, Any]) -> MergeMethod:
    """How it was merged, from its merge commit; `unknown` where a squash and a rebase look alike."""
    merged = node.get("mergeCommit")
    if not merged:
        return "unknown"
    if merged["oid"] == node.get("headRefOid"):
        return "fast_forward"  # pushed by hand: GitHub itself makes new commits
    if ((merged.get("parents") or {}).get("totalCount") or 0) > 1:
        return "merge"
    headline = merged.get("messageHeadline") or ""
    if headline.endswith(f"(#{node.get('number')})"):
        return "squash"
    written = nodes(node.get("commits"))
    if len(written) > 1:
        return "rebase" if headline == written[-1]["commit"].get("messageHeadline") else "squash"
    return "unknown"


def _reverted(node: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Whether it takes something back, and the `#number` or the commit it names; one of another repository is none."""
    title = node.get("title") or ""
    home = "/".join(urlsplit(node.get("url") or "").path.split("/")[1:3]).lower()
    body = REVERTS_ELSEWHERE.sub(
        lambda found: found[0] if found[1].lower() == home or not home else "",
        (node.get("body") or "").replace("\r", ""),
    )
    said = revert_of(title, f"{title}\n\n{body}")
    if said is None:
        return False, None
    named = [f"#{number}" for number in said.requests] + list(said.shas)
    return said.is_subject or bool(named), named[0] if named and not said.is_reapply else None


def change_commit(payload: Mapping[str, Any]) -> ChangeCommit:
    """A commit of a request, as listed now."""
    commit = payload["commit"]
    author = commit.get("author") or {}
    return ChangeCommit(
        ext_id=f"{payload['change']}/{commit['oid']}",
        change=payload["change"],
        sha=commit["oid"],
        authored_at=commit.get("authoredDate"),
        committed_at=commit.get("committedDate"),
        author=account(author.get("user")) or (author.get("email") or author.get("name") or "").strip().lower() or None,
    )


def review(payload: Mapping[str, Any]) -> Review:
    """A submitted review."""
    node = payload["review"]
    return Review(
        ext_id=node["fullDatabaseId"],
        url=node.get("url"),
        change=payload["change"],
        reviewer=account(node.get("author")),
        verdict=VERDICTS.get(node.get("state"), "unknown"),
        submitted_at=node["submittedAt"],
        comments=(node.get("comments") or {}).get("totalCount"),
    )


def link(payload: Mapping[str, Any]) -> Link:
    """The issue a request closes."""
    return Link(
        ext_id=f"{payload['change']} closes {payload['issue']}",
        from_kind="change",
        from_id=payload["change"],
        relation="closes",
        to_kind="issue",
        to_id=payload["issue"],
        evidence="closing reference",
    )
