"""Texts that a spreadsheet would compute instead of showing them, such as a title that is `=cmd`."""

import re

_BEGINNING = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")  # the last four are full-width


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take it for a formula."""
    return _BEGINNING.match(text) is not None


def harmless(text: str) -> str:
    """The text as CSV can hold it: with an apostrophe before what would be computed."""
    return f"'{text}" if is_formula(text) else text
