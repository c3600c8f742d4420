"""The git program: how it is called, what it may read of the machine, and its output as text."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dxmetrics.errors import CollectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

PIPE_BYTES = 1 << 20  # git writes on while what it wrote is being read

# Of the caller's GIT_* variables only those that say how to reach a host are kept: GIT_DIR of a hook or a trace file
# would change what is read or write secrets down.
KEPT_VARIABLES = frozenset({
    "GIT_EXEC_PATH", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
    "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_PROXY_COMMAND", "GIT_PROXY_SSL_CAINFO", "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
})  # fmt: skip
FIXED_VARIABLES = {
    "LC_ALL": "C",  # messages are matched to tell a refused token from a missing host
    "LANGUAGE": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",  # empty: none, not even core.askPass
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}
TRACE = {"GIT_TRACE_CURL": "2", "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}


class GitFailed(CollectError):
    """git ended with an error; `reply` is what it said."""

    def __init__(self, message: str, reply: str) -> None:
        super().__init__(message)
        self.reply = reply


class Git:
    """git in one repository folder, reading nothing of the user's own configuration unless `network` is wanted.

    `has_trace`: a failure's reply tells the headers sent and received, without credentials.
    """

    def __init__(
        self, folder: Path, config: Mapping[str, str] | None = None, *, network: bool = False, has_trace: bool = False
    ) -> None:
        self.folder = folder
        self._program = shutil.which("git")
        self._environment = environment(config or {}, network=network, ceiling=folder.parent)
        if has_trace:
            self._environment |= TRACE

    def run(self, *arguments: str, stdin: str = "", timeout: float | None = None) -> str:
        """What git printed; GitFailed with its reply if it ended with an error or took longer than `timeout`."""
        with tempfile.TemporaryFile() as output:
            with self._started(arguments, stdin, output) as (process, reply):
                try:
                    process.wait(timeout)
                except subprocess.TimeoutExpired as error:
                    message = f"git {arguments[0]} was stopped after {timeout:.0f} seconds"
                    raise GitFailed(message, "timed out") from error
                self._check(process, arguments, reply)
            output.seek(0)
            return text(output.read())

    def records(self, *arguments: str, stdin: str = "") -> Iterator[str]:
        """The NUL-ended records git prints, as they come; GitFailed after the last whole one."""
        with self._started(arguments, stdin, subprocess.PIPE) as (process, reply):
            if process.stdout is None:
                raise CollectError("git was started without a pipe to read from")
            rest = b""
            while block := process.stdout.read(PIPE_BYTES):
                whole, end, rest = (rest + block).rpartition(b"\0")
                if end:
                    yield from text(whole).split("\0")
            process.wait()
            self._check(process, arguments, reply)

    @contextlib.contextmanager
    def _started(
        self, arguments: Sequence[str], stdin: str, stdout: int | IO[bytes]
    ) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
        if self._program is None:
            raise CollectError("the program `git` is not found: install git 2.31 or newer and put it on PATH")
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as reply:
            given.write(stdin.encode())
            given.seek(0)
            command = [self._program, "-C", str(self.folder), *arguments]
            # Its own session: no terminal to prompt on, and one group to end with its transport programs.
            process = subprocess.Popen(  # noqa: S603 - no shell; arguments are ours, urls stand behind `--`
                command, bufsize=0, pipesize=PIPE_BYTES, start_new_session=True,
                stdin=given, stdout=stdout, stderr=reply, env=self._environment,
            )  # fmt: skip
            try:
                yield process, reply
            finally:
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                if process.stdout is not None:
                    process.stdout.close()

    def _check(self, process: subprocess.Popen[bytes], arguments: Sequence[str], reply: IO[bytes]) -> None:
        if process.returncode:
            reply.seek(0)
            said = text(reply.read()).strip()
            last = said.splitlines()[-1] if said else f"exit status {process.returncode}"
            raise GitFailed(f"git {arguments[0]} failed in {self.folder}: {last}", said)


def environment(config: Mapping[str, str], *, network: bool, ceiling: Path) -> dict[str, str]:
    """The variables git runs with; `config` travels in them, so that nothing secret is on a command line."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in KEPT_VARIABLES}
    variables |= FIXED_VARIABLES
    if "http.sslCAInfo" in config:
        variables.pop("GIT_SSL_CAINFO", None)  # it would win over what the source's own settings say
    variables["GIT_CEILING_DIRECTORIES"] = str(ceiling)  # a folder inside a repository is not that repository
    if not network:
        variables |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_NO_LAZY_FETCH": "1"}
    entries = {"safe.directory": "*", "safe.bareRepository": "all", "i18n.logOutputEncoding": "UTF-8", **config}
    variables["GIT_CONFIG_COUNT"] = str(len(entries))
    for number, (key, value) in enumerate(entries.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def text(raw: bytes) -> str:
    """Git's bytes as text; what is not UTF-8 becomes the replacement character."""
    return raw.decode("utf-8", "replace")


def lines_of(values: Iterable[str]) -> str:
    """One value a line, as git's `--stdin` options read them."""
    return "".join(f"{value}\n" for value in values)
