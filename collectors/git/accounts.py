"""Accounts: the people and programs that e-mail addresses in commits stand for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .command import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .command import Git

NO_REPLY = re.compile(r"^(?:\d+\+)?(?P<login>[^@]+)@users\.noreply\.(?P<host>[\w.-]+)$")
BOT = re.compile(
    r"\[bot\]|^(?:dependabot|renovate|greenkeeper|pre-commit-ci|github-actions|mergify|snyk-bot|codecov)\b|(?:^|[-_])bot$",
    re.IGNORECASE,
)
BOT_ADDRESS = re.compile(r"\[bot\]@|^(?:dependabot|renovate|bot|noreply\+bot|project_\d+_bot)[\w.+-]*@", re.IGNORECASE)
AGENT = re.compile(
    r"^(?:copilot|claude|claude[ -](?:code|opus|sonnet|haiku)\b.*|cursor(?: agent)?|codex|devin(?: ai)?|aider\b.*"
    r"|gemini|google-labs-jules|openhands|windsurf|chatgpt|.*-swe-agent)(?:\[bot\])?$",
    re.IGNORECASE,
)
AGENT_ADDRESS = re.compile(
    r"@(?:[\w-]+\.)?(?:anthropic\.com|openai\.com|aider\.chat)$|^cursoragent@|^copilot@github\.com$"
    r"|(?:^|\+)copilot@users\.noreply|-swe-agent|^(?:\d+\+)?devin-ai-integration",
    re.IGNORECASE,
)
HOSTS_OWN = frozenset({"noreply@github.com"})  # the host itself, as committer of what is merged in its pages


class Accounts:
    """The accounts seen in one walk, each handed out once; the first name seen, which is the newest, stays."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._new: list[dict[str, Any]] = []
        self._ids: dict[tuple[str, str], str | None] = {}

    def account(self, name: str, email: str) -> str | None:
        """The account's `ext_id`: the lower-cased address, else the name; None where a commit has neither."""
        key = (name, email)
        if key in self._ids:
            return self._ids[key]
        found = email.strip().lower() or name.strip().lower() or None
        self._ids[key] = found
        if found and found not in self._seen:
            self._seen.add(found)
            self._new.append(identity_payload(found, name, email))
        return found

    def taken(self) -> list[dict[str, Any]]:
        """The Identity payloads that were not handed out yet."""
        found, self._new = self._new, []
        return found


def identity_payload(account: str, name: str, email: str) -> dict[str, Any]:
    """An Identity payload; kind is `unknown` where neither name nor address tells a program."""
    payload: dict[str, Any] = {"ext_id": account, "name": name.strip() or None, "email": email.strip() or None}
    login = None
    if matched := NO_REPLY.match(email.strip()):
        login = matched["login"]
        payload["login"] = login
    payload["kind"] = kind_of(name.strip(), login or "", email.strip())
    return payload


def kind_of(name: str, login: str, email: str) -> str:
    """`agent`, `bot` or `unknown`, by name, login and address."""
    if is_assistant(name, email) or AGENT.match(login):
        return "agent"
    if BOT.search(name) or BOT.search(login) or BOT_ADDRESS.search(email):
        return "bot"
    return "unknown"


def is_assistant(name: str, email: str) -> bool:
    """Whether an author or co-author is a coding assistant."""
    return bool(AGENT_ADDRESS.search(email) or AGENT.match(name))


def mailmapped(git: Git, people: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    """Each (name, address) as `.mailmap` gives it; those it cannot read stay as they are."""
    wanted = [person for person in dict.fromkeys(people) if is_plain(person)]
    if not wanted:
        return {}
    given = lines_of(f"{name} <{email}>" for name, email in wanted)
    mapped = git.run("check-mailmap", "--stdin", stdin=given).splitlines()
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for person, line in zip(wanted, mapped, strict=True):
        name, _, email = line.rpartition(" <") if " <" in line else ("", "", line.removeprefix("<"))
        found[person] = (name, email.removesuffix(">"))
    return found


def is_plain(person: tuple[str, str]) -> bool:
    """Whether name and address can stand in `Name <address>`."""
    return not any(sign in part for part in person for sign in "<>\n")
