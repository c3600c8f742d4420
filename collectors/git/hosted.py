"""History for sources of Git hosts: what a bare mirror tells of a repository that the host itself lists."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dxmetrics.errors import AuthError, CollectError, NotFoundError

from .access import access
from .location import FORGE_PATHS, Forge, Location, Web, web_address
from .mirror import Mirror
from .settings import Rules
from .walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dxmetrics.collectors import Context, Cursor, Page

TIMEOUT_SECONDS = 3_600


@dataclass(frozen=True)
class Hosted:
    """A repository as its host lists it. `repository` is its `Repository.ext_id`, which no renaming changes: rows refer
    to it and the mirror's folder is named by it. `address` is where it is cloned from, without credentials."""

    repository: str
    name: str
    address: str
    forge: Forge | None = None
    default_branch: str | None = None

    @property
    def folder_name(self) -> str:
        """The folder of its mirror."""
        return re.sub(r"[^\w.-]+", "+", self.repository) + ".git"


def history(
    hosted: Hosted,
    cursor: Cursor | None,
    context: Context,
    *,
    token: str | None = None,
    username: str | None = None,
    proxy: str | None = None,
    ca_file: Path | None = None,
    line_counts: bool = False,
) -> Iterator[Page]:
    """Pages of what is new in the mirror: commits, changes, reverts, people; no Repository and no deployments.

    A change that the host tells of too is told twice: core.change_twins makes one of them. A credential that may use
    the API but not clone fails this repository only: CollectError.
    """
    read_at = context.now()
    remedy = "give the token read access to contents" if token else "set a `token` that may read it"
    reached = access(
        hosted.address,
        token,
        username,
        remedy=f"{remedy}, or set `mirror = false`",
        has_contents=line_counts,  # a host has histories whole, so contents can be left out
        timeout_seconds=TIMEOUT_SECONDS,
        proxy=proxy,
        ca_file=context.project_folder / ca_file if ca_file else None,
    )
    location = Location(hosted.address, None, hosted.name, web_address(hosted.address))
    mirror = Mirror(context.folder / "mirrors" / hosted.folder_name, location, reached)
    context.progress(f"{hosted.name}: fetching")
    try:
        heads = mirror.update()
    except (AuthError, NotFoundError) as error:
        # Named as the host names it: what many repositories have in common is then said once.
        raise CollectError(str(error).replace(hosted.address, hosted.name)) from error
    context.progress(f"{hosted.name}: reading history")
    rules = Rules(deployments="none", default_branch=hosted.default_branch, line_counts=line_counts, paths=line_counts)
    web = Web(location.web, FORGE_PATHS.get(hosted.forge) if hosted.forge else None)
    walk = Walk(hosted.repository, mirror.git, heads, rules, web, read_at, tells_repository=False)
    yield from (replace(page, is_mapped=True) for page in walk.pages(cursor))
