"""Messages in Slack, to people and to channels, by its Web API.

Needs a bot token with `chat:write`, for people `users:read.email`, for files `files:write`. A message is posted at most
once: where the connection breaks after it was sent, it may have arrived.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx2

from dxmetrics.errors import CollectError, DeliveryError, RetryableError, SettingsError
from dxmetrics.http import Bearer, Client
from dxmetrics.notify.outcome import Outcome
from dxmetrics.settings.sections import Slack as SlackSettings

# What Slack says of one recipient; anything else concerns everybody.
ABOUT_ONE = frozenset(
    {
        "users_not_found", "user_not_found", "channel_not_found", "user_disabled", "is_archived", "cannot_dm_bot",
        "not_in_channel", "restricted_action",
    }
)  # fmt: skip
UPLOAD_TIMEOUT = 60.0
REMEDIES = {
    **dict.fromkeys(
        ("not_authed", "invalid_auth", "account_inactive", "token_expired", "token_revoked"),
        "create a new bot token and set DX_SLACK__TOKEN",
    ),
    **dict.fromkeys(
        ("missing_scope", "no_permission", "not_allowed_token_type"),
        "give the app the scopes chat:write, users:read.email and files:write, install it again and set "
        "DX_SLACK__TOKEN",
    ),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upload:
    """A file that Slack has and nobody sees yet."""

    id: str
    name: str


@dataclass(frozen=True)
class Posted:
    """What became of a message to a channel; `why` it is refused, or its file is missing."""

    outcome: Outcome
    why: str | None = None


class Slack:
    """The workspace of `[slack]`. SettingsError where it has no token."""

    def __init__(
        self,
        settings: SlackSettings,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        if settings.token is None:
            raise SettingsError("[slack] token is missing: set DX_SLACK__TOKEN to a bot token")
        auth = Bearer(settings.token.get_secret_value())
        self._client = Client("slack", settings.url, now=now, auth=auth, sleep=sleep, transport=transport)
        self._transport = transport

    def __enter__(self) -> Self:
        """Itself; the connection ends with the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the connection go."""
        self._client.close()

    def find(self, address: str) -> str | None:
        """The id of the member with this mail address, None where there is none. DeliveryError as `send`."""
        try:
            body = _checked(self._client.json("users.lookupByEmail", {"email": address}))
        except CollectError as error:
            raise DeliveryError(str(error)) from error
        user = body.get("user") or {}
        return None if user.get("deleted") or user.get("is_bot") else user.get("id")

    def send(self, user: str, text: str) -> Outcome:
        """Write to a member; `text` is mrkdwn. DeliveryError: Slack takes nothing from us, so nobody else's either."""
        body = self._posted({"channel": user, "text": text})
        return "unsure" if body is None else "accepted" if body.get("ok") else "refused"

    def upload(self, name: str, content: bytes) -> Upload:
        """Hand over a file for `post`. DeliveryError: not now. SettingsError: the app may not."""
        try:
            asked = {"filename": name, "length": len(content)}
            body = self._client.json("files.getUploadURLExternal", asked)
            if isinstance(body, Mapping) and body.get("error") == "missing_scope":
                raise SettingsError("slack: give the app the scope files:write, install it again, set DX_SLACK__TOKEN")
            body = _checked(body)
            if "upload_url" not in body:
                raise DeliveryError(f"slack: takes no file now ({body.get('error')}): try again later")
            with httpx2.Client(transport=self._transport, timeout=UPLOAD_TIMEOUT) as client:
                client.post(body["upload_url"], content=content).raise_for_status()
        except CollectError as error:
            raise DeliveryError(str(error)) from error
        except httpx2.HTTPError as error:  # without the cause, whose address lets anybody write the file
            raise DeliveryError(f"slack: takes no file now ({type(error).__name__}): try again later") from None
        return Upload(body["file_id"], name)

    def post(self, channel: str, text: str, file: Upload | None = None) -> Posted:
        """Write to a channel, with the file in a thread below. DeliveryError: Slack takes nothing from us."""
        body = self._posted({"channel": channel, "text": text})
        if body is None:
            return Posted("unsure")
        if not body.get("ok"):
            return Posted("refused", f"{body.get('error')}: invite the app to the channel, or correct its name")
        if file is None:
            return Posted("accepted")
        shared = {"channel_id": body.get("channel"), "thread_ts": body.get("ts")}
        shared |= {"files": [{"id": file.id, "title": file.name}]}
        try:
            _checked(self._client.json("files.completeUploadExternal", method="POST", json=shared))
        except (CollectError, DeliveryError) as error:
            return Posted("accepted", f"without the file: {error}")
        return Posted("accepted")

    def _posted(self, message: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What Slack answers to a message; None where it may have it or not."""
        quiet = {"unfurl_links": False, "unfurl_media": False}
        try:
            return _checked(self._client.json("chat.postMessage", method="POST", json={**message, **quiet}))
        except RetryableError as error:
            if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise DeliveryError(str(error)) from error
            log.info("host=slack outcome=unsure error=%s", type(error).__name__)
            return None
        except CollectError as error:
            raise DeliveryError(str(error)) from error


def escaped(text: str) -> str:
    """The text as mrkdwn shows it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(url: str, label: str) -> str:
    """A link in mrkdwn."""
    return f"<{url}|{escaped(label).replace('|', '/')}>"


def _checked(body: Any) -> Mapping[str, Any]:
    """An answer that is ok, or says no to this one recipient; DeliveryError for any other."""
    if not isinstance(body, Mapping):
        raise DeliveryError("slack: the answer is not that of its Web API: correct [slack] url")
    error = body.get("error")
    if body.get("ok") or error in ABOUT_ONE:
        return body
    raise DeliveryError(f"slack: refused with {error}: {REMEDIES.get(str(error), 'try again later')}")
