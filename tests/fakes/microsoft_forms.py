"""Exports as Microsoft Forms makes them: who answered beside what was answered, and a workbook with its oddities.

The size that the sheet states is that of its first cell, there is no default style, of which openpyxl warns, and titles
end with a hard space.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook

SECRETS = ("ada@example.com", "Ada Lovelace", "grace@example.com", "Grace Hopper")
ENGLISH = ("ID", "Start time", "Completion time", "Email", "Name")
GERMAN = ("ID", "Startzeit", "Fertigstellungszeit", "E-Mail", "Name")
DIMENSION = re.compile(rb'<dimension ref="[^"]*"')
STYLES = re.compile(rb"<cellStyles.*?</cellStyles>", re.DOTALL)

Cell = str | float | datetime | None


def response(key: int, at: datetime, *answers: Cell) -> tuple[Cell, ...]:
    """A line of an export: somebody began at nine and handed in at this time."""
    mail, name = SECRETS[:2] if key % 2 else SECRETS[2:]
    return (key, at.replace(hour=9, minute=0), at, mail, name, *answers)


def export(path: Path, questions: Sequence[str], *lines: Iterable[Cell], own: Sequence[str] = ENGLISH) -> None:
    """Write a workbook as Forms does, later than all files beside it."""
    write(path, ([*own, *(f"{one}\xa0" for one in questions)], *lines))


def write(path: Path, lines: Iterable[Iterable[Cell]], *others: str) -> None:
    """Write a workbook with these lines on its first sheet, and other sheets after it."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Form1"
    for line in lines:
        sheet.append(list(line))
    for other in others:
        book.create_sheet(other)
    draft = path.with_name(f".{path.name}.draft")
    book.save(draft)
    with zipfile.ZipFile(draft) as plain, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as odd:
        for name in plain.namelist():
            content = DIMENSION.sub(b'<dimension ref="A1"', plain.read(name))
            odd.writestr(name, STYLES.sub(b"", content))
    draft.unlink()
    touch(path)


def touch(path: Path) -> None:
    """Make it later than all files beside it, whatever the file system's resolution."""
    stamp = max(other.stat().st_mtime_ns for other in path.parent.iterdir()) + 10**9
    os.utime(path, ns=(stamp, stamp))
