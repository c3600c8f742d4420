"""Copies of files: whole and on the disk, or not at all."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PARTIAL = ".partial"  # the suffix of a copy that is not whole yet


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file that nobody writes meanwhile. OSError: there is no `target` then."""
    partial = target.with_suffix(PARTIAL)
    try:
        shutil.copyfile(source, partial)
        sync(partial)
        partial.replace(target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync(target.parent)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
