"""Patterns as people write them, globs or regular expressions between slashes, and the regular expressions they are."""

from __future__ import annotations

import re
from collections.abc import Iterable


def of_globs(globs: Iterable[str]) -> str:
    """A regular expression (Python and RE2) matching any of `globs` whole, in any case.

    Only * and ? are special: brackets are literal, as `dependabot[bot]` needs. No globs match nothing.
    """
    parts = [re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs]
    return f"(?i)^(?:{'|'.join(parts)})$" if parts else r"[^\s\S]"


def is_expression(text: str) -> bool:
    """Whether a pattern is a regular expression, written between slashes; else it is a glob."""
    return len(text) > 1 and text.startswith("/") and text.endswith("/")


def expression(text: str) -> str | None:
    """The regular expression of a pattern, as `of_globs` gives it; None where it is blank: all match."""
    if not text:
        return None
    return text[1:-1] if is_expression(text) else of_globs([text])


def any_of(texts: Iterable[str]) -> str | None:
    """The regular expression (RE2) of what matches any of the patterns; None where there is none."""
    return "|".join(f"(?:{expression(text)})" for text in texts if text) or None
