"""The command line: verbs parse, call and print. Results go to stdout, everything else to stderr.

Exit codes: 0 all well; 1 something failed and the message says what; 2 the command was not understood;
130 interrupted.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from dxmetrics.cli import copies, pushing, reading, reports, running, surveys, tokens, verbs
from dxmetrics.cli.application import app
from dxmetrics.errors import DxError

__all__ = ["app", "copies", "main", "pushing", "reading", "reports", "run", "running", "surveys", "tokens", "verbs"]

INTERRUPTED = 130  # the exit code of a command ended by Ctrl-C


def main() -> None:
    """Run the command of this process and end it with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. A failure is one message on stderr, never a traceback."""
    try:
        app(list(arguments), prog_name="dxmetrics")
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            sys.stderr.write("dxmetrics: interrupted: what was done is kept, run it again to go on\n")
        return ended.code if isinstance(ended.code, int) else 1
    except DxError as error:
        sys.stderr.write(f"dxmetrics: {error}\n")
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; there is nobody to tell
        return 1
    except Exception as error:
        sys.stderr.write(
            f"dxmetrics: unexpected {type(error).__name__}: {error}\n"
            f"this is a mistake in dxmetrics: please report it with {_traceback_file(error)}\n"
        )
        return 1
    return 0


def _traceback_file(error: Exception) -> Path:
    with tempfile.NamedTemporaryFile("w", prefix="dxmetrics-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.writelines(traceback.format_exception(error))
        return Path(file.name)
