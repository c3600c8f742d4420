"""From requests, their commits and reviews to records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from dxmetrics.records import Change, ChangeCommit, ChangeState, MergeMethod, Review, Verdict

from ..git.messages import revert_of  # noqa: TID252  (mypy knows sources by their folder only)
from .api import instant
from .people import account

VERDICTS: Mapping[str, Verdict] = {
    "APPROVED": "approved", "REQUEST_CHANGES": "changes_requested", "COMMENT": "commented",
}  # fmt: skip
NO_REVIEWS = frozenset({"PENDING", "REQUEST_REVIEW"})
STATES: Mapping[str, ChangeState] = {"open": "open", "closed": "closed"}
# What makes a draft is a word before the title; which words is the administrator's choice, and these are the usual.
DRAFT = re.compile(r"^\s*(?:\[(?:wip|draft)\]|(?:wip|draft):)", re.IGNORECASE)
REVERTS_ELSEWHERE = re.compile(r"^Reverts ([\w.-]+/[\w.-]+)#\d+\s*$", re.MULTILINE)


def change_id(repository: str, number: Any) -> str:
    """A request's id: its number in its repository, which is all that runs and lists of issues tell of it."""
    return f"{repository}/{number}"


def change(payload: Mapping[str, Any]) -> Change:
    """A request; of one that the server cannot tell whole, what its list of issues says."""
    repository, issue = payload["repository"], payload["issue"]
    pull = payload.get("pull") or {}
    row: Mapping[str, Any] = {**issue, **(issue.get("pull_request") or {}), **pull}
    commits = payload.get("commits")
    is_draft = _is_draft(row)
    is_revert, reverts = _reverted(row)
    opened_at = datetime.fromisoformat(row["created_at"])
    merged_at = instant(row.get("merged_at"))
    base, head = row.get("base") or {}, row.get("head") or {}
    return Change(
        ext_id=change_id(repository, row["number"]),
        url=row.get("html_url"),
        updated_at=instant(row.get("updated_at")),
        repository=repository,
        number=row["number"],
        title=row.get("title") or "",
        state="merged" if row.get("merged") or merged_at else STATES.get(row.get("state") or "", "unknown"),
        is_draft=is_draft,
        author=None if issue.get("original_author") else account(row.get("user")),
        merged_by=account(row.get("merged_by")),
        opened_at=opened_at,
        ready_at=None if is_draft else _ready_at(payload.get("titles") or ()),
        merged_at=merged_at,
        closed_at=instant(row.get("closed_at")),
        first_commit_at=_first_commit_at(commits, opened_at),
        base_branch=base.get("ref"),
        head_branch=_branch(head),
        head_sha=head.get("sha") or None,
        merge_sha=row.get("merge_commit_sha") or None,
        merge_method=_merge_method(row, head),
        is_revert=is_revert,
        reverts=reverts,
        lines_added=row.get("additions"),
        lines_deleted=row.get("deletions"),
        files_changed=row.get("changed_files"),
        commits_count=None if commits is None else len(commits),
        labels=tuple(label["name"] for label in row.get("labels") or ()),
    )


def _is_draft(row: Mapping[str, Any]) -> bool:
    """Whether it is a draft, as the server says, or its title where an old one does not."""
    return bool(row["draft"]) if row.get("draft") is not None else bool(DRAFT.match(row.get("title") or ""))


def _ready_at(titles: Any) -> datetime | None:
    """When the title lost the word that makes a draft, the last time; None: it never had it."""
    times = [one["at"] for one in titles if DRAFT.match(one["old"] or "") and not DRAFT.match(one["new"] or "")]
    return max(filter(None, map(instant, times)), default=None)


def _first_commit_at(commits: Any, opened_at: datetime) -> datetime | None:
    """The earliest author date of its commits, which a rebase keeps; none that is later than its opening."""
    times = [found for one in commits or () if (found := instant(one.get("authored_at")))]
    return min([*times, opened_at]) if times else None


def _branch(head: Mapping[str, Any]) -> str | None:
    """The branch it comes from, also where that is gone."""
    return head.get("label") or head.get("ref") or None


def _merge_method(row: Mapping[str, Any], head: Mapping[str, Any]) -> MergeMethod:
    """As far as the commit tells: merging without a commit of its own keeps the last one of the request."""
    merged = row.get("merge_commit_sha")
    return "fast_forward" if merged and merged == head.get("sha") else "unknown"


def _reverted(row: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Whether it takes something back, and the `#number` or the commit it names; one of another repository is none."""
    title = row.get("title") or ""
    parts = urlsplit(row.get("html_url") or "").path.split("/")
    home = "/".join(parts[-4:-2]).lower()
    body = REVERTS_ELSEWHERE.sub(
        lambda found: found[0] if found[1].lower() == home or not home else "",
        (row.get("body") or "").replace("\r", ""),
    )
    said = revert_of(title, f"{title}\n\n{body}")
    if said is None:
        return False, None
    named = [f"#{number}" for number in said.requests] + list(said.shas)
    return said.is_subject or bool(named), named[0] if named and not said.is_reapply else None


def change_commit(payload: Mapping[str, Any]) -> ChangeCommit:
    """A commit of a request, as listed now; its author is the account, or the address where none has it."""
    row = payload["commit"]
    told = row.get("commit") or {}
    author, committer = told.get("author") or {}, told.get("committer") or {}
    return ChangeCommit(
        ext_id=f"{payload['change']}/{row['sha']}",
        change=payload["change"],
        sha=row["sha"],
        authored_at=instant(author.get("date")),
        committed_at=instant(committer.get("date")),
        author=account(row.get("author")) or (author.get("email") or author.get("name") or "").strip().lower() or None,
    )


def is_review(row: Mapping[str, Any]) -> bool:
    """Whether it was submitted: what is still being written, or only asked for, is in the same list."""
    return row.get("state") not in NO_REVIEWS and instant(row.get("submitted_at")) is not None


def review(payload: Mapping[str, Any]) -> Review:
    """A submitted review; of one that was dismissed the server still tells what it had said, which counts no more."""
    row = payload["review"]
    return Review(
        ext_id=str(row["id"]),
        url=row.get("html_url"),
        updated_at=instant(row.get("updated_at")),
        change=payload["change"],
        reviewer=account(row.get("user")),
        verdict="dismissed" if row.get("dismissed") else VERDICTS.get(row.get("state") or "", "unknown"),
        submitted_at=row["submitted_at"],
        comments=row.get("comments_count"),
    )
