"""What a request's headers ask for: a format, and whether anything is newer than what the reader has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dxmetrics import __version__
from dxmetrics.api.refusals import NotAcceptable
from dxmetrics.errors import MalformedError
from dxmetrics.inquiry.tables import FORMATS, Format

if TYPE_CHECKING:
    from dxmetrics.metrics import Metrics


def chosen(named: str | None, accept: str) -> Format:
    """The format an address names, else the first that is accepted; NotAcceptable, MalformedError name those there are.

    Whoever accepts anything gets JSON.
    """
    if named:
        if named not in FORMATS:
            raise MalformedError(f"format = {named!r} is not known: use one of {', '.join(FORMATS)}")
        return FORMATS[named]
    for wanted in accepted(accept) or ["*/*"]:
        for one in FORMATS.values():
            if wanted in ("*/*", one.media_type, f"{one.media_type.partition('/')[0]}/*"):
                return one
    valid = ", ".join(one.media_type for one in FORMATS.values())
    raise NotAcceptable(f"nothing that is accepted ({accept[:200]}) can be given: accept one of {valid}")


def accepted(header: str) -> list[str]:
    """The media types of an Accept header, the preferred first; those that are refused are left out."""
    found = []
    for part in header[:1_000].split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((one.removeprefix("q=") for one in parameters if one.startswith("q=")), "1")
        quality = float(weight) if re.fullmatch(r"[01](\.\d{0,3})?", weight) else 1.0
        if kind and quality > 0:
            found.append((-quality, kind))
    return [kind for _, kind in sorted(found, key=lambda one: one[0])]


def etag(published: Metrics, form: str) -> str:
    """The entity tag of what this program says of a publication in this form; weak, as floats may differ in a bit."""
    return f'W/"{published.data_version}-{form}-{__version__}"'


def is_known(header: str, tag: str) -> bool:
    """Whether an If-None-Match header names the tag."""
    return header.strip() == "*" or tag in (one.strip() for one in header.split(","))
