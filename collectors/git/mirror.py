"""Bare mirrors: a copy of every repository that only this program writes.

A url is fetched into its mirror, without file contents where they are not needed. A path is not copied: its mirror
borrows the objects (git's alternates) and holds only refs, written anew each time, so that nothing of the user's is
touched and missing objects are no obstacle. Every step can be killed: refs are replaced in one rename or by git itself,
and what a killed git leaves behind (lock files, half-written packs) is removed by the next run, which holds the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
import time
from typing import TYPE_CHECKING, NamedTuple

from dxmetrics.errors import CollectError, NotFoundError, RetryableError

from . import failures, templates
from .command import Git, GitFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .access import Access
    from .location import Location

WANTED_REF = re.compile(r"^refs/(?:heads/.+|tags/.+|pull/\d+/head|merge-requests/\d+/head)$")
PULL_REF = re.compile(r"^refs/(?:pull|merge-requests)/(\d+)/head$")
PATTERNS = ("refs/heads/*", "refs/tags/*", "refs/pull/*/head", "refs/merge-requests/*/head")
USUAL_BRANCHES = ("main", "master", "trunk", "develop")
LOCK_WAIT_SECONDS = 30
SHA1_LENGTH = 40
REDIRECTS_MAX = 5


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


class Mirror:
    """The mirror of one repository."""

    def __init__(self, folder: Path, location: Location, reached: Access) -> None:
        self.folder = folder
        self.location = location
        self.git = Git(folder)
        self._reach(reached)

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
                if not failures.DAMAGED.search(error.reply) or self.location.path:
                    raise failures.explained(error.reply, self._access, self.folder.parent) from error
                shutil.rmtree(self.folder)  # ours alone, and the remote has all of it
                self.folder.mkdir()
            try:
                return self._update()
            except GitFailed as error:
                raise failures.explained(error.reply, self._access, self.folder.parent) from error

    def _reach(self, reached: Access) -> None:
        self._access = reached
        self._remote = Git(self.folder, reached.config, network=True)

    def _update(self) -> Heads:
        heads = self._fetch() if self.location.path is None else self._borrow(self.location.path)
        if heads.default_branch:
            self.git.run("symbolic-ref", "HEAD", f"refs/heads/{heads.default_branch}")  # where .mailmap is read
            if self.location.path is None and not self._has_mailmap():
                self._reach(self._access.with_contents())
                return self._update()
            if self.location.path is None:
                self._ask_for_markers()
        return heads

    def _has_mailmap(self) -> bool:
        """Whether the `.mailmap` that is in the history could be read; without contents it is asked for alone.

        False where the host leaves contents out but hands none over later: all of them are to be fetched then.
        """
        return all(self._has(name) for name in self._without_contents(".mailmap"))

    def _ask_for_markers(self) -> None:
        """Have the files that tell of a template; where a host hands none over they stay out, and that is noted."""
        for name in self._without_contents(*templates.MARKERS):
            if not self._has(name):
                return

    def _without_contents(self, *names: str) -> list[str]:
        """Those of the files that are there, but may have come without their contents."""
        if self._access.has_contents:
            return []
        return self.git.run("ls-tree", "--name-only", "HEAD", "--", *names).splitlines()

    def _has(self, name: str) -> bool:
        """Whether a file's content is there, or handed over now."""
        try:
            self._remote.run("cat-file", "-e", f"HEAD:{name}", timeout=self._access.timeout_seconds)
        except GitFailed as error:
            if failures.WITHHELD.search(error.reply):
                return False
            raise
        return True

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
        heads = remote_heads(self._listing())
        object_format = "sha256" if any(len(sha) > SHA1_LENGTH for sha in heads.refs.values()) else "sha1"
        self._prepare(object_format)
        own = self._own_refs()
        if own and not heads.refs:
            where, hint = self._access.address, f"no row is touched; if it was emptied on purpose, remove {self.folder}"
            raise CollectError(f"{where} lists none of its {len(own)} branches and tags any more: {hint}")
        if self._access.has_contents and any(self.folder.glob("objects/pack/*.promisor")):
            self._make_anew(object_format)  # it was fetched without contents
            own = {}
        is_shallow = (self.folder / "shallow").exists()  # as the remote was: it may have been deepened since
        if is_shallow or heads.refs != own:
            refspecs = [f"+{pattern}:{pattern}" for pattern in PATTERNS]
            options = ["--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"]
            options.append("--unshallow" if is_shallow else "--update-shallow")
            self._remote.run("fetch", *options, "origin", *refspecs, timeout=self._access.timeout_seconds)
            self.git.run("pack-refs", "--all", "--prune")
            self._remote.run("gc", "--auto", "--quiet")
            # What arrived counts, not what was announced: a push may have come between.
            heads = Heads(self._own_refs(), heads.default_branch)
        return heads if heads.default_branch in heads.branches else Heads(heads.refs, usual_branch(heads))

    def _listing(self) -> str:
        """What the remote says it points at. Where a token is sent, redirects are followed here: on its own host."""
        arguments = ("ls-remote", "--symref", "origin", "HEAD", *PATTERNS)
        for _ in range(REDIRECTS_MAX):
            try:
                return self._remote.run(*arguments, timeout=self._access.timeout_seconds)
            except GitFailed as error:
                if not failures.REDIRECTED.search(error.reply):
                    raise
            self._reach(self._access.at(self._new_address(arguments)))
        raise CollectError(f"{self.location.address} redirects more than {REDIRECTS_MAX} times: name where it ends")

    def _new_address(self, arguments: Sequence[str]) -> str:
        """Where the remote redirects to, which git tells only in its trace."""
        old, limit, new = self._access.address, self._access.timeout_seconds, None
        try:
            Git(self.folder, self._access.config, network=True, has_trace=True).run(*arguments, timeout=limit)
        except GitFailed as error:
            new = failures.new_address(error.reply, old)
        if new is None or not failures.is_same_host(old, new):
            where = new.partition("?")[0] if new else "another place"
            raise NotFoundError(f"{old} redirects to {where}, where its token is not sent: {self._access.remedy}")
        return new

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
