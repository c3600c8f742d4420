"""What the state store refuses, sorted by what the caller does next.

DxError
├── StateError      the store cannot be used: locked, full, damaged, out of reach, newer than this program
└── TokenRefused    answer 401: another API token is needed
"""

from dxmetrics.errors import DxError


class StateError(DxError):
    """The state store cannot be used; nothing of this step is kept."""


class TokenRefused(DxError):
    """The API token is unknown, expired or revoked."""
