"""Issues: the work items of a project, of whichever type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.records import Identity, Issue, Record

from .api import Answer, Payload, instant, needing, part, picked
from .people import account, everybody, trimmed
from .projects import Project
from .windows import Window

AT_ONCE = 200
IDS_AT_ONCE = 10_000  # a query for more than 20,000 is refused
NUMBER, CHANGED = "System.Id", "System.ChangedDate"
PEOPLE = ("System.CreatedBy", "System.AssignedTo")
FIELDS = (
    "System.Title", "System.WorkItemType", "System.State", "System.Tags", "System.CreatedDate", CHANGED,
    "Microsoft.VSTS.Common.ActivatedDate", "Microsoft.VSTS.Common.ClosedDate", "Microsoft.VSTS.Common.Severity",
)  # fmt: skip
Category = Literal["todo", "doing", "done", "unknown"]
CATEGORIES: Mapping[str, Category] = {
    "new": "todo", "to do": "todo", "proposed": "todo", "approved": "todo", "design": "todo", "active": "doing",
    "committed": "doing", "doing": "doing", "in progress": "doing", "open": "doing", "ready": "doing",
    "resolved": "doing", "closed": "done", "done": "done", "completed": "done", "removed": "done", "inactive": "done",
}  # fmt: skip


def issues(project: Project, earliest: datetime | None) -> Feed:
    """Work items by their last change; two requests for 200 of them."""
    return Feed("issues", (Issue,), partial(_read, project, earliest), sweep=partial(_present, project))


def _read(project: Project, earliest: datetime | None, position: Position) -> Slice:
    window = Window.at(position, earliest)
    limits = {">=": window.low_text, "<=": window.high_text}
    changed = [f"[{CHANGED}] {sign} '{text}'" for sign, text in limits.items() if text]
    with needing("issues"):
        ids, at = _ids(project, [*changed, *_below(window.mark)], AT_ONCE)
        found = _items(project, ids)
    # One that was changed since it was found is in another window now.
    answer = window.within(Answer(found, str(ids[-1]) if len(ids) == AT_ONCE else None, at), CHANGED)
    rows: dict[type[Record], list[Any]] = {
        Issue: [_payload(project, item) for item in answer.rows],
        Identity: everybody(item.get(role) for item in answer.rows for role in PEOPLE),
    }
    return replace(window.after(answer, CHANGED), rows=rows)


def _present(project: Project) -> Iterator[Mapping[type[Record], Sequence[str]]]:
    """The ids of all there are."""
    mark: str | None = None
    while True:
        with needing("issues"):
            ids, _ = _ids(project, _below(mark), IDS_AT_ONCE)
        yield {Issue: [issue_id(project.organisation, one) for one in ids]}
        if len(ids) < IDS_AT_ONCE:
            return
        mark = str(ids[-1])


def issue_id(organisation: str, number: Any) -> str:
    """A work item's id, which stays when it moves to another project of the organisation."""
    return f"{organisation.lower()}/{number}"


def _below(mark: str | None) -> list[str]:
    return [f"[System.Id] < {int(mark)}"] if mark else []


def _ids(project: Project, conditions: Sequence[str], most: int) -> tuple[list[int], datetime | None]:
    """The ids of work items that meet the conditions, the largest first, and when they were told."""
    where = " AND ".join(["[System.TeamProject] = @project", *conditions])
    query = f"SELECT [System.Id] FROM WorkItems WHERE {where} ORDER BY [System.Id] DESC"
    params = {"timePrecision": "true", "$top": most}
    found = project.api.ask(project.path("wit/wiql"), {"query": query}, params)
    ids = [int(item["id"]) for item in found.get("workItems") or ()]
    return ids, project.api.client.server_time()


def _items(project: Project, ids: Sequence[int]) -> list[Payload]:
    """The fields of work items; one that is gone is left out."""
    if not ids:
        return []
    question = {"ids": list(ids), "fields": [NUMBER, *FIELDS, *PEOPLE], "errorPolicy": "omit"}
    found = project.api.ask(project.path("wit/workitemsbatch"), question)
    return [{**item["fields"], NUMBER: item["id"]} for item in found.get("value") or () if item]


def _payload(project: Project, item: Payload) -> dict[str, Any]:
    return {
        "organisation": project.organisation,
        "project": project.name,
        "web": f"{project.api.home}/{part(project.organisation)}/_workitems/edit/{item[NUMBER]}",
        "item": picked(item, (NUMBER, *FIELDS)) | {role: trimmed(item.get(role)) for role in PEOPLE},
    }


def issue(payload: Mapping[str, Any]) -> Issue:
    """A work item; its tags and severity are its labels. It is done when it was closed last, and is closed still."""
    fields = payload["item"]
    state = fields.get("System.State") or ""
    done_at = instant(fields.get("Microsoft.VSTS.Common.ClosedDate"))
    tags = [tag.strip() for tag in (fields.get("System.Tags") or "").split(";")]
    created_at = instant(fields["System.CreatedDate"])
    if created_at is None:
        raise KeyError("System.CreatedDate")
    category = CATEGORIES.get(state.lower(), "done" if done_at else "unknown")
    return Issue(
        ext_id=issue_id(payload["organisation"], fields[NUMBER]),
        url=payload.get("web"),
        updated_at=instant(fields.get(CHANGED)),
        key=f"{payload['project']}#{fields[NUMBER]}",
        type=fields.get("System.WorkItemType") or "",
        title=fields.get("System.Title") or "",
        status=state,
        status_category=category,
        author=account(fields.get("System.CreatedBy")),
        assignee=account(fields.get("System.AssignedTo")),
        created_at=created_at,
        started_at=instant(fields.get("Microsoft.VSTS.Common.ActivatedDate")),
        done_at=done_at,
        labels=tuple(label for label in (*tags, fields.get("Microsoft.VSTS.Common.Severity")) if label),
    )
