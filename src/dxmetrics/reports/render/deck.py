"""The look of slides: a wide deck in our colours, and what stands on a slide, all of it native and editable.

Import it where slides are made only: the library behind it takes a quarter of a second to load.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE, PP_PLACEHOLDER
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches, Pt

from dxmetrics.palette import LIGHT

if TYPE_CHECKING:
    from pptx.presentation import Presentation as Slides
    from pptx.shapes.base import BaseShape
    from pptx.slide import Slide, SlideLayout
    from pptx.text.text import TextFrame

FACE = "Arial"  # every machine that shows slides has it
WIDTH, HEIGHT, SIDE = 13.333, 7.5, 0.6  # inches
ROOM = WIDTH - 2 * SIDE
TOP, BOTTOM = 1.95, 6.75  # of what stands below the title
TITLE_LINE, MESSAGE_LINE = 72, 125  # letters of a title, and of what is below it, in one line
COVER, LIST, FREE = 0, 1, 5  # the layouts that are kept
THEME = {
    "dk1": LIGHT.ink,
    "lt1": LIGHT.card,
    "dk2": LIGHT.muted,
    "lt2": LIGHT.page,
    "accent1": LIGHT.accent,
    "accent2": LIGHT.bars,
    "accent3": LIGHT.good,
    "accent4": LIGHT.bad,
    "accent5": LIGHT.coding,
    "accent6": LIGHT.review,
    "hlink": LIGHT.accent,
    "folHlink": LIGHT.muted,
}
PLAIN_TABLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # PowerPoint's "No Style, No Grid"
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f]")  # XML has no place for them
EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a file in a zip


@dataclass(frozen=True)
class Run:
    """Words in one look; `size` in points."""

    text: str
    size: float = 14
    colour: str = LIGHT.ink
    is_bold: bool = False


Paragraph = Sequence[Run]


class Deck:
    """Slides being made. `footer` stands at the bottom of each, beside its number."""

    def __init__(self, footer: str) -> None:
        self._slides: Slides = Presentation()
        self._footer = footer
        self._slides.slide_width, self._slides.slide_height = Inches(WIDTH), Inches(HEIGHT)
        self._layouts = {place: self._slides.slide_layouts[place] for place in (COVER, LIST, FREE)}
        for layout in list(self._slides.slide_layouts):
            if layout not in self._layouts.values():
                self._slides.slide_layouts.remove(layout)
        self._dress()

    def cover(self, title: str, below: Sequence[Paragraph]) -> None:
        """The first slide."""
        slide = self._slides.slides.add_slide(self._layouts[COVER])
        _told(slide.shapes.title).text = title
        fill(_told(slide.placeholders[1]), below)
        self._number(slide)

    def slide(self, kicker: str, title: str, message: str | None = None, points: Sequence[Paragraph] = ()) -> Slide:
        """A slide with a small line above its title and one below it; `points` is a list that fills the slide."""
        slide = self._slides.slides.add_slide(self._layouts[LIST if points else FREE])
        _told(slide.shapes.title).text = title
        if len(title) > 2 * TITLE_LINE:
            _told(slide.shapes.title).paragraphs[0].runs[0].font.size = Pt(16)
        text(slide, (SIDE, 0.36, ROOM, 0.3), [[Run(kicker, 12, LIGHT.accent, is_bold=True)]])
        if message:
            top = 1.16 if len(title) <= TITLE_LINE else 1.5
            size = 14 if len(message) <= MESSAGE_LINE else 11
            text(slide, (SIDE, top, ROOM, 0.45), [[Run(message, size, LIGHT.muted)]])
        if points:
            fill(_told(slide.placeholders[1]), points)
        self._number(slide)
        return slide

    def saved(self, title: str, subject: str, author: str, created: datetime) -> bytes:
        """The file, the same for the same slides: nothing in it says when it was written."""
        about = self._slides.core_properties
        about.title, about.subject, about.author, about.last_modified_by = title, subject, author, "dxmetrics"
        about.created = about.modified = created.replace(tzinfo=None)
        about.revision = 1
        file = io.BytesIO()
        self._slides.save(file)
        return _settled(file.getvalue(), created)

    def _dress(self) -> None:
        """Our colours and letters, in the master: what somebody adds to the slides looks like the rest."""
        master = self._slides.slide_master
        theme = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
        theme.blob = _themed(theme.blob)
        for placeholder in (
            *master.placeholders,
            *(one for kept in self._layouts.values() for one in kept.placeholders),
        ):
            _place(placeholder)
        for name, size, bold in (("titleStyle", 2400, "1"), ("bodyStyle", 1600, "0")):
            first = master.element.xpath(f"./p:txStyles/p:{name}/a:lvl1pPr")[0]
            first.set("algn", "l")
            first.find(qn("a:defRPr")).set("sz", str(size))
            first.find(qn("a:defRPr")).set("b", bold)
        cover = self._layouts[COVER]
        _sized(cover, PP_PLACEHOLDER.CENTER_TITLE, 4000)
        _sized(cover, PP_PLACEHOLDER.SUBTITLE, 1600)

    def _number(self, slide: Slide) -> None:
        """The footer and the slide's number, as placeholders: PowerPoint counts on when slides are moved."""
        for placeholder in slide.slide_layout.placeholders:
            kind = placeholder.placeholder_format.type
            if kind in (PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER):
                copied = deepcopy(placeholder.element)
                copied.xpath("./*/p:cNvPr")[0].set("id", str(1 + max(map(int, slide.element.xpath("//p:cNvPr/@id")))))
                slide.shapes.element.append(copied)
        for placeholder in slide.placeholders:
            if placeholder.placeholder_format.type == PP_PLACEHOLDER.FOOTER:
                _told(placeholder).text = self._footer


def text(slide: Slide, box: tuple[float, float, float, float], paragraphs: Sequence[Paragraph]) -> TextFrame:
    """A text box at (left, top, width, height) in inches."""
    frame = slide.shapes.add_textbox(*map(Inches, box)).text_frame
    fill(frame, paragraphs)
    return frame


def card(slide: Slide, box: tuple[float, float, float, float], paragraphs: Sequence[Paragraph]) -> None:
    """A rounded frame with text in it."""
    shape = slide.shapes.add_shape(MSO_SHAPE.ROUNDED_RECTANGLE, *map(Inches, box))
    shape.adjustments[0] = 0.05
    shape.shadow.inherit = False
    shape.fill.background()
    shape.line.color.rgb, shape.line.width = colour(LIGHT.grid), Pt(1)
    shape.text_frame.vertical_anchor = MSO_ANCHOR.TOP
    fill(shape.text_frame, paragraphs)


def table(
    slide: Slide,
    widths: Sequence[float],
    rows: Sequence[Sequence[Run]],
    heights: Sequence[float],
    right: Sequence[int],
) -> None:
    """A native table; the first row is its header, `right` are the columns of numbers. Sizes in inches."""
    box = map(Inches, (SIDE, TOP, sum(widths), sum(heights)))
    frame = slide.shapes.add_table(1, len(widths), *box)
    for column, width in zip(frame.table.columns, widths, strict=True):
        column.width = Inches(width)
    made = frame.element.xpath(".//a:tbl")[0]
    made.tblPr.attrib.pop("bandRow")
    made.tblPr.find(qn("a:tableStyleId")).text = PLAIN_TABLE
    made.remove(made.tr_lst[0])
    for place, (row, height) in enumerate(zip(rows, heights, strict=True)):
        cells = "".join(_cell(run, column in right, place == 0) for column, run in enumerate(row))
        made.append(parse_xml(f'<a:tr {nsdecls("a")} h="{Inches(height)}">{cells}</a:tr>'))


def fill(frame: TextFrame, paragraphs: Sequence[Paragraph]) -> None:
    """Write paragraphs into an empty frame."""
    frame.word_wrap = True
    for place, runs in enumerate(paragraphs):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.LEFT
        for run in runs:
            _run(paragraph.add_run(), run)


def described(shape: BaseShape, words: str) -> None:
    """Say what a chart shows to who cannot see it."""
    shape.element.xpath("./*/p:cNvPr")[0].set("descr", words)


def noted(slide: Slide, lines: Sequence[str]) -> None:
    """Write the speaker's notes."""
    frame = slide.notes_slide.notes_text_frame
    if frame is not None:
        frame.text = "\n".join(lines)


def colour(code: str) -> RGBColor:
    """A colour of the palette, "#4F46E5"."""
    return RGBColor.from_string(code.removeprefix("#"))


def _run(made: Any, run: Run) -> None:
    made.text = run.text
    made.font.size, made.font.bold, made.font.color.rgb = Pt(run.size), run.is_bold, colour(run.colour)


def _told(shape: Any) -> TextFrame:
    """The text of a placeholder, which the kept layouts all have."""
    frame: TextFrame = shape.text_frame
    return frame


def _cell(run: Run, is_right: bool, is_title: bool) -> str:
    """A cell of a table as XML: python-pptx has no lines between cells, and takes a second for a hundred rows."""
    ink, line_width = (LIGHT.ink, 12700) if is_title else (LIGHT.grid, 9525)
    look = f'<a:rPr lang="en" sz="{run.size * 100:.0f}" b="{run.is_bold:d}">{_solid(run.colour)}</a:rPr>'
    lines = escape(UNPRINTABLE.sub("", run.text)).split("\n")
    words = "<a:br/>".join(f"<a:r>{look}<a:t>{line}</a:t></a:r>" for line in lines)
    return (
        "<a:tc><a:txBody><a:bodyPr/><a:lstStyle/>"
        f'<a:p><a:pPr algn="{"r" if is_right else "l"}"/>{words}</a:p></a:txBody>'
        f'<a:tcPr marL="73152" marR="73152" marT="45720" marB="45720" anchor="ctr">'
        f'<a:lnB w="{line_width}">{_solid(ink)}</a:lnB></a:tcPr></a:tc>'
    )


def _solid(code: str) -> str:
    return f'<a:solidFill><a:srgbClr val="{code.removeprefix("#")}"/></a:solidFill>'


def _place(placeholder: Any) -> None:
    kind = placeholder.placeholder_format.type
    is_cover = kind in (PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.SUBTITLE)
    boxes = {
        PP_PLACEHOLDER.TITLE: (SIDE, 0.62, ROOM, 0.95),
        PP_PLACEHOLDER.CENTER_TITLE: (SIDE, 1.7, ROOM, 1.6),
        PP_PLACEHOLDER.SUBTITLE: (SIDE, 3.45, ROOM, 3.0),
        PP_PLACEHOLDER.BODY: (SIDE, TOP, ROOM, BOTTOM - TOP),
        PP_PLACEHOLDER.OBJECT: (SIDE, TOP, ROOM, BOTTOM - TOP),
        PP_PLACEHOLDER.FOOTER: (SIDE, 6.95, ROOM - 1.5, 0.3),
        PP_PLACEHOLDER.SLIDE_NUMBER: (WIDTH - SIDE - 1.5, 6.95, 1.5, 0.3),
    }
    if kind == PP_PLACEHOLDER.DATE:
        placeholder.element.getparent().remove(placeholder.element)
        return
    left, top, width, height = map(Inches, boxes[kind])
    placeholder.left, placeholder.top, placeholder.width, placeholder.height = left, top, width, height
    if kind in (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.SUBTITLE):
        placeholder.text_frame.vertical_anchor = MSO_ANCHOR.TOP
    elif kind == PP_PLACEHOLDER.CENTER_TITLE:
        placeholder.text_frame.vertical_anchor = MSO_ANCHOR.BOTTOM
    if is_cover:
        return
    for style in placeholder.element.xpath(".//a:lstStyle/a:lvl1pPr"):
        style.set("algn", "r" if kind == PP_PLACEHOLDER.SLIDE_NUMBER else "l")
        style.find(qn("a:defRPr")).set("sz", "900")


def _sized(layout: SlideLayout, kind: Any, size: int) -> None:
    """Letters of this size, a hundredth of a point, from the left, in a placeholder of the cover."""
    for placeholder in layout.placeholders:
        if placeholder.placeholder_format.type == kind:
            style = placeholder.element.xpath(".//a:lstStyle")[0]
            for old in list(style):
                style.remove(old)
            look = f'<a:buNone/><a:defRPr sz="{size}"/>'
            style.append(parse_xml(f'<a:lvl1pPr {nsdecls("a")} marL="0" indent="0" algn="l">{look}</a:lvl1pPr>'))


def _themed(theme: bytes) -> bytes:
    xml = theme.decode()
    for name, code in THEME.items():
        new = f'<a:{name}><a:srgbClr val="{code.removeprefix("#")}"/></a:{name}>'
        xml = re.sub(f"<a:{name}>.*?</a:{name}>", new, xml, count=1, flags=re.DOTALL)
    return re.sub(r'(<a:(?:major|minor)Font><a:latin typeface=")[^"]*', rf"\g<1>{FACE}", xml).encode()


def _settled(file: bytes, created: datetime) -> bytes:
    """The same zip with one time for all its parts, and for the workbooks behind its charts."""
    settled = io.BytesIO()
    written = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(settled, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".xlsx"):
                content = _settled(content, created)
            elif name == "docProps/core.xml":
                content = written.sub(rb"\g<1>" + f"{created:%Y-%m-%dT%H:%M:%SZ}".encode(), content)
            new.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    return settled.getvalue()
