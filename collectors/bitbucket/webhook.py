"""Webhooks of Bitbucket Cloud: how they are signed, and which scopes each kind of event is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dxmetrics.collectors.webhooks import Headers, Looks, Webhook, delivery_id, field, hmac_sha256, text

MIRROR = "git"  # after a repository's id and a slash
CONTENTS = ("issue:", "pullrequest:")
STATUSES = "repo:commit_status_"
MERGED = "pullrequest:fulfilled"
LISTS = frozenset({"repo:created", "repo:deleted", "repo:imported", "repo:transfer", "repo:updated"})


def looks(headers: Headers, payload: Mapping[str, Any]) -> Looks:
    """The scopes that an event is about: a repository, its mirror, or all of them.

    Pipelines have no event of their own: each sets a build status when it begins and when it ends. A look takes four
    requests of a small quota, so that only the end is worth one.
    """
    event = headers.get("x-event-key", "")
    if event in {"repo:push", MERGED}:
        return _repository(payload), f"{_repository(payload)}/{MIRROR}"
    has_ended = event.startswith(STATUSES) and field(payload, "commit_status.state") != "INPROGRESS"
    if has_ended or event.startswith(CONTENTS):
        return (_repository(payload),)
    return None if event in LISTS else ()


def _repository(payload: Mapping[str, Any]) -> str:
    return text(payload, "repository.uuid")


WEBHOOK = Webhook(hmac_sha256("x-hub-signature", "sha256="), delivery_id("x-request-uuid"), looks)
