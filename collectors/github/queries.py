"""The GraphQL queries, each as frugal as GitHub's cost rule allows: a point is a hundred connections.

The rule: requests assuming every limit is reached, divided by 100, rounded, at least one. How many rows a connection
below another may have does not count, so these ask for as many as there usually are, and the rest of the few that have
more follows by `rest`. Below each pull request are seven connections: 21 of them cost one point, 49 three.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

ACTOR = """
fragment actor on Actor {
  __typename login
  ... on User { databaseId name }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }
}
"""
USER = "__typename login databaseId name"
PAGE_INFO = "pageInfo { hasNextPage endCursor }"
NEWEST = "orderBy: {field: UPDATED_AT, direction: DESC}"
LATEST = "orderBy: {field: CREATED_AT, direction: DESC}"


@dataclass(frozen=True)
class Below:
    """A connection below a node of type `on`: its arguments, and what is asked of each row."""

    name: str
    on: str
    rows: str
    arguments: str = ""
    counts: str = ""

    def first(self, size: int, after: str = "") -> str:
        """Its first rows, or the next after a cursor."""
        place = f", after: {after}" if after else ""
        return (
            f"{self.name}(first: {size}{place}{self.arguments}) {{ {self.counts} {PAGE_INFO} nodes {{ {self.rows} }} }}"
        )


COMMITS = Below(
    "commits",
    "PullRequest",
    f"commit {{ oid authoredDate committedDate messageHeadline author {{ name email user {{ {USER} }} }} }}",
    counts="totalCount",
)
FILES = Below("files", "PullRequest", "path", counts="totalCount")
REVIEWS = Below(
    "reviews",
    "PullRequest",
    "fullDatabaseId state submittedAt url author { ...actor } comments { totalCount }",
    ", states: [APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED]",
)
# Its totalCount is that of the whole timeline, whatever is asked for.
EVENTS = Below(
    "timelineItems",
    "PullRequest",
    "__typename ... on ReadyForReviewEvent { createdAt } ... on AddedToMergeQueueEvent { createdAt }",
    ", itemTypes: [READY_FOR_REVIEW_EVENT, ADDED_TO_MERGE_QUEUE_EVENT]",
)
CLOSES = Below("closingIssuesReferences", "PullRequest", "fullDatabaseId")
STATUSES = Below("statuses", "Deployment", "state createdAt logUrl")
CHECK_RUNS = Below("checkRuns", "CheckSuite", "id databaseId name status conclusion startedAt completedAt detailsUrl")
MEMBERS = Below("members", "Team", USER, ", membership: IMMEDIATE")

PULL_PARTS = (COMMITS, FILES, REVIEWS, EVENTS, CLOSES)


def _listing(name: str, connection: str, order: str, rows: str, fragments: str = ACTOR) -> str:
    """The query for pages of one of a repository's connections."""
    return f"""
query {name}($owner: String!, $name: String!, $n: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    {connection}(first: $n, after: $after, {order}) {{ {PAGE_INFO} nodes {{ {rows} }} }}
  }}
}}
{fragments}"""


CHANGES = _listing(
    "Changes",
    "pullRequests",
    NEWEST,
    f"""
      id fullDatabaseId number title body url state isDraft createdAt updatedAt closedAt mergedAt
      baseRefName headRefName headRefOid additions deletions changedFiles
      author {{ ...actor }} mergedBy {{ ...actor }}
      mergeCommit {{ oid messageHeadline parents(first: 2) {{ totalCount }} }}
      labels(first: 100) {{ nodes {{ name }} }}
      {COMMITS.first(50)}
      {FILES.first(50)}
      {REVIEWS.first(50)}
      {EVENTS.first(20)}
      {CLOSES.first(10)}
""",
)

DEPLOYMENT = (
    "id databaseId createdAt environment originalEnvironment state task commitOid creator { ...actor } "
    + STATUSES.first(30)
)
DEPLOYMENTS = _listing("Deployments", "deployments", LATEST, DEPLOYMENT)
DEPLOYMENTS_BY_ID = (
    f"query DeploymentsById($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Deployment {{ {DEPLOYMENT} }} }} }}{ACTOR}"
)

CHECKS = f"query Checks($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on CheckSuite {{ {CHECK_RUNS.first(50)} }} }} }}"

ISSUES = _listing(
    "Issues",
    "issues",
    NEWEST,
    f"""fullDatabaseId number title url state createdAt updatedAt closedAt author {{ ...actor }}
      labels(first: 100) {{ nodes {{ name }} }} assignees(first: 1) {{ nodes {{ {USER} }} }}""",
)

RELEASES = _listing(
    "Releases",
    "releases",
    LATEST,
    f"""databaseId tagName isDraft isPrerelease createdAt publishedAt updatedAt url
      tagCommit {{ oid }} author {{ {USER} }}""",
    fragments="",
)


def ids(connection: str) -> str:
    """The query for the ids of all of a repository's requests or issues, a hundred for a point."""
    return _listing("Ids", connection, "orderBy: {field: CREATED_AT, direction: ASC}", "fullDatabaseId", fragments="")


def rest(parts: Sequence[Below]) -> str:
    """The query for the next rows below several nodes: node `$i0` after cursor `$a0`, and so on."""
    variables = ", ".join(f"$i{place}: ID!, $a{place}: String!" for place in range(len(parts)))
    nodes = "\n".join(
        f"  r{place}: node(id: $i{place}) {{ ... on {part.on} {{ {part.first(100, f'$a{place}')} }} }}"
        for place, part in enumerate(parts)
    )
    uses = ACTOR if any("...actor" in part.rows for part in parts) else ""
    return f"query Rest({variables}) {{\n{nodes}\n}}\n{uses}"


# What tells whether there is news. Three connections each: three points for a hundred repositories.
PROBES = {
    "changes": f"pullRequests(first: 1, {NEWEST}) {{ nodes {{ updatedAt }} }}",
    "issues": f"issues(first: 1, {NEWEST}) {{ nodes {{ updatedAt }} }}",
    "deployments": f"deployments(first: 1, {LATEST}) {{ nodes {{ createdAt }} }}",
    "releases": "latestRelease { createdAt publishedAt }",
}


CONNECTIONS = ("pullRequests", "issues", "deployments", "latestRelease")


def _repository(reads: Collection[str]) -> str:
    """What is asked of each repository: a token that may not see issues would hide it if it were asked for them."""
    asked = "\n  ".join(probe for read, probe in PROBES.items() if read in reads)
    return f"""
fragment repository on Repository {{
  id databaseId nameWithOwner url isArchived isFork isEmpty createdAt pushedAt updatedAt
  defaultBranchRef {{ name }}
  {asked}
}}
"""


def organisation(reads: Collection[str]) -> str:
    """The query for the repositories of an organisation or a person, a hundred at a time."""
    return f"""
query Organisation($owner: String!, $n: Int!, $after: String) {{
  repositoryOwner(login: $owner) {{
    __typename
    repositories(
      first: $n, after: $after, ownerAffiliations: [OWNER], orderBy: {{field: PUSHED_AT, direction: DESC}}
    ) {{ {PAGE_INFO} nodes {{ ...repository }} }}
  }}
}}
{_repository(reads)}"""


def named(count: int, reads: Collection[str]) -> str:
    """The query for `count` repositories by owner and name."""
    variables = ", ".join(f"$owner{place}: String!, $name{place}: String!" for place in range(count))
    fields = "\n".join(
        f"  r{place}: repository(owner: $owner{place}, name: $name{place}) {{ ...repository }}"
        for place in range(count)
    )
    return f"query Named({variables}) {{\n{fields}\n}}\n{_repository(reads)}"


# GitHub heeds the first of these that is there.
CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_FILES = " ".join(
    f'file{place}: object(expression: "HEAD:{path}") {{ ... on Blob {{ text }} }}'
    for place, path in enumerate(CODEOWNERS)
)
OWNERS = f"query Owners($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Repository {{ id {_FILES} }} }} }}"

TEAMS = f"""
query Teams($owner: String!, $n: Int!, $after: String) {{
  organization(login: $owner) {{
    teams(first: $n, after: $after) {{
      {PAGE_INFO} nodes {{ id combinedSlug name url parentTeam {{ combinedSlug }} {MEMBERS.first(100)} }}
    }}
  }}
}}
"""
