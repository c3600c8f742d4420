"""Rendering: one document as paper, slides, sheets, a page, text or data; and as the mail that brings it.

Every format shows the numbers of the document and no others; the same document always gives the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from dxmetrics.errors import SettingsError
from dxmetrics.reports.document import PREVIEW, Document
from dxmetrics.reports.render.mail import Letter, letter

__all__ = ["FORMATS", "Format", "Letter", "file_name", "letter", "render"]

OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True)
class Format:
    """A kind of file; `title` is what a person calls it."""

    name: str
    suffix: str
    media_type: str
    title: str


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "pdf": Format("pdf", ".pdf", "application/pdf", "PDF"),
        "pptx": Format("pptx", ".pptx", f"{OFFICE}.presentationml.presentation", "PowerPoint"),
        "xlsx": Format("xlsx", ".xlsx", f"{OFFICE}.spreadsheetml.sheet", "Excel"),
        "html": Format("html", ".html", "text/html; charset=utf-8", "HTML"),
        "md": Format("md", ".md", "text/markdown; charset=utf-8", "Markdown"),
        "csv": Format("csv", ".csv", "text/csv; charset=utf-8", "CSV"),
        "parquet": Format("parquet", ".parquet", "application/vnd.apache.parquet", "Parquet"),
    }
)
# Modules here, each with a function called like the format. They are imported when they are used first: no command
# that renders nothing waits for their libraries.
_WRITERS = {
    "pdf": "pdf",
    "pptx": "slides",
    "xlsx": "sheets",
    "html": "web",
    "md": "prose",
    "csv": "tidy",
    "parquet": "tidy",
}


def render(document: Document, format_name: str) -> bytes:
    """The whole document in one file of that format. SettingsError: there is no such format."""
    if format_name not in FORMATS:
        raise SettingsError(f'format "{format_name}" is not known: use {", ".join(FORMATS)}')
    write = getattr(import_module(f"{__name__}.{_WRITERS[format_name]}"), format_name)
    file: bytes = write(document)
    return file


def file_name(document: Document, format_name: str) -> str:
    """What the file is called: "monthly-delivery-payments-2026-10.pdf"; editions after the first one say which."""
    stem = f"{document.report}-{PREVIEW}" if document.id == PREVIEW else document.id
    edition = f"-edition-{document.edition}" if document.edition > 1 else ""
    return f"{stem}{edition}{FORMATS[format_name].suffix}"
