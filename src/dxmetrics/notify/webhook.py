"""Messages to a channel by the webhook that was made for it there.

Whoever knows the address of such a webhook can write to the channel: it is in no message and no log, and the name that
people gave it stands for it. A message is posted at most once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import httpx2
from pydantic import SecretStr

from dxmetrics import __version__
from dxmetrics.errors import DeliveryError, SettingsError
from dxmetrics.notify.outcome import Outcome

TIMEOUT = 20.0  # seconds without a word from the server
NOT_NOW = frozenset({408, 425, 429, 503})
GONE = frozenset({401, 403, 404, 410})

log = logging.getLogger(__name__)


def post(
    name: str,
    address: SecretStr,
    message: Mapping[str, Any],
    *,
    timeout: float = TIMEOUT,
    transport: httpx2.BaseTransport | None = None,
) -> Outcome:
    """Post a message to the webhook that is called `name`. "refused": it takes no message of this form.

    DeliveryError: it takes nothing, now or until its address is corrected. SettingsError: its address is none.
    """
    url = _address(name, address)
    headers = {"user-agent": f"dxmetrics/{__version__}"}
    try:
        with httpx2.Client(timeout=timeout, transport=transport, headers=headers) as client:
            response = client.post(url, json=message)
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        # Without the cause, whose request has the address.
        raise DeliveryError(f"webhook {name}: {url.host} cannot be reached ({type(error).__name__})") from None
    except httpx2.HTTPError as error:
        log.info("webhook=%s outcome=unsure error=%s", name, type(error).__name__)
        return "unsure"
    return _outcome(name, url.host, response)


def _address(name: str, address: SecretStr) -> httpx2.URL:
    try:
        url = httpx2.URL(address.get_secret_value())
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise SettingsError(f"webhook {name}: its address in [reports] is none: write the https://... it was given")
    return url


def _outcome(name: str, host: str, response: httpx2.Response) -> Outcome:
    code = response.status_code
    if response.is_success:
        return "accepted"
    log.info("webhook=%s code=%d", name, code)
    if code in NOT_NOW:
        raise DeliveryError(f"webhook {name}: {host} takes nothing now ({code})")
    if code in GONE or response.is_redirect:
        raise DeliveryError(
            f"webhook {name}: {host} does not know it any more ({code}): make a new one, and correct its address in "
            "[reports]"
        )
    return "unsure" if response.is_server_error else "refused"
