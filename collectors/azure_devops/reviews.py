"""Reviews: the votes and comments in the threads of a pull request. A vote itself carries no time, its thread does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dxmetrics.records import Review, Verdict

from .api import Payload, instant, picked
from .people import account, trimmed

VOTES: Mapping[str, Verdict] = {
    "10": "approved", "5": "approved", "-5": "changes_requested", "-10": "changes_requested",
}  # fmt: skip
VOTE, STATUS, DRAFT = "VoteUpdate", "StatusUpdate", "IsDraftUpdate"
NOT_SAID = frozenset({"system", "codechange"})  # what the host itself adds to a thread
EVENT_PROPERTIES = (
    "CodeReviewThreadType", "CodeReviewVoteResult", "CodeReviewVotedByIdentity", "CodeReviewVotedByTfId",
    "CodeReviewStatus", "CodeReviewStatusUpdatedByIdentity", "CodeReviewIsDraftNowSet",
)  # fmt: skip


def stated(thread: Payload, name: str) -> str:
    """A property of a thread, as text; empty where it has none."""
    found = (thread.get("properties") or {}).get(name)
    value = found.get("$value") if isinstance(found, Mapping) else found
    return "" if value is None else str(value)


def kind(thread: Payload) -> str:
    """What the host has noted in a thread; empty where people talk."""
    return stated(thread, "CodeReviewThreadType")


def subject(thread: Payload, name: str) -> Payload | None:
    """The account that a property refers to by its place among the thread's identities."""
    found: Payload | None = (thread.get("identities") or {}).get(stated(thread, name))
    return found


def told(threads: Sequence[Payload], change: str, web: str) -> list[dict[str, Any]]:
    """The Review payloads of a pull request's threads: votes, and comments that are still there."""
    about = {"change": change, "web": web}
    found = []
    for thread in threads:
        if kind(thread) == VOTE and stated(thread, "CodeReviewVoteResult") in VOTES:
            found.append({**about, "thread": event(thread)})
        found += [{**about, "thread": picked(thread, ("id",)), "comment": comment} for comment in _comments(thread)]
    return found


def event(thread: Payload) -> dict[str, Any]:
    """A thread that the host noted something in, without what nobody reads."""
    people = {place: trimmed(ref) for place, ref in (thread.get("identities") or {}).items()}
    first: Payload = next(iter(thread.get("comments") or ()), {})
    return {
        **picked(thread, ("id", "publishedDate")),
        "properties": picked(thread.get("properties") or {}, EVENT_PROPERTIES),
        "identities": {place: ref for place, ref in people.items() if ref},
        "comments": [{"author": trimmed(first.get("author"))}],
    }


def people(payloads: Sequence[Payload]) -> Iterator[Payload | None]:
    """The accounts of those who reviewed."""
    for payload in payloads:
        yield payload["comment"].get("author") if "comment" in payload else voter(payload["thread"])


def voter(thread: Payload) -> Payload | None:
    """Who voted: named apart where the host itself wrote the thread."""
    named = subject(thread, "CodeReviewVotedByIdentity")
    if named is None and (key := stated(thread, "CodeReviewVotedByTfId")):
        return {"id": key}
    return named or next((one.get("author") for one in thread.get("comments") or ()), None)


def _comments(thread: Payload) -> Iterator[dict[str, Any]]:
    if thread.get("isDeleted"):
        return
    for comment in thread.get("comments") or ():
        is_said = str(comment.get("commentType") or "").lower() not in NOT_SAID
        if is_said and not comment.get("isDeleted"):
            kept = picked(comment, ("id", "publishedDate", "commentType"))
            yield {**kept, "author": trimmed(comment.get("author"))}


def review(payload: Mapping[str, Any]) -> Review:
    """A vote or a comment. One that was voted, taken back and voted again is two reviews; taking it back is none."""
    thread, change, comment = payload["thread"], payload["change"], payload.get("comment")
    own = f"{thread['id']}" if comment is None else f"{thread['id']}/{comment['id']}"
    submitted_at = instant((thread if comment is None else comment)["publishedDate"])
    if submitted_at is None:
        raise KeyError("publishedDate")
    return Review(
        ext_id=f"{change}/{own}",
        url=f"{payload['web']}?discussionId={thread['id']}",
        change=change,
        reviewer=account(voter(thread) if comment is None else comment.get("author")),
        verdict="commented" if comment else VOTES.get(stated(thread, "CodeReviewVoteResult"), "unknown"),
        submitted_at=submitted_at,
    )
