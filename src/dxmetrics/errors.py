"""Every failure dxmetrics reports, sorted by what the caller does next.

    DxError                     show the message, exit 1
    ├── SettingsError           correct dx.toml or the environment, run again
    ├── CollectError            the scope failed; others go on
    │   ├── RetryableError      try again later: a broken connection, a 500, half an answer
    │   │   └── OverloadError   ask for less: a 502, 503 or 504, or no answer in time
    │   ├── LimitedError        stop this source until `until`: its quota is used up
    │   ├── NotFoundError       it is gone, or the token may not see it
    │   ├── AuthError           stop this source: a new token is needed
    │   └── PayloadError        keep the row in quarantine, go on with the next
    ├── WarehouseError          the database file: locked, damaged, newer than this program, disk full
    ├── StateError              the state store: locked, full, damaged, out of reach, newer than this program
    ├── MalformedError          answer 400: what was pushed is not what it says it is
    ├── SignatureError          answer 401: a webhook is not signed as agreed
    ├── TokenRefused            answer 401: another API token is needed
    ├── LinkRefused             show the page that says `why` a survey link answers nothing
    ├── AnswersRefused          show the survey again with what is wrong beside each question
    ├── DeliveryError           what is sent was not taken, by a server, a webhook, a folder or a store; others go on
    ├── ModelError              a file in sql/ is wrong; nothing of this build is kept
    └── CheckFailed             a check in sql/checks/ returned rows

A message says what failed, with which value, and what to do.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal


class DxError(Exception):
    """A failure with a message a person can act on."""


class SettingsError(DxError):
    """A setting is unknown, missing or has a value that cannot be used."""


class CollectError(DxError):
    """A scope of a source could not be collected."""


class RetryableError(CollectError):
    """The same request may succeed later."""


class OverloadError(RetryableError):
    """The server could not answer in time: a request for less may succeed."""


class LimitedError(CollectError):
    """The quota is used up until `until`: every scope of the source would be refused before."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class NotFoundError(CollectError):
    """What was asked for is not there, or hidden from this token."""


class AuthError(CollectError):
    """The credential was refused: every scope of the source would fail alike."""


class PayloadError(CollectError):
    """One row cannot be mapped to a record."""


class WarehouseError(DxError):
    """The warehouse file cannot be used."""


class StateError(DxError):
    """The state store cannot be used; nothing of this step is kept."""


class MalformedError(DxError):
    """What was pushed cannot be read; the message names the field."""


class SignatureError(DxError):
    """A webhook is not signed, or not with the secret of its source."""


class TokenRefused(DxError):
    """The API token is unknown, expired or revoked."""


class LinkRefused(DxError):
    """A survey link is forged, expired, used, or of a wave that is closed."""

    def __init__(self, why: Literal["forged", "expired", "used", "closed"], message: str) -> None:
        super().__init__(message)
        self.why = why


class AnswersRefused(DxError):
    """What was sent in is no answer to some questions; `problems` has a word for each item's id."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(f"{len(problems)} of the answers cannot be used: {', '.join(problems)}")
        self.problems = problems


class DeliveryError(DxError):
    """A message was not delivered; the message says to which server, never to whom."""


class ModelError(DxError):
    """A model in sql/ cannot be read, ordered or built."""


class CheckFailed(DxError):
    """A check returned rows."""
