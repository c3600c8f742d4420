"""Webhooks of Forgejo and Gitea: how they are signed, and which scopes each kind of event is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dxmetrics.collectors.webhooks import Headers, Looks, Webhook, delivery_id, either, field, hmac_sha256, number

GIT = "/git"  # after a repository's id: its mirror
PUSHES = frozenset({"create", "delete", "push"})
# What is read of a repository: `issue_label`, `pull_request_sync`, `action_run_failure` and others begin so. Jobs come
# with their run.
CONTENTS = ("action_run", "issue", "pull_request", "release", "workflow_run")


def looks(headers: Headers, payload: Mapping[str, Any]) -> Looks:
    """The scopes that an event is about: a repository, its mirror, or all of them. There is no event for teams."""
    event = headers.get("x-forgejo-event") or headers.get("x-gitea-event") or ""
    if event == "repository":
        return None
    if event in PUSHES:
        return _repository(payload), _repository(payload) + GIT
    if event.startswith(CONTENTS):
        is_merged = field(payload, "action") == "closed" and field(payload, "pull_request.merged") is True
        return (_repository(payload), *((_repository(payload) + GIT,) if is_merged else ()))
    return ()


def _repository(payload: Mapping[str, Any]) -> str:
    """The id of the repository; that of a run stands inside the run."""
    return str(number(payload, "repository.id", "run.repository.id"))


WEBHOOK = Webhook(
    either(hmac_sha256("x-forgejo-signature"), hmac_sha256("x-gitea-signature")),
    delivery_id("x-forgejo-delivery", "x-gitea-delivery"),
    looks,
)
