"""Bare mirrors: a copy of every repository that only this program writes.

A url is fetched into its mirror, without file contents where they are not needed. A path is not copied: its mirror
borrows the objects (git's alternates) and holds only refs, written anew each time, so that nothing of the user's is
touched and missing objects are no obstacle. Every step can be killed: refs are replaced in one rename or by git itself,
and what a killed git leaves behind (lock files, half-written packs) is removed by the next run, which holds the lock.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import re
import shutil
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from dxmetrics.errors import AuthError, CollectError, RetryableError

from .command import Git, GitFailed
from .location import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .location import Location

WANTED_REF = re.compile(r"^refs/(?:heads/.+|tags/.+|pull/\d+/head|merge-requests/\d+/head)$")
PULL_REF = re.compile(r"^refs/(?:pull|merge-requests)/(\d+)/head$")
PATTERNS = ("refs/heads/*", "refs/tags/*", "refs/pull/*/head", "refs/merge-requests/*/head")
USUAL_BRANCHES = ("main", "master", "trunk", "develop")
LOCK_WAIT_SECONDS = 30
SHA1_LENGTH = 40
WITHOUT_CONTENTS = {"remote.origin.promisor": "true", "remote.origin.partialCloneFilter": "blob:none"}

REFUSED = re.compile(
    r"authentication failed|could not read (?:username|password)|terminal prompts disabled|http basic: access denied"
    r"|permission denied|error: 40[13]\b|invalid (?:username|credentials)|host key verification failed",
    re.IGNORECASE,
)
ABSENT = re.compile(
    r"not found|does not exist|not appear to be a git repository|no such (?:file|device)|repository unavailable"
    r"|access denied or repository not exported",
    re.IGNORECASE,
)
PASSING = re.compile(
    r"could not resolve|timed? ?out|connection (?:refused|reset)|unable to (?:access|connect)|failed to connect"
    r"|early eof|rpc failed|hung up|error: (?:429|5\d\d)|network is unreachable|temporary failure|operation too slow",
    re.IGNORECASE,
)
DISK = re.compile(r"no space left|disk quota|read-only file system", re.IGNORECASE)
DAMAGED = re.compile(
    r"object file .* is empty|packfile .* (?:cannot|is far too|does not)|loose object .* is corrupt"
    r"|inflate: data stream|bad object|did not send all necessary objects|unresolved deltas|not a git repository: '?\.",
    re.IGNORECASE,
)


class Access(NamedTuple):
    """How a host is reached: the configuration git is given in its environment, and the longest it may take."""

    config: dict[str, str]
    has_token: bool
    has_contents: bool
    timeout_seconds: float


class Heads(NamedTuple):
    """What a repository points at: refs by full name, and the branch it calls its own."""

    refs: dict[str, str]
    default_branch: str | None

    @property
    def branches(self) -> dict[str, str]:
        """Shas by branch name."""
        return {k.removeprefix("refs/heads/"): v for k, v in self.refs.items() if k.startswith("refs/heads/")}

    @property
    def pulls(self) -> dict[int, str]:
        """Head shas by number of the pull or merge request."""
        return {int(found[1]): sha for ref, sha in self.refs.items() if (found := PULL_REF.match(ref))}

    @property
    def has_merge_requests(self) -> bool:
        """Whether the host keeps merge requests as GitLab does."""
        return any(ref.startswith("refs/merge-requests/") for ref in self.refs)


def access(
    address: str, token: str | None, username: str | None, *, has_contents: bool, timeout_seconds: float
) -> Access:
    """The access for one address; a token goes to its own host only, as a header that stays in the environment."""
    config = {"http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60", "gc.autoDetach": "false"}
    config["remote.origin.url"] = address
    if not has_contents:
        # Known while fetching only: what reads the mirror later must never fetch missing contents one by one.
        config |= WITHOUT_CONTENTS
    parts = urlsplit(address)
    if token and parts.scheme in {"http", "https"}:
        user = username or ("x-token-auth" if "bitbucket" in (parts.hostname or "") else "x-access-token")
        header = base64.b64encode(f"{user}:{token}".encode()).decode()
        config[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: Basic {header}"
        config["credential.helper"] = ""  # empty: no helper is asked, and none is told
    return Access(config, bool(token), has_contents, timeout_seconds)


class Mirror:
    """The mirror of one repository."""

    def __init__(self, folder: Path, location: Location, reached: Access) -> None:
        self.folder = folder
        self.location = location
        self._access = reached
        self.git = Git(folder)
        self._remote = Git(folder, reached.config, network=True)

    def update(self) -> Heads:
        """Bring the mirror up to date and return what it points at; CollectError says why it could not be."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"cannot write the mirror folder {self.folder}: {error.strerror}; make it writable"
            raise CollectError(message) from error
        with self._locked():
            try:
                return self._update()
            except GitFailed as error:
                if not DAMAGED.search(error.reply) or self.location.path:
                    raise self._explained(error) from error
                shutil.rmtree(self.folder)  # ours alone, and the remote has all of it
                self.folder.mkdir()
            try:
                return self._update()
            except GitFailed as error:
                raise self._explained(error) from error

    def _update(self) -> Heads:
        heads = self._fetch() if self.location.path is None else self._borrow(self.location.path)
        if heads.default_branch:
            self.git.run("symbolic-ref", "HEAD", f"refs/heads/{heads.default_branch}")  # where .mailmap is read
            if self.location.path is None and not self._has_mailmap():
                # A host that leaves contents out but hands none over later: take all of them.
                whole = {key: value for key, value in self._access.config.items() if key not in WITHOUT_CONTENTS}
                self._access = self._access._replace(config=whole, has_contents=True)
                self._remote = Git(self.folder, whole, network=True)
                return self._update()
        return heads

    def _has_mailmap(self) -> bool:
        """Whether the `.mailmap` that is in the history could be read; without contents it is asked for alone."""
        if self._access.has_contents or not self.git.run("ls-tree", "HEAD", "--", ".mailmap"):
            return True
        with contextlib.suppress(GitFailed):
            self._remote.run("cat-file", "-e", "HEAD:.mailmap", timeout=self._access.timeout_seconds)
            return True
        return False

    def _prepare(self, object_format: str) -> None:
        """Make or mend the empty repository, and clear what a killed git left."""
        for left in (*self.folder.rglob("*.lock"), *self.folder.glob("objects/pack/tmp_*")):
            left.unlink(missing_ok=True)
        with contextlib.suppress(GitFailed):
            told = self.git.run("rev-parse", "--is-bare-repository", "--show-object-format")
            if told.split() == ["true", object_format]:
                return
        self._make_anew(object_format)

    def _make_anew(self, object_format: str) -> None:
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        self.git.run("init", "--bare", "--quiet", "--template=", f"--object-format={object_format}", ".")

    def _borrow(self, path: Path) -> Heads:
        """Point at the objects of a local repository and copy its refs."""
        if not path.is_dir():
            raise CollectError(f"{path} is not a folder: correct the path in `repositories`")
        source = Git(path)
        try:
            told = source.run("rev-parse", "--path-format=absolute", "--git-common-dir", "--show-object-format")
        except GitFailed as error:
            message = f"{path} is not a git repository: name a repository's top folder in `repositories`"
            raise CollectError(message) from error
        common, object_format = told.splitlines()
        self._prepare(object_format)
        heads = local_heads(source)
        (self.folder / "objects" / "info").mkdir(parents=True, exist_ok=True)
        replace(self.folder / "objects" / "info" / "alternates", f"{common}/objects\n")
        shallow = self.folder.joinpath("shallow")
        with contextlib.suppress(FileNotFoundError):
            shallow.unlink()
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(f"{common}/shallow", shallow)
        packed = "".join(f"{sha} {ref}\n" for ref, sha in sorted(heads.refs.items()))
        replace(self.folder / "packed-refs", f"# pack-refs with: sorted \n{packed}")
        return heads

    def _fetch(self) -> Heads:
        """Fetch what the remote points at, if that is not what the mirror has."""
        limit = self._access.timeout_seconds
        reply = self._remote.run("ls-remote", "--symref", "origin", "HEAD", *PATTERNS, timeout=limit)
        heads = remote_heads(reply)
        object_format = "sha256" if any(len(sha) > SHA1_LENGTH for sha in heads.refs.values()) else "sha1"
        self._prepare(object_format)
        if self._access.has_contents and any(self.folder.glob("objects/pack/*.promisor")):
            self._make_anew(object_format)  # it was fetched without contents
        is_shallow = (self.folder / "shallow").exists()  # as the remote was: it may have been deepened since
        if is_shallow or heads.refs != self._own_refs():
            refspecs = [f"+{pattern}:{pattern}" for pattern in PATTERNS]
            options = ["--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"]
            options.append("--unshallow" if is_shallow else "--update-shallow")
            self._remote.run("fetch", *options, "origin", *refspecs, timeout=limit)
            self.git.run("pack-refs", "--all", "--prune")
            self._remote.run("gc", "--auto", "--quiet")
            # What arrived counts, not what was announced: a push may have come between.
            heads = Heads(self._own_refs(), heads.default_branch)
        return heads if heads.default_branch in heads.branches else Heads(heads.refs, usual_branch(heads))

    def _own_refs(self) -> dict[str, str]:
        return parse_refs(self.git.run("for-each-ref", "--format=%(objectname) %(refname)"))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the mirror alone; a killed holder lets go by dying."""
        with self.folder.with_suffix(".lock").open("w") as handle:
            deadline = time.monotonic() + LOCK_WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        message = f"another process has been using the mirror {self.folder}: try again when it is done"
                        raise RetryableError(message) from None
                    time.sleep(0.2)
            yield

    def _explained(self, error: GitFailed) -> CollectError:
        """The same failure, as what the reader can do about it."""
        where = self.location.address
        said = " ".join(error.reply.split())[-300:]
        if DISK.search(error.reply):
            return CollectError(f"no room or right to write the mirror of {where} below {self.folder.parent}: {said}")
        if self.location.path is None and REFUSED.search(error.reply):
            if self._access.has_token:
                return AuthError(f"{host_of(where)} refused the token: set a valid `token`; git says: {said}")
            hint = "correct the url, or if it is private set `token` (https) or an ssh key"
            return CollectError(f"{where} does not exist or may not be read: {hint}; git says: {said}")
        if "corruption on the remote side" in error.reply:
            hint = "repair it there (git fsck), or set `forge` and no `line_counts`, so that no contents are fetched"
            return CollectError(f"{where} lacks some of its own objects: {hint}; git says: {said}")
        if ABSENT.search(error.reply):
            return CollectError(f"{where} is not a repository: correct `repositories`; git says: {said}")
        if PASSING.search(error.reply):
            return RetryableError(f"{where} cannot be reached: it is tried again next run; git says: {said}")
        return CollectError(f"{where} cannot be mirrored; git says: {said}")


def local_heads(source: Git) -> Heads:
    """What a local repository points at: of a working folder what it last saw of its origin, else its own branches."""
    refs = parse_refs(source.run("for-each-ref", "--format=%(objectname) %(refname)"), every=True)
    is_bare = source.run("rev-parse", "--is-bare-repository").strip() == "true"
    origin = "refs/remotes/origin/"
    of_origin = {ref: sha for ref, sha in refs.items() if ref.startswith(origin) and ref != f"{origin}HEAD"}
    kept = {ref: sha for ref, sha in refs.items() if WANTED_REF.match(ref)}
    symbolic = "HEAD"
    if of_origin and not is_bare:
        symbolic = f"{origin}HEAD"
        kept = {ref: sha for ref, sha in kept.items() if not ref.startswith("refs/heads/")}
        kept |= {f"refs/heads/{ref.removeprefix(origin)}": sha for ref, sha in of_origin.items()}
    named = None
    with contextlib.suppress(GitFailed):  # HEAD is detached, or the origin's is not known
        found = source.run("symbolic-ref", "--quiet", symbolic).strip()
        named = found.removeprefix(origin).removeprefix("refs/heads/")
    heads = Heads(kept, named)
    if named in heads.branches and (is_bare or symbolic != "HEAD"):
        return heads
    return Heads(kept, usual_branch(heads))  # in a working folder HEAD is whatever is being worked on


def remote_heads(reply: str) -> Heads:
    """What `git ls-remote --symref` answered."""
    found = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", reply, re.MULTILINE)
    return Heads(parse_refs(reply), found[1] if found else None)


def parse_refs(listing: str, *, every: bool = False) -> dict[str, str]:
    """Shas by ref name, of the refs we mirror or of `every` one."""
    pairs = (line.split(maxsplit=1) for line in listing.splitlines() if not line.startswith("ref:"))
    return {ref: sha for sha, ref in pairs if every or (WANTED_REF.match(ref) and not ref.endswith("^{}"))}


def usual_branch(heads: Heads) -> str | None:
    """The default branch where the repository does not say: a usual name, else HEAD's, else the only one."""
    branches = heads.branches
    named = [branch for branch in (*USUAL_BRANCHES, heads.default_branch) if branch in branches]
    if named:
        return named[0]
    return next(iter(branches)) if len(branches) == 1 else None


def replace(path: Path, content: str) -> None:
    """Write a file in one step: whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(content)
    fresh.replace(path)
