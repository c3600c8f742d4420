"""GitHub's webhooks: how they are signed, and which scopes each kind of event is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dxmetrics.collectors.webhooks import Headers, Looks, Webhook, delivery_id, field, hmac_sha256, number, text

GIT = "/git"  # after a repository's id: its mirror
TEAMS = "teams:"  # before an organisation's name
# Commits and tags, which the mirror has too.
PUSHES = frozenset({"push", "create", "delete"})
# What is read of a repository. Jobs and checks come with their run, whose own event follows theirs.
CONTENTS = frozenset(
    {
        "deployment", "deployment_status", "issue_comment", "issues", "pull_request", "pull_request_review",
        "pull_request_review_comment", "pull_request_review_thread", "release", "workflow_run",
    }
)  # fmt: skip
PEOPLE = frozenset({"membership", "organization", "team"})
LISTS = frozenset({"installation", "installation_repositories", "installation_target", "public", "repository"})
LARGEST_NUMBER = 2**31 - 1  # what GraphQL gives as a node's number; of a larger one only the id is known there


def looks(headers: Headers, payload: Mapping[str, Any]) -> Looks:
    """The scopes that an event is about: a repository, its mirror, the teams of an organisation, or all of them."""
    event, action = headers.get("x-github-event"), field(payload, "action")
    if event in PUSHES or (event == "repository" and action == "edited"):
        return _repository(payload), _repository(payload) + GIT
    if event in CONTENTS:
        is_merged = action == "closed" and field(payload, "pull_request.merged") is True
        return (_repository(payload), *((_repository(payload) + GIT,) if is_merged else ()))
    if event == "organization" and action == "renamed":
        return None
    if event in PEOPLE:
        return (TEAMS + text(payload, "organization.login"),)
    return None if event in LISTS else ()


def _repository(payload: Mapping[str, Any]) -> str:
    """The id of the repository as the listing has it."""
    found = number(payload, "repository.id")
    return str(found) if found <= LARGEST_NUMBER else text(payload, "repository.node_id")


WEBHOOK = Webhook(hmac_sha256("x-hub-signature-256", "sha256="), delivery_id("x-github-delivery"), looks)
