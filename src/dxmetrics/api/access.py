"""Whose request it is: the token it carries, and whether that may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dxmetrics.api.refusals import Forbidden
from dxmetrics.errors import TokenRefused
from dxmetrics.state import READ

if TYPE_CHECKING:
    from dxmetrics.api.stores import Stores
    from dxmetrics.state import ApiToken


def bearer(headers: Mapping[str, str]) -> str | None:
    """The text of the token in the Authorization header; None where there is none."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" and text.strip() else None


def token(stores: Stores, headers: Mapping[str, str]) -> ApiToken:
    """The request's token; TokenRefused without a valid one."""
    text = bearer(headers)
    if text is None:
        raise TokenRefused("no API token: send `Authorization: Bearer TOKEN`, with one of `dxmetrics tokens create`")
    return stores.token(text)


def require_read(stores: Stores, headers: Mapping[str, str]) -> ApiToken:
    """The request's token; TokenRefused without a valid one, Forbidden where it may not read numbers."""
    found = token(stores, headers)
    if not found.may_read:
        raise Forbidden(f"API token {found.name!r} may not read numbers: create one with --scope {READ}")
    return found
