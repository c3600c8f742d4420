"""The settings of `kind = "forgejo"`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from dxmetrics.collectors.hosts import HostSettings

API = "/api/v1"


class ForgejoSettings(HostSettings):
    """Which repositories of a Forgejo or Gitea server are read, and what of them."""

    url: str = Field(description="the server's address, as people open it: `https://git.example.com`")

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not (self.organisations or self.repositories):
            raise ValueError('names nothing to read: set `organisations = ["acme"]` or `repositories = ["acme/shop"]`')
        for name in self.repositories:
            owner, _, repository = name.partition("/")
            if not owner or not repository or "/" in repository:
                raise ValueError(f"repository {name!r} is not `owner/name`: write it as in `acme/shop`")
        return self

    @property
    def home(self) -> str:
        """The server's address, without what stands for its API."""
        return self.url.rstrip("/").removesuffix(API).rstrip("/")
