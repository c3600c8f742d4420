"""What vendors publish on npm for tests to hold us to; without npm or its registry such a test is skipped."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

MOST_SECONDS = 120


def unpacked(package: str, folder: Path) -> Path:
    """The newest version of a package, unpacked below `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, which fetches {package}")
    try:
        packed = subprocess.run(
            [npm, "pack", package, "--silent", "--pack-destination", str(folder)],
            cwd=folder, capture_output=True, text=True, check=True, timeout=MOST_SECONDS,
        )  # fmt: skip
    except subprocess.SubprocessError as error:
        pytest.skip(f"npm cannot fetch {package}: {error}")
    archive = folder / packed.stdout.split()[-1]
    target = folder / archive.stem
    with tarfile.open(archive) as opened:
        opened.extractall(target, filter="data")
    return target / "package"
