"""What git's words mean where it fails: the kind of failure, and what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from dxmetrics.errors import AuthError, CollectError, NotFoundError, RetryableError

from .location import host_of

if TYPE_CHECKING:
    from pathlib import Path

    from .access import Access

EXCERPT = 300
DEFAULT_PORTS = {"http": 80, "https": 443}

REFUSED = re.compile(
    r"authentication failed|could not read (?:username|password)|terminal prompts disabled|http basic: access denied"
    r"|permission denied \(|error: 401\b|invalid (?:username|credentials)|host key verification failed",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"error: 403\b", re.IGNORECASE)
ABSENT = re.compile(
    r"not found|does not exist|not appear to be a git repository|no such (?:file|device)|repository unavailable"
    r"|access denied or repository not exported|not valid: is this a git repository",
    re.IGNORECASE,
)
UNTRUSTED = re.compile(r"certificate|\bCA ?(?:cert|file)|self[- ]signed", re.IGNORECASE)
PASSING = re.compile(
    r"could not resolve|timed? ?out|connection (?:refused|reset)|unable to (?:access|connect)|failed to connect"
    r"|early eof|rpc failed|hung up|error: (?:429|5\d\d)|network is unreachable|temporary failure|operation too slow",
    re.IGNORECASE,
)
DISK = re.compile(
    r"no space left|disk quota|read-only file system|insufficient permission|(?:creat|mkdir|writ).*permission denied",
    re.IGNORECASE,
)
DAMAGED = re.compile(
    r"object file .* is empty|packfile .* (?:cannot|is far too|does not)|loose object .* is corrupt"
    r"|inflate: data stream|bad object|did not send all necessary objects|unresolved deltas|not a git repository: '?\.",
    re.IGNORECASE,
)
# The host has an object, and hands over only what a ref points at.
WITHHELD = re.compile(r"unadvertised object|not our ref", re.IGNORECASE)
REDIRECTED = re.compile(r"error: 30[12378]\b")
NEW_PLACE = re.compile(r"<= recv header: location: (\S+)$", re.IGNORECASE | re.MULTILINE)
SERVICE = re.compile(r"/info/refs(?:\?.*)?$")


def explained(reply: str, reached: Access, folder: Path) -> CollectError:
    """The failure to mirror an address below `folder` that git replied with, as what the reader can do about it."""
    where, remedy = reached.address, reached.remedy
    said = f"git says: {' '.join(reply.split())[-EXCERPT:]}"
    if DISK.search(reply):
        return CollectError(f"no room or right to write the mirror of {where} below {folder}; {said}")
    if REFUSED.search(reply) and reached.has_token:
        return AuthError(f"{where}: the token was refused: {remedy}; {said}")
    if REFUSED.search(reply) or FORBIDDEN.search(reply) or ABSENT.search(reply):
        return NotFoundError(f"{where} does not exist or may not be read: {remedy}; {said}")
    if UNTRUSTED.search(reply):
        hint = "name the file of your own authority in `ca_file`, where there is none in git's http.sslCAInfo"
        return CollectError(f"the certificate of {host_of(where)} cannot be verified: {hint}; {said}")
    if "corruption on the remote side" in reply:
        hint = "repair it there (git fsck), or set `forge` and no `line_counts`, so that no contents are fetched"
        return CollectError(f"{where} lacks some of its own objects: {hint}; {said}")
    if PASSING.search(reply):
        return RetryableError(f"{where} cannot be reached: it is tried again next run; {said}")
    return CollectError(f"{where} cannot be mirrored; {said}")


def new_address(reply: str, address: str) -> str | None:
    """Where a host redirects to, by the headers in git's trace; None where it does not."""
    if (found := NEW_PLACE.search(reply)) is None:
        return None
    return SERVICE.sub("", urljoin(f"{address}/info/refs", found[1]))


def is_same_host(one: str, other: str) -> bool:
    """Whether what may be told one address may be told the other."""
    return _place(one) == _place(other)


def _place(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
