"""One HTML file that needs nothing else: style, letters and drawings are in it, and no script.

It follows the reader's choice of light or dark, fits a phone, and prints on A4.
"""

from __future__ import annotations

import base64
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dxmetrics.palette import DARK, LIGHT, Tokens
from dxmetrics.reports.document import Chart, Document
from dxmetrics.reports.render import paper
from dxmetrics.reports.render.shown import shown

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).with_name("templates")
MOST_ROWS = 400  # of a chart's rows below each other: a page in a browser has no end
WIDE, HIGH, WIDE_LETTER = 860, 260, 12.0
NARROW, LOW, NARROW_LETTER = 326, 190, 11.0


def html(document: Document) -> bytes:
    """The whole document as one page, in UTF-8."""
    page = template("report.html").render(report=shown(document, _drawings, MOST_ROWS), style=_style())
    return page.encode()


def _drawings(chart: Chart) -> dict[str, str]:
    """The chart for a desk and for a phone: one that is scaled has letters too large or too small."""
    return {
        "wide": paper.svg(chart, WIDE, HIGH if paper.is_over_time(chart) else None, WIDE_LETTER),
        "narrow": paper.svg(chart, NARROW, LOW if paper.is_over_time(chart) else None, NARROW_LETTER),
    }


@cache
def template(name: str) -> Template:
    """A template that escapes whatever it is given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


@cache
def _style() -> str:
    """The style sheet, with our letters and both palettes. Drawings are light; rules repaint them in the dark."""
    letters = base64.b64encode((paper.FONTS / "Inter-web.woff2").read_bytes()).decode()
    names = [field.name for field in fields(Tokens) if field.name != "name"]
    repainted = {str(getattr(LIGHT, name)): str(getattr(DARK, name)) for name in names}
    rules = "".join(
        f'.drawing [{what}="{light}"]{{{what}:{dark}}}'
        for light, dark in repainted.items()
        for what in ("fill", "stroke")
    )
    return (
        f"@font-face{{font-family:Inter;font-weight:400 650;src:url(data:font/woff2;base64,{letters}) format('woff2')}}"
        f":root{{color-scheme:light dark;{_variables(LIGHT, names)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK, names)}}}{rules}}}\n"
        + (TEMPLATES / "report.css").read_text(encoding="utf-8")
    )


def _variables(colour: Tokens, names: list[str]) -> str:
    return "".join(f"--{name}:{getattr(colour, name)};" for name in names)
