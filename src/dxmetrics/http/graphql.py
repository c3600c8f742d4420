"""Answers of a GraphQL server, which says what failed inside a 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2

from dxmetrics.errors import CollectError, OverloadError
from dxmetrics.http.limits import served_at
from dxmetrics.http.refusal import wait_asked

GraphqlError = Mapping[str, Any]
Judge = Callable[[Sequence[GraphqlError]], CollectError | None]
SHOWN_ERRORS = 3
EXCERPT = 200


@dataclass(frozen=True)
class Answer:
    """`data` of an answer, when the server gave it, and the errors that the judge let pass beside it."""

    data: Mapping[str, Any]
    served_at: datetime | None
    errors: tuple[GraphqlError, ...] = ()


def answer(
    name: str, response: httpx2.Response, payload: Any, judge: Judge | None, now: datetime
) -> Answer | OverloadError:
    """What the payload says. An OverloadError of the judge is returned, as asking for the same again does not help it;
    any other error is raised.
    """
    if not isinstance(payload, Mapping):
        raise CollectError(
            f"{name}: {response.request.url.path} answers with {type(payload).__name__}: it is no GraphQL"
        )
    errors = _errors(payload)
    data = payload.get("data")
    if errors:
        words = _shown(errors)
        if not data and (wait := wait_asked(name, response, now, words)) is not None:
            raise wait
        error = judge(errors) if judge else CollectError(f"{name}: {words}")
        if isinstance(error, OverloadError):
            return error
        if error is not None:
            raise error
    if not isinstance(data, Mapping):
        raise CollectError(
            f"{name}: {response.request.url.path} answers without data: {_shown(errors) or 'no reason given'}"
        )
    return Answer(data, served_at(response), errors)


def _errors(payload: Mapping[str, Any]) -> tuple[GraphqlError, ...]:
    listed = payload.get("errors") or ()
    if not isinstance(listed, list | tuple):
        listed = [listed]
    return tuple(error if isinstance(error, Mapping) else {"message": str(error)} for error in listed)


def _shown(errors: Sequence[GraphqlError]) -> str:
    """The first errors in the server's words, with their type."""
    texts = [f"{error.get('type') or ''} {error.get('message') or ''}".strip()[:EXCERPT] for error in errors]
    more = f" (and {len(texts) - SHOWN_ERRORS} more)" if len(texts) > SHOWN_ERRORS else ""
    return "; ".join(dict.fromkeys(texts[:SHOWN_ERRORS])) + more
