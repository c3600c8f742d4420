"""The canonical records: the few types every source maps into.

Keys. `ext_id` is the vendor's immutable id as text; the engine adds the source's name, and `(source, ext_id)` is the
key of a row. A reference to another record (`repository`, `change`, `author` ...) holds that record's `ext_id` in the
same source or, across sources, its natural name: `host/org/name` for a repository, a name for a service or a team.

Time. Instants are aware and kept in UTC; a naive one is refused. Durations are never stored: they are differences of
instants. Missing is None, never zero: absent line counts stay None.
"""

from datetime import UTC, date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
Text = Annotated[str, Field(min_length=1)]

ChangeState = Literal["open", "merged", "closed", "unknown"]
MergeMethod = Literal["merge", "squash", "rebase", "fast_forward", "direct", "unknown"]
Verdict = Literal["approved", "changes_requested", "commented", "dismissed", "unknown"]
Result = Literal["success", "failure", "error", "timeout", "cancellation", "skip", "unknown"]
DeploymentStatus = Literal["success", "failure", "cancelled", "superseded", "running", "unknown"]
DeploymentKind = Literal["change", "hotfix", "rollback", "redeploy", "config"]
ActorKind = Literal["human", "bot", "agent", "service", "unknown"]


class Record(BaseModel):
    """What every record has: its key in the source, a link for people, and the vendor's own modification time."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    ext_id: Text
    url: str | None = None
    updated_at: Instant | None = None


class Repository(Record):
    """A version-controlled code base."""

    name: Text = Field(description="`host/org/name`, or the folder's name where there is no host")
    aliases: tuple[str, ...] = Field(default=(), description="earlier names, and other names it is referred to by")
    default_branch: str | None = None
    team: str | None = Field(default=None, description="the team that owns it, where the host says (CODEOWNERS)")
    is_archived: bool = False
    is_fork: bool = False
    created_at: Instant | None = None
    pushed_at: Instant | None = None


class Change(Record):
    """A pull or merge request, or a push to the default branch that had none."""

    repository: Text
    kind: Literal["pull_request", "direct_push"] = "pull_request"
    number: int | None = None
    title: str = ""
    state: ChangeState = "unknown"
    is_draft: bool = False
    author: str | None = Field(default=None, description="the account's `ext_id`, see Identity")
    merged_by: str | None = None
    opened_at: Instant | None = None
    ready_at: Instant | None = Field(default=None, description="last time it left draft; None: never was a draft")
    queued_at: Instant | None = Field(default=None, description="entered the merge queue")
    merged_at: Instant | None = None
    closed_at: Instant | None = None
    first_commit_at: Instant | None = Field(default=None, description="earliest author date as listed before merge")
    base_branch: str | None = None
    head_branch: str | None = None
    head_sha: str | None = None
    merge_sha: str | None = Field(default=None, description="the commit on the base branch that carries the change")
    merge_method: MergeMethod = "unknown"
    is_revert: bool = False
    reverts: str | None = Field(default=None, description="the reverted change's `ext_id` or `#number`, or a commit")
    lines_added: int | None = None
    lines_deleted: int | None = None
    files_changed: int | None = None
    commits_count: int | None = None
    labels: tuple[str, ...] = ()
    paths: tuple[str, ...] | None = Field(default=None, description="files touched; None: not collected")
    service: str | None = Field(default=None, description="only where the source itself names it")


class ChangeCommit(Record):
    """A commit of a change as listed before merge."""

    change: Text
    sha: Text
    authored_at: Instant | None = None
    committed_at: Instant | None = None
    author: str | None = None


class Commit(Record):
    """A commit in a repository's history. `ext_id` is `repository@sha`: forks share commits."""

    repository: Text
    sha: Text
    parents: tuple[str, ...] = ()
    authored_at: Instant | None = None
    committed_at: Instant | None = None
    author: str | None = None
    co_authors: tuple[str, ...] = ()
    headline: str = ""
    cherry_pick_of: str | None = Field(default=None, description="sha of the original, by trailer or patch-id")
    is_ai_assisted: bool | None = Field(default=None, description="by trailer; None: not looked at")
    lines_added: int | None = None
    lines_deleted: int | None = None
    paths: tuple[str, ...] | None = None


class Review(Record):
    """One submitted review or review comment on a change."""

    change: Text
    reviewer: str | None = None
    verdict: Verdict = "unknown"
    submitted_at: Instant
    comments: int | None = None


class PipelineRun(Record):
    """One attempt of a CI pipeline. Result words are OpenTelemetry's `cicd.pipeline.result`."""

    repository: str | None = None
    name: Text
    service: str | None = None
    change: str | None = None
    trigger: Literal["push", "change", "schedule", "manual", "api", "unknown"] = "unknown"
    branch: str | None = None
    sha: str | None = None
    attempt: int = 1
    result: Result | None = Field(default=None, description="None: not finished")
    queued_at: Instant | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None


class Job(Record):
    """One task of a pipeline run. `task_type` is OpenTelemetry's `cicd.pipeline.task.type`."""

    pipeline_run: Text
    name: Text
    task_type: Literal["build", "test", "deploy", "unknown"] = "unknown"
    runner: str | None = None
    attempt: int = 1
    result: Result | None = None
    queued_at: Instant | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None
    billable_seconds: int | None = None


class Deployment(Record):
    """One attempt to put a version of a service into an environment."""

    service: str | None = None
    repository: str | None = None
    environment: Text = "production"
    status: DeploymentStatus = "unknown"
    reached_users: bool | None = Field(default=None, description="of a failed one; None: not known")
    kind: DeploymentKind | None = Field(default=None, description="only where the source states it")
    sha: str | None = None
    previous_sha: str | None = None
    version: str | None = None
    line: str | None = Field(default=None, description="release line, e.g. `2.1`; lines are patched side by side")
    artifact: str | None = Field(default=None, description="package URL")
    rollout: str | None = Field(default=None, description="id shared by the regions of one rollout")
    created_at: Instant | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None
    actor: str | None = None
    via: Literal["api", "pipeline", "gitops", "release", "branch", "event", "unknown"] = "unknown"
    changes: tuple[str, ...] = Field(default=(), description="`ext_id` of shipped changes, where the source lists them")
    caused_by_incident: str | None = Field(default=None, description="the incident it repairs")
    fixes_deployment: str | None = Field(default=None, description="the failed deployment it repairs")


class Incident(Record):
    """An event that hurt users. DORA metrics read `kind = incident` only."""

    kind: Literal["incident", "alert", "error_group"] = "incident"
    title: str = ""
    severity: int | None = Field(default=None, ge=0, le=5, description="1 is worst; None: the source has none")
    status: Literal["open", "acknowledged", "mitigated", "resolved", "unknown"] = "unknown"
    services: tuple[str, ...] = ()
    team: str | None = None
    started_at: Instant | None = None
    detected_at: Instant
    acknowledged_at: Instant | None = None
    mitigated_at: Instant | None = None
    resolved_at: Instant | None = None
    caused_by_deployment: str | None = None


class Issue(Record):
    """A work item or ticket of a tracker."""

    key: Text
    repository: str | None = Field(default=None, description="where the issue is kept with the code")
    type: str = ""
    title: str = ""
    status: str = ""
    status_category: Literal["todo", "doing", "done", "unknown"] = "unknown"
    capability: str | None = Field(default=None, description="the platform capability a ticket asks for")
    service: str | None = None
    team: str | None = None
    author: str | None = None
    assignee: str | None = None
    created_at: Instant
    started_at: Instant | None = None
    first_response_at: Instant | None = None
    done_at: Instant | None = None
    labels: tuple[str, ...] = ()


class IssueTransition(Record):
    """One change of one field of an issue."""

    issue: Text
    field: Text
    from_value: str | None = None
    to_value: str | None = None
    actor: str | None = None
    occurred_at: Instant


class Identity(Record):
    """An account of a person or a machine in one source; `ext_id` is what authors and reviewers refer to."""

    login: str | None = None
    name: str | None = None
    email: str | None = None
    kind: ActorKind = "unknown"
    person: str | None = Field(default=None, description="only where the source itself says who it is")


class Team(Record):
    """A group of people that owns services. `ext_id` is its slug."""

    name: Text
    parent: str | None = None


class Membership(Record):
    """A person in a team from a day on, until a day (excluded) or still."""

    team: Text
    person: Text = Field(description="a person's key, an account, or an address")
    valid_from: date | None = None
    valid_to: date | None = None


class Service(Record):
    """A deployable component. `ext_id` is its name."""

    name: Text
    type: str | None = None
    lifecycle: str | None = None
    tier: int | None = None
    language: str | None = None
    team: str | None = None
    system: str | None = None
    repository: str | None = None
    paths: tuple[str, ...] = Field(default=(), description="globs; empty: the whole repository")
    created_at: Instant | None = None
    template: str | None = None
    template_version: str | None = None


class TemplateUse(Record):
    """A repository that was made from a template, as a file in it says. `ext_id` is the repository's."""

    repository: Text
    template: Text = Field(description="`host/org/name` of a template that is a repository, else its name")
    version: str | None = Field(default=None, description="the version taken over last, or its commit")


class UsageFact(Record):
    """A daily count a vendor reports about a person, team, service or organisation."""

    occurred_on: date
    provider: Text
    subject_kind: Literal["person", "team", "service", "organisation"]
    subject: Text
    metric: Text
    value: float
    unit: str = "count"
    dimensions: dict[str, str] = Field(default_factory=dict)


class PlatformEvent(Record):
    """One value action on a platform capability: a deploy, a scaffold, an environment made."""

    occurred_at: Instant
    capability: Text
    action: Text
    outcome: Literal["success", "failure", "unknown"] = "unknown"
    person: str | None = None
    team: str | None = None
    service: str | None = None
    duration_seconds: float | None = None


class SurveyAnswer(BaseModel):
    """One answered item of a response."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: Text
    number: float | None = None
    text: str | None = None
    may_share: bool = Field(default=False, description="whether its writer lets the text be shown word for word")


class SurveyResponse(Record):
    """One anonymous response: a day instead of an instant, a cohort instead of a person.

    Kept in the answers store, never in the warehouse: `ext_id` as a keyed digest, texts apart from team and cohort.
    """

    survey: Text
    wave: Text
    submitted_on: date
    team: str | None = None
    cohort: str | None = None
    language: str | None = None
    answers: tuple[SurveyAnswer, ...] = ()


class CostLine(Record):
    """One charge in one period. `cost_kind` words are FOCUS's."""

    provider: Text
    period_start: date
    period_end: date
    resource: str | None = None
    category: str | None = None
    amount: Decimal
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    cost_kind: Literal["billed", "effective", "list"] = "billed"
    allocation: Literal["direct", "shared"] = "direct"
    service: str | None = None
    team: str | None = None
    capability: str | None = None


class Link(Record):
    """A stated or inferred relation between two records, with its evidence."""

    from_kind: Text
    from_id: Text
    relation: Literal["closes", "ships", "caused", "duplicates", "reverts"]
    to_kind: Text
    to_id: Text
    confidence: float = Field(default=1.0, ge=0, le=1)
    evidence: str = ""


RECORDS: tuple[type[Record], ...] = (
    Repository, Change, ChangeCommit, Commit, Review, PipelineRun, Job, Deployment, Incident, Issue, IssueTransition,
    Identity, Team, Membership, Service, TemplateUse, UsageFact, PlatformEvent, SurveyResponse, CostLine, Link,
)  # fmt: skip

PRIVATE: frozenset[type[Record]] = frozenset({SurveyResponse})  # kept apart, and shown only as results
LANDED = tuple(record for record in RECORDS if record not in PRIVATE)

IRREGULAR_PLURALS = {Repository: "repositories", Identity: "identities"}


def snake_name(record: type[Record]) -> str:
    """The record's name in snake case: `PipelineRun` -> `pipeline_run`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in record.__name__).lstrip("_")


def table_name(record: type[Record]) -> str:
    """The record's landing table: `PipelineRun` -> `pipeline_runs`."""
    return IRREGULAR_PLURALS.get(record, f"{snake_name(record)}s")


def by_table(name: str) -> type[Record]:
    """The record kept in landing table `name`; KeyError if there is none."""
    return {table_name(record): record for record in RECORDS}[name]
