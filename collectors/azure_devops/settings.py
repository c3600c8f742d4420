"""The settings of `kind = "azure_devops"`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from dxmetrics.collectors.hosts import HostSettings


class AzureDevOpsSettings(HostSettings):
    """Which projects and repositories of Azure DevOps are read, and what of them."""

    url: str | None = Field(
        default=None,
        description="address of your own Azure DevOps Server, without the collection: https://HOST or https://HOST/tfs;"
        " left out: dev.azure.com",
    )
    organisations: tuple[str, ...] = Field(
        default=(),
        description="organisations (of a Server: collections), of which all projects are read, or single projects as"
        " `acme/Shop`",
    )
    repositories: tuple[str, ...] = Field(
        default=(), description="single repositories as `acme/Shop/api`, beside those of the organisations"
    )
    excluded: tuple[str, ...] = Field(
        default=(), description="repositories left out, as `acme/Shop/api` (* and ? allowed): `acme/Sandbox/*`"
    )
    jobs: bool = Field(
        default=True,
        description="read the timeline of each pipeline run, which tells its jobs and whether it was run again: one"
        " more request a run",
    )

    @model_validator(mode="after")
    def _names_what_there_can_be(self) -> Self:
        if not (self.organisations or self.repositories):
            raise ValueError('names nothing to read: set `organisations = ["acme"]` or `["acme/Shop"]`')
        for name in self.organisations:
            if not 1 <= len(_parts(name)) <= 2:
                raise ValueError(f"organisation {name!r} is neither `organisation` nor `organisation/project`")
        for name in self.repositories:
            if len(_parts(name)) != 3:
                raise ValueError(f"repository {name!r} is not `organisation/project/repository`")
        return self


def _parts(name: str) -> list[str]:
    """The parts between slashes; none where one of them is empty."""
    parts = name.split("/")
    return parts if all(parts) else []
