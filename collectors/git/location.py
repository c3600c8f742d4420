"""Where a repository is, what it is called, and the addresses of its commits, changes and releases."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

Forge = Literal["github", "gitlab", "bitbucket", "gitea"]

SCP_LIKE = re.compile(r"^(?:(?P<user>[^/@:\s]+)@)?(?P<host>[\w.-]+):(?P<path>[^/\s][^\s]*)$")
FORGE_HOSTS: tuple[tuple[str, Forge], ...] = (
    ("github", "github"), ("gitlab", "gitlab"), ("bitbucket", "bitbucket"),
    ("gitea", "gitea"), ("forgejo", "gitea"), ("codeberg.org", "gitea"),
)  # fmt: skip


class Paths(NamedTuple):
    """The address patterns of one kind of host, below the repository's own address."""

    commit: str
    change: str
    release: str


FORGE_PATHS: dict[Forge, Paths] = {
    "github": Paths("commit/{}", "pull/{}", "releases/tag/{}"),
    "gitlab": Paths("-/commit/{}", "-/merge_requests/{}", "-/tags/{}"),
    "bitbucket": Paths("commits/{}", "pull-requests/{}", "commits/tag/{}"),
    "gitea": Paths("commit/{}", "pulls/{}", "src/tag/{}"),
}


@dataclass(frozen=True)
class Location:
    """One configured repository: the url or the path to read, and the name it goes by."""

    address: str
    path: Path | None
    name: str
    web: str | None

    @property
    def folder_name(self) -> str:
        """A name for the mirror's folder: readable, and different for every address."""
        readable = re.sub(r"[^\w.-]+", "+", self.name).strip("+.") or "repository"
        return f"{readable[-80:]}-{hashlib.sha256(self.address.encode()).hexdigest()[:8]}.git"


@dataclass(frozen=True)
class Web:
    """Addresses for people; None where the host is not known."""

    base: str | None
    paths: Paths | None

    def commit(self, sha: str) -> str | None:
        """The page of one commit."""
        return f"{self.base}/{self.paths.commit.format(sha)}" if self.paths else None

    def change(self, number: int) -> str | None:
        """The page of one pull or merge request."""
        return f"{self.base}/{self.paths.change.format(number)}" if self.paths else None

    def release(self, tag: str) -> str | None:
        """The page of one tag."""
        return f"{self.base}/{self.paths.release.format(quote(tag))}" if self.paths else None


def web_of(location: Location, forge: Forge | None, *, has_merge_requests: bool) -> Web:
    """The addresses of a repository; `forge` None: told from the host's name, else from its merge-request refs."""
    if location.web is None:
        return Web(None, None)
    told = forge_of(location, forge) or ("gitlab" if has_merge_requests else None)
    return Web(location.web, FORGE_PATHS[told] if told else None)


def forge_of(location: Location, forge: Forge | None) -> Forge | None:
    """The kind of host a repository is on: `forge` if it is set, else by the host's name; None: not known."""
    host = urlsplit(location.web).hostname if location.web else None
    return forge or next((kind for part, kind in FORGE_HOSTS if part in (host or "")), None)


def is_url(address: str) -> bool:
    """Whether git would reach over a transport: `scheme://...` or `user@host:path`, not a path that exists."""
    return "://" in address or bool(SCP_LIKE.match(address) and not Path(address).exists())


def host_of(address: str) -> str | None:
    """The host of a url, lower case, without port and user; None for paths and `file://`."""
    if "://" in address:
        return urlsplit(address).hostname
    matched = SCP_LIKE.match(address)
    return matched["host"].lower() if matched else None


def name_of(address: str) -> str:
    """`host/org/name` of a url, the folder's name of a path or of `file://`."""
    host = host_of(address)
    if host is None:
        return folder_name(Path(urlsplit(address).path if "://" in address else address))
    matched = None if "://" in address else SCP_LIKE.match(address)
    path = matched["path"] if matched else urlsplit(address).path
    return f"{host}/{path.strip('/').removesuffix('.git')}".rstrip("/")


def web_address(address: str) -> str | None:
    """The https address people open, of a url; None for paths."""
    if host_of(address) is None:
        return None
    parts = urlsplit(address) if "://" in address else None
    port = f":{parts.port}" if parts and parts.port and parts.scheme in {"http", "https"} else ""
    scheme = "http" if parts and parts.scheme == "http" else "https"
    host, _, path = name_of(address).partition("/")
    return f"{scheme}://{host}{port}/{path}"


def folder_name(path: Path) -> str:
    """The name of a repository's folder: `loki` of `/srv/loki.git` and of `/srv/loki/.git`."""
    whole = path.parent if path.name == ".git" else path
    return whole.name.removesuffix(".git") or "repository"


def locate(address: str, origin: str | None, base: Path) -> Location:
    """The location of a configured address; `origin` is the url a local repository was cloned from, if it has one."""
    if is_url(address):
        return Location(address, None, name_of(address), web_address(address))
    path = (base / Path(address).expanduser()).resolve()
    named = origin if origin and host_of(origin) else None
    return Location(str(path), path, name_of(named or str(path)), web_address(named) if named else None)
