"""Any git repository: commits, changes, reverts, releases as deployments, and the template it was made from.

Reads:  a bare mirror of each repository below the data folder, fetched incrementally (heads, tags, refs/pull/*/head,
        refs/merge-requests/*/head), from the known hosts without file contents unless lines are counted. A path is not
        copied, its mirror borrows the objects. One `git log` of the default branch, the release branches and the
        release tags, newest first, 5,000 commits a page; then only what is new. The template is the one that the first
        of .copier-answers.yml, .cruft.json and catalog-info.yaml (backstage.io/source-template and
        backstage.io/template-version) names, at the top of the default branch.
Needs:  git 2.31 or newer; `repositories`; for private ones an ssh key, or `token` (DX_NAME__TOKEN) for https.
Limits: git knows no reviews, no incidents and no time a request was opened. A release is taken as a deployment to
        production. A patch release soon after its line's last one, and a revert, are linked as signs of failure, with
        confidence below 1. The time of a lightweight tag is its commit's. Commits merged by rebase or fast-forward
        without a number in their message are direct pushes. Of a working folder the branches last seen at its origin
        are read, else its own. What a shallow clone cut off is not covered; missing objects cost only line counts. A
        template of a folder is not looked for, nor is one whose marker has another name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.errors import CollectError, SettingsError
from dxmetrics.http.refusal import token_variable
from dxmetrics.records import Change, ChangeCommit, Commit, Deployment, Identity, Link, Repository, TemplateUse

from .access import access
from .command import Git as Program
from .command import GitFailed
from .hosted import Hosted, history
from .location import Location, forge_of, is_url, locate, web_of
from .mirror import Mirror
from .settings import GitSettings
from .walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .settings import Rules

__all__ = ["Git", "GitSettings", "Hosted", "history"]


class Git(Collector):
    """The git repositories of one source; each is a scope."""

    kind = "git"
    produces = (Repository, Commit, Change, ChangeCommit, Deployment, Link, Identity, TemplateUse)
    keeps_payloads = False
    Settings: ClassVar[type[SourceSettings]] = GitSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, GitSettings):
            raise SettingsError(f"source {name!r}: settings of kind git are wanted, not {type(settings).__name__}")
        self._settings = settings
        self._known: dict[str, tuple[Location, Rules]] = {}

    def scopes(self) -> Iterator[Scope]:
        """One scope a repository, named as the repository."""
        self._known = self._named()
        for name in self._known:
            yield Scope(name, name)

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of what is new in one repository; the cursor comes with the last page."""
        if not self._known:
            self._known = self._named()
        if scope.id not in self._known:
            raise CollectError(f"{self.name}: repository {scope.id!r} is no longer configured")
        location, rules = self._known[scope.id]
        read_at = self.context.now()
        token = self._settings.token.get_secret_value() if self._settings.token else None
        reached = access(
            location.address,
            token,
            self._settings.username,
            remedy=self._remedy(location, token),
            has_contents=self._wants_contents(location, rules),
            timeout_seconds=self._settings.timeout_minutes * 60,
        )
        mirror = Mirror(self.context.folder / location.folder_name, location, reached)
        self.context.progress(f"{scope.title}: fetching")
        heads = mirror.update()
        self.context.progress(f"{scope.title}: reading history")
        web = web_of(location, rules.forge, has_merge_requests=heads.has_merge_requests)
        yield from Walk(location.name, mirror.git, heads, rules, web, read_at).pages(cursor)

    def _remedy(self, location: Location, token: str | None) -> str:
        """What to do where a repository is not there or refused."""
        if location.path:
            return "correct the path in `repositories`"
        if token and location.address.startswith(("https://", "http://")):
            return f"correct the url, or set in {token_variable(self.name)} a token that may read it"
        return "correct the url, or if it is private set `token` (https) or an ssh key"

    @staticmethod
    def _wants_contents(location: Location, rules: Rules) -> bool:
        """Whether file contents are fetched. Only hosts known to offer whole histories are asked to leave them out:
        of a shallow one, git 2.39 looks for what is missing without end."""
        return rules.line_counts or rules.patch_ids or forge_of(location, rules.forge) is None

    def _named(self) -> dict[str, tuple[Location, Rules]]:
        """Each repository's location and rules by name; of two folders of one name, both take their parent's too."""
        found = [self._located(address) for address in dict.fromkeys(self._settings.repositories)]
        named: dict[str, tuple[Location, Rules]] = {}
        for location, rules in found:
            name = location.name
            clashing = [other for other, _ in found if other.name == name and other.address != location.address]
            if clashing and location.path and not rules.name:
                name = f"{location.path.parent.name}/{name}"
            if named.setdefault(name, (location, rules))[0].address != location.address:
                message = f"source {self.name!r}: two repositories are called {name!r}: give one another `name`"
                raise SettingsError(f"{message} in [[sources.{self.name}.overrides]]")
            named[name] = (replace(location, name=name), rules)
        return named

    def _located(self, address: str) -> tuple[Location, Rules]:
        location = locate(address, self._origin(address), self.context.project_folder)
        rules = self._settings.rules_of(location.name, address)
        return (replace(location, name=rules.name) if rules.name else location), rules

    def _origin(self, address: str) -> str | None:
        """The url a local repository was cloned from; None where it was not, or where there is no repository."""
        if is_url(address):
            return None
        path = (self.context.project_folder / address).expanduser()
        try:
            return Program(path.resolve()).run("config", "--get", "remote.origin.url").strip() or None
        except GitFailed:
            return None
