"""GitLab's webhooks, of projects, groups and the whole server: which scopes each kind of event is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dxmetrics.collectors.webhooks import (
    Headers,
    Looks,
    Webhook,
    delivery_id,
    either,
    field,
    number,
    shared_token,
    standard_webhooks,
    text,
)

GIT = "/git"  # after a project's id: its mirror
TEAMS = "teams:"  # before a group's path
PUSHES = frozenset({"push", "repository_update", "tag_push"})
# What is read of a project. Jobs come with their pipeline, whose own event follows theirs.
CONTENTS = frozenset({"deployment", "issue", "merge_request", "pipeline", "release", "work_item"})
COMMENTED = frozenset({"Issue", "MergeRequest", "WorkItem"})
PEOPLE = frozenset({"user_add_to_group", "user_remove_from_group", "user_update_for_group"})
LISTS = frozenset(
    {
        "group_create", "group_destroy", "group_rename", "project_create", "project_destroy", "project_rename",
        "project_transfer", "project_update", "subgroup_create", "subgroup_destroy",
    }
)  # fmt: skip


def looks(_headers: Headers, payload: Mapping[str, Any]) -> Looks:
    """The scopes that an event is about: a project, its mirror, the teams of a group, or all of them.

    The body tells the kind; of the server's own hooks the header does not. Of a group's path it has the last part only:
    the members of one that is named by a longer path are read once a day as ever.
    """
    event = field(payload, "object_kind") or field(payload, "event_name")
    if not isinstance(event, str):
        return ()
    if event in PUSHES:
        return _project(payload), _project(payload) + GIT
    if event in CONTENTS:
        is_merged = event == "merge_request" and field(payload, "object_attributes.action") == "merge"
        return (_project(payload), *((_project(payload) + GIT,) if is_merged else ()))
    if event == "note":
        return (_project(payload),) if field(payload, "object_attributes.noteable_type") in COMMENTED else ()
    if event in PEOPLE:
        return (TEAMS + text(payload, "group_path"),)
    return None if event in LISTS else ()


def _project(payload: Mapping[str, Any]) -> str:
    return str(number(payload, "project.id", "project_id"))


WEBHOOK = Webhook(
    # The signing token first: it is what GitLab recommends, and sends beside the older secret token.
    either(standard_webhooks(), shared_token("x-gitlab-token")),
    delivery_id("webhook-id", "idempotency-key"),
    looks,
)
