"""The settings of `kind = "github"`."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from dxmetrics.collectors.hosts import HostSettings


class GitHubSettings(HostSettings):
    """Settings of a GitHub source: a token, or an App."""

    app_id: str | None = Field(default=None, description="id of a GitHub App to read as, instead of a token")
    private_key: SecretStr | None = Field(default=None, description="the App's private key, the whole PEM text")
    private_key_file: Path | None = Field(default=None, description="the file with the App's private key")
    installation_id: int | None = Field(
        default=None, description="the App's installation to read as; left out: that of each organisation"
    )

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not (self.organisations or self.repositories):
            raise ValueError('names nothing to read: set `organisations = ["acme"]` or `repositories = ["acme/shop"]`')
        for name in self.repositories:
            owner, _, repository = name.partition("/")
            if not owner or not repository or "/" in repository:
                raise ValueError(f"repository {name!r} is not `owner/name`: write it as in `acme/shop`")
        if self.app_id and not (self.private_key or self.private_key_file):
            raise ValueError("an App needs `private_key` (in the environment) or `private_key_file`")
        return self
