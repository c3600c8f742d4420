"""PDF by Typst: A4, tagged for screen readers, the same bytes for the same document.

The template gets the document as data and draws it; no text of a document is ever read as markup. Letters come from
the fonts beside this file, and from the machine's where those have none: Chinese, Japanese and Korean.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Literal

import typst

from dxmetrics.palette import LIGHT
from dxmetrics.reports.document import Document
from dxmetrics.reports.render import paper
from dxmetrics.reports.render.shown import shown

TEMPLATE = Path(__file__).with_name("templates") / "report.typ"
BAND = "#EEEDFC"  # LIGHT.band on white: paper has no transparency
MOST_ROWS = 30  # of a chart's rows below each other on one page


def pdf(document: Document) -> bytes:
    """The whole document; its creation time is `as_of`."""
    return _compiled(document, "pdf")[0]


def pages(document: Document, resolution: float = 144.0) -> tuple[bytes, ...]:
    """The same pages as PNG pictures."""
    return _compiled(document, "png", resolution)


def _compiled(document: Document, kind: Literal["pdf", "png"], resolution: float | None = None) -> tuple[bytes, ...]:
    inputs = {
        "document": json.dumps(shown(document, paper.svg, MOST_ROWS), ensure_ascii=False),
        "palette": json.dumps(asdict(LIGHT) | {"band": BAND}),
    }
    compiler = typst.Compiler(TEMPLATE, font_paths=_fonts(), sys_inputs=inputs)

    def made(standards: list[typst.PDFStandard]) -> tuple[bytes, ...]:
        file = compiler.compile(
            format=kind, ppi=resolution, pdf_standards=standards, timestamp=document.as_of.replace(microsecond=0)
        )
        return tuple(file) if isinstance(file, list) else (file or b"",)

    try:
        return made(["ua-1"])
    except typst.TypstError:  # a letter that no font here has is an error for PDF/UA; without it, it is a box
        return made([])


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_embedded_fonts=False, font_paths=[str(paper.FONTS)])
