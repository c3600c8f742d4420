"""What sections and entries of `dx.toml` are made of."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dxmetrics import patterns

Text = Annotated[str, Field(min_length=1)]


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is not a regular expression ({error})") from None
    return pattern


def _pattern(text: str) -> str:
    if patterns.is_expression(text):
        _regular_expression(text[1:-1])
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]  # globs, or a regular expression between slashes
Expression = Annotated[str, AfterValidator(_regular_expression)]


class Section(BaseModel):
    """What every section has: it cannot change once read, and refuses keys it does not know."""

    of_what: ClassVar[str] = "a setting"  # what a key of it is called when it is refused

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
