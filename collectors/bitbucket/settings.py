"""How a Bitbucket workspace is reached, and what is read beside the frugal least."""

from __future__ import annotations

from pydantic import Field

from dxmetrics.collectors.hosts import HostSettings


class BitbucketSettings(HostSettings):
    """Which repositories of Bitbucket Cloud are read, and what of them."""

    username: str | None = Field(
        default=None,
        description="the mail address that an API token belongs to; left out: `token` is the access token of a"
        " workspace, project or repository",
    )
    commits: bool = Field(
        default=False,
        description="read the commits of each change, which tell when its coding began also where changes are"
        " squashed: one more request a change",
    )
    steps: bool = Field(
        default=False,
        description="read the steps of each pipeline run, which tell its jobs and how long it queued: one more request"
        " a run",
    )
