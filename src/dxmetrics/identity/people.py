"""Accounts merged into people, and machines told apart, by a fixed ladder; every merge keeps its reason.

    config    dx.toml or its CSV names the account, its address or its login ([[people]], members of [[teams]])
    source    the source itself says whose account it is
    account   the same account id in two sources of one host ([identities] same_logins)
    email     equal addresses, case-folded; +tags only dropped for [identities] plus_tag_domains
    noreply   a host's private address names the account: 123+ada@users.noreply.github.com
    login     the same login in sources declared equivalent ([identities] same_logins)
    alone     nothing else is known of this person

A lower rung never joins two people whom dx.toml keeps apart. Equal names are only ever suggested. The method is
deterministic, and undone by removing the evidence and building again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from dxmetrics.patterns import of_globs
from dxmetrics.settings import PROJECT_SOURCE, Settings

TEXT_COLUMNS = ("source", "account", "person_id", "display_name", "kind", "reason")
IDENTITY_FIELDS: list[pa.Field[Any]] = [
    *(pa.field(name, pa.string()) for name in TEXT_COLUMNS),
    pa.field("is_bot", pa.bool_()),
]
IDENTITIES = pa.schema(IDENTITY_FIELDS)
SUGGESTIONS = pa.schema({"display_name": pa.string(), "person_ids": pa.list_(pa.string())})

MACHINES = ("agent", "bot", "service")
NOREPLY = re.compile(
    r"^(?:(?:(\d+)\+)?([^@+]+)@users\.noreply\.(github)\.com|(?:(\d+)-)?([^@]+)@users\.noreply\.(gitlab)\.com)$"
)
FORGES = {"github": "github", "github_copilot": "github", "gitlab": "gitlab"}  # whose logins a kind of source has
SHARED_MAILBOXES = {"noreply", "no-reply", "donotreply", "do-not-reply", "root", "none", "unknown", "nobody"}
CONFIG, SOURCE, ACCOUNT, EMAIL, NOREPLY_ADDRESS, LOGIN = "config", "source", "account", "email", "noreply", "login"


class Account(NamedTuple):
    """One row of `landing.identities`."""

    source: str
    account: str
    login: str | None
    name: str | None
    email: str | None
    kind: str
    person: str | None


@dataclass(frozen=True)
class Rules:
    """What the organisation decided: which sources share accounts, and what a machine's account looks like."""

    kinds: Mapping[str, str] = field(default_factory=dict)  # source name -> its collector's kind
    same_logins: Sequence[Sequence[str]] = ()
    plus_tag_domains: Sequence[str] = ()
    bot_pattern: str = of_globs(())
    agent_pattern: str = of_globs(())

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules that `settings` state."""
        return cls(
            kinds={name: str(section.get("kind", "")) for name, section in settings.sources.items()},
            same_logins=settings.identities.same_logins,
            plus_tag_domains=settings.identities.plus_tag_domains,
            bot_pattern=of_globs(settings.bots.patterns),
            agent_pattern=of_globs(settings.bots.agents),
        )


def identities(landing: pa.Table, rules: Rules) -> pa.Table:
    """`core.identities`: one row per account of `landing.identities`, with its person and why it is that person."""
    accounts = _accounts(landing)
    clusters = _merged(accounts, rules)
    members: dict[int, list[int]] = defaultdict(list)
    for row in range(len(accounts)):
        members[clusters.root(row)].append(row)
    columns: dict[str, list[object]] = {name: [None] * len(accounts) for name in IDENTITIES.names}
    for rows in members.values():
        people = [accounts[row] for row in rows]
        person_id, display_name, kind = _person_id(people), _display_name(people), _kind(people, rules)
        for row in rows:
            reason = clusters.reasons.get(row, "alone")
            values = (*accounts[row][:2], person_id, display_name, kind, reason, kind in MACHINES)
            for name, value in zip(IDENTITIES.names, values, strict=True):
                columns[name][row] = value
    return pa.table(columns, schema=IDENTITIES)


def suggestions(resolved: pa.Table) -> pa.Table:
    """People of one display name who were not merged: candidates for [[people]], one row per name."""
    people: dict[str, dict[str, str]] = defaultdict(dict)
    names, ids, machines = (resolved.column(name).to_pylist() for name in ("display_name", "person_id", "is_bot"))
    for name, person_id, is_bot in zip(names, ids, machines, strict=True):
        if name and " " in name and not is_bot:  # a single word is a login, which many people may have
            people[" ".join(name.casefold().split())].setdefault(str(person_id), name)
    alike = [(min(found.values()), sorted(found)) for _, found in sorted(people.items()) if len(found) > 1]
    return pa.Table.from_pylist([{"display_name": name, "person_ids": found} for name, found in alike], SUGGESTIONS)


def _accounts(landing: pa.Table) -> list[Account]:
    """The rows in a fixed order, what the organisation declared first."""
    names = ("source", "ext_id", "login", "name", "email", "kind", "person")
    columns = [landing.column(name).to_pylist() for name in names]
    return sorted(map(Account._make, zip(*columns, strict=True)), key=_order)


def _order(account: Account) -> tuple[bool, str, str]:
    return account.source != PROJECT_SOURCE, account.source, account.account


class _Clusters:
    """Union-find over row numbers; remembers by which rung a row first joined another."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.parents = list(range(len(accounts)))
        self.reasons: dict[int, str] = {}
        self.declared = {
            row: account.person
            for row, account in enumerate(accounts)
            if account.source == PROJECT_SOURCE and account.person
        }

    def root(self, row: int) -> int:
        while self.parents[row] != row:
            self.parents[row] = self.parents[self.parents[row]]
            row = self.parents[row]
        return row

    def join(self, first: int, second: int, reason: str) -> None:
        low, high = sorted((self.root(first), self.root(second)))
        persons = {self.declared[row] for row in (low, high) if row in self.declared}
        if len(persons) > 1:
            return  # dx.toml says these are two people
        self.reasons.setdefault(first, reason)
        self.reasons.setdefault(second, reason)
        if low != high:
            self.parents[high] = low
            if persons:
                self.declared[low] = persons.pop()


def _merged(accounts: Sequence[Account], rules: Rules) -> _Clusters:
    """The rows joined rung by rung, strongest evidence first."""
    clusters = _Clusters(accounts)
    evidence: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row, account in enumerate(accounts):
        for reason, key in _evidence(account, rules):
            evidence[reason].append((key, row))
    declared = {key for key, row in evidence[CONFIG] if accounts[row].source == PROJECT_SOURCE}
    evidence[CONFIG] = [(key, row) for key, row in evidence[CONFIG] if key in declared]
    for reason in (CONFIG, SOURCE, ACCOUNT, EMAIL, NOREPLY_ADDRESS, LOGIN):
        first: dict[str, int] = {}
        for key, row in evidence[reason]:
            if first.setdefault(key, row) != row:
                clusters.join(first[key], row, reason)
    return clusters


def _evidence(account: Account, rules: Rules) -> Iterator[tuple[str, str]]:
    """(rung, key) pairs: accounts that share a key are the same person by that rung."""
    source, login = account.source, (account.login or "").casefold()
    email = _mailbox(account.email, rules.plus_tag_domains)
    for key in _config_keys(account, email):
        yield CONFIG, key
    if source == PROJECT_SOURCE:
        return
    if account.person:
        yield SOURCE, f"{source}:{account.person}"
    kind = rules.kinds.get(source, "")
    for number, group in enumerate(rules.same_logins):
        if source in group:
            yield ACCOUNT, f"{number}:{kind}:{account.account}"
            if login:
                yield LOGIN, f"{number}:{login}"
    if email:
        yield EMAIL, email
    forge = FORGES.get(kind)
    if forge:
        yield NOREPLY_ADDRESS, f"{forge}:id:{account.account}"
        if login:
            yield NOREPLY_ADDRESS, f"{forge}:login:{login}"
    yield from ((NOREPLY_ADDRESS, key) for key in _noreply_keys(account.email))


def _config_keys(account: Account, email: str | None) -> Iterator[str]:
    """What dx.toml may call this account: an address, a login, `source:login`; and a declared person's name."""
    if account.source == PROJECT_SOURCE:
        yield (email or account.account).casefold()
        if account.person:
            yield f"person {account.person}"
        return
    if email:
        yield email
    for handle in {account.account.casefold(), (account.login or "").casefold()} - {""}:
        yield handle
        yield f"{account.source.casefold()}:{handle}"


def _mailbox(email: str | None, plus_tag_domains: Iterable[str]) -> str | None:
    """The address by which a person is recognised, or None where many people share it."""
    local, _, domain = (email or "").strip().casefold().rpartition("@")
    if not local or "." not in domain or domain.startswith("localhost") or local in SHARED_MAILBOXES:
        return None
    if domain in {name.casefold() for name in plus_tag_domains}:
        local = local.partition("+")[0]
    return f"{local}@{domain}"


def _noreply_keys(email: str | None) -> Iterator[str]:
    """Account id and login that a private address of GitHub or GitLab states."""
    match = NOREPLY.match((email or "").strip().casefold())
    if match is None:
        return
    github_id, github_login, github, gitlab_id, gitlab_login, gitlab = match.groups()
    host = github or gitlab
    if number := github_id or gitlab_id:
        yield f"{host}:id:{number}"
    yield f"{host}:login:{github_login or gitlab_login}"


def _person_id(accounts: Sequence[Account]) -> str:
    """The smallest key among the strongest kind of name the person has: stable while that account exists."""
    declared = [f"{PROJECT_SOURCE}:{row.person}" for row in accounts if row.source == PROJECT_SOURCE and row.person]
    collected = [row for row in accounts if row.source != PROJECT_SOURCE]
    stated = [f"{row.source}:{row.person}" for row in collected if row.person]
    own = [f"{row.source}:{row.account}" for row in collected or accounts]
    return min(declared or stated or own)


def _display_name(accounts: Sequence[Account]) -> str:
    """A name for people to read; never a mail address."""
    named = next((row.name for row in accounts if row.name), None)
    login = next((row.login for row in accounts if row.login), None)
    return named or login or accounts[0].account.partition("@")[0] or accounts[0].account


def _kind(accounts: Sequence[Account], rules: Rules) -> str:
    """human, bot, agent or service; unknown where no source says so and no pattern matches."""
    declared = sorted({row.kind for row in accounts if row.source == PROJECT_SOURCE and row.person})
    if declared:
        return declared[0]
    said = {row.kind for row in accounts}
    handles = {handle for row in accounts for handle in _handles(row)}
    for kind, expression in (("agent", rules.agent_pattern), ("bot", rules.bot_pattern)):
        if kind in said or any(re.match(expression, handle) for handle in handles):
            return kind
    return next((kind for kind in ("service", "human") if kind in said), "unknown")


def _handles(account: Account) -> Iterator[str]:
    """What bot patterns are matched with."""
    yield from filter(None, (account.account, account.login, account.name, account.email))
    match = NOREPLY.match((account.email or "").casefold())
    if match:
        yield match.group(2) or match.group(5)
