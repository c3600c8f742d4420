"""What a request is refused for, beside what `dxmetrics.errors` knows, and with which status each refusal answers."""

from __future__ import annotations

from dxmetrics.errors import (
    DxError,
    MalformedError,
    SettingsError,
    SignatureError,
    StateError,
    TokenRefused,
    WarehouseError,
)
from dxmetrics.inquiry.questions import UnknownMetric


class Forbidden(DxError):
    """The token may not do this."""


class NotHere(DxError):
    """There is nothing of this name."""


class TooLarge(DxError):
    """The body is larger than is read."""


class NotAcceptable(DxError):
    """None of the formats that would be taken can be given."""


STATUS: dict[type[DxError], int] = {
    MalformedError: 400,
    SignatureError: 401,
    TokenRefused: 401,
    Forbidden: 403,
    NotHere: 404,
    UnknownMetric: 404,
    NotAcceptable: 406,
    TooLarge: 413,
    SettingsError: 503,
    StateError: 503,
    WarehouseError: 503,
}  # anything else is a mistake of ours: 500
HEADERS: dict[int, dict[str, str]] = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}


def refusal(error: DxError) -> tuple[int, dict[str, str]]:
    """The status and the headers an error answers with."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    return status, HEADERS.get(status, {})
