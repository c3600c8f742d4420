"""What commit messages say: the request that was merged, reverts, cherry-picks, co-authors, assistance."""

from __future__ import annotations

import re
from typing import NamedTuple

SQUASHED = re.compile(r"\((?:pull request )?[#!](\d+)\)\s*$")
SEE_REQUEST = re.compile(r"^See merge request \S*!(\d+)\s*$", re.MULTILINE)
MERGED_BRANCH = re.compile(r"^Merge (?:remote-tracking )?branch '([^']+)'")
# Subjects the hosts and merge robots write. Groups: n number, b source branch, t title.
WRITTEN_BY_HOSTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^Merge pull request #(?P<n>\d+) from (?:[^/\s]+/)?(?P<b>\S+)",  # GitHub
        r"^Merge pull request '(?P<t>.*)' \(#(?P<n>\d+)\) from (?P<b>\S+) into ",  # Gitea, Forgejo
        r"^Merged in (?P<b>\S+) \(pull request #(?P<n>\d+)\)",  # Bitbucket Cloud
        r"^(?:Merge p|P)ull request #(?P<n>\d+): (?P<t>.*)",  # Bitbucket Data Center
        r"^Merged PR (?P<n>\d+): (?P<t>.*)",  # Azure DevOps
        r"^Auto merge of #(?P<n>\d+) - ",  # homu, bors
        r"^Merge #(?P<n>\d+)(?:[ :]|$)",  # bors-ng
    )
)

REVERTS = re.compile(r'^(?:\[[^\]]*\]\s*)?(?:Revert "|revert(?:\([^)]*\))?!?: )')
REAPPLIES = re.compile(r'^(?:\[[^\]]*\]\s*)?(?:Reapply "|Revert "(?:Revert|Reapply) ")')
REVERTED_SHA = re.compile(r"^\W*This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)
REVERTED_REQUEST = re.compile(r"^Reverts (?:[\w.-]+(?:/[\w.-]+)+)?[#!](\d+)\s*$", re.MULTILINE)
REVERTED_TITLE = re.compile(r'Revert "(.*)"')

PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{40,64})\)")
CO_AUTHOR = re.compile(r"^\s*co-authored-by:\s*(.*?)\s*<([^<>\s]+)>", re.IGNORECASE | re.MULTILINE)
ASSISTED = re.compile(r"^\s*(?:assisted|generated)-by:\s*\S", re.IGNORECASE | re.MULTILINE)


class Request(NamedTuple):
    """The pull or merge request a commit on the base branch names."""

    number: int
    title: str
    branch: str | None
    is_suffix: bool  # only `(#N)` at the subject's end, which may also name an issue


class Revert(NamedTuple):
    """What a message says it takes back; shas may be abbreviated, requests are numbers."""

    is_subject: bool
    is_reapply: bool
    shas: tuple[str, ...]
    requests: tuple[int, ...]


def subject_of(message: str) -> str:
    """The first paragraph as one line, as git's own `%s`."""
    first, _, _ = message.lstrip("\n").partition("\n\n")
    return " ".join(first.split("\n")).strip() if "\n" in first else first.strip()


def title_in_body(message: str) -> str | None:
    """The first line below the subject, where hosts put the request's title."""
    _, _, body = message.lstrip("\n").partition("\n\n")
    return next((line.strip() for line in body.split("\n") if line.strip()), None)


def request_of(subject: str, message: str) -> Request | None:
    """The request a commit on the base branch carries, or None for a direct push."""
    if subject.startswith(("Merge", "Pull request #", "Auto merge")):
        for pattern in WRITTEN_BY_HOSTS:
            if matched := pattern.match(subject):
                groups = matched.groupdict()
                title = groups.get("t") or title_in_body(message) or subject
                return Request(int(matched["n"]), title, groups.get("b"), is_suffix=False)
    if "See merge request" in message and (matched := SEE_REQUEST.search(message)):
        merged = MERGED_BRANCH.match(subject)
        title = (title_in_body(message) or subject) if merged else subject
        return Request(int(matched[1]), title, merged[1] if merged else None, is_suffix=False)
    if matched := SQUASHED.search(subject):
        title = SQUASHED.sub("", subject).strip() or subject
        return Request(int(matched[1]), title, None, is_suffix=True)
    return None


def merged_branch(subject: str) -> str | None:
    """The branch a merge without a request brought in."""
    matched = MERGED_BRANCH.match(subject)
    return matched[1] if matched else None


def revert_of(subject: str, message: str) -> Revert | None:
    """What a commit takes back, by its subject or its body; None: nothing."""
    is_subject = bool(REVERTS.match(subject))
    is_reapply = bool(REAPPLIES.match(subject))
    shas = tuple(REVERTED_SHA.findall(message)) if "This reverts commit" in message else ()
    requests = tuple(map(int, REVERTED_REQUEST.findall(message))) if "\nReverts " in message else ()
    if not (is_subject or is_reapply or shas or requests):
        return None
    if is_subject and (quoted := REVERTED_TITLE.search(subject)) and (number := SQUASHED.search(quoted[1])):
        requests = (*requests, int(number[1]))
    return Revert(is_subject, is_reapply, shas, requests)


def picked_from(message: str) -> str | None:
    """The sha of the original, where a commit says it was cherry-picked; of several the first, which is the oldest."""
    if "(cherry picked from commit" not in message:
        return None
    matched = PICKED.search(message)
    return matched[1] if matched else None


def co_authors(message: str) -> tuple[tuple[str, str], ...]:
    """Name and address of each co-author trailer, in the order written."""
    return tuple(dict.fromkeys(CO_AUTHOR.findall(message))) if "uthored-" in message else ()


def names_assistant(message: str) -> bool:
    """Whether an `Assisted-by` or `Generated-by` trailer stands in the message."""
    return ("ssisted-" in message or "enerated-" in message) and bool(ASSISTED.search(message))
