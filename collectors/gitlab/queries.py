"""The GraphQL queries. GitLab scores a query before it answers: at most 250 for most servers, 200 without a token.

The score of a connection is that of what is asked of a row, and a hundredth of it for each row asked for. So a few long
lists below a row cost little, and page sizes are halved on the way where a server allows less than usual.

A field that an older GitLab may lack stands in a line of its own, with what is below it, and in `OPTIONAL`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

USER = "id username name bot"
PAGE_INFO = "pageInfo { hasNextPage endCursor }"
SCORE = "queryComplexity { score limit }"
BELOW = 100  # rows of a connection below a row: the most there are in one answer
OPTIONAL = {
    ("MergeRequest", "diffStatsSummary"): "how many lines a merge request changes",
    ("MergeRequest", "diffStats"): "which files a merge request changes",
    ("MergeRequest", "closedAt"): "when a merge request was closed",
    ("MergeRequest", "mergeUser"): "who merged a request",
    ("MergeRequest", "squash"): "whether a merge request was squashed",
    ("Pipeline", "name"): "what a pipeline is called",
    ("Pipeline", "sourceJob"): "which job started a child pipeline",
    ("Pipeline", "mergeRequest"): "which merge request a pipeline is for",
    ("CiJob", "queuedAt"): "when a job was queued",
    ("CiJob", "manualJob"): "which jobs a person starts",
    ("CiJob", "retried"): "which jobs were run again",
    ("CiJob", "runner"): "which runner a job had",
}


@dataclass(frozen=True)
class Below:
    """A connection below a merge request or a pipeline, and what is asked of each row."""

    name: str
    rows: str

    def first(self, after: str = "") -> str:
        """Its first rows, or the next after a cursor."""
        place = f", after: {after}" if after else ""
        return f"{self.name}(first: {BELOW}{place}) {{ {PAGE_INFO} nodes {{ {self.rows} }} }}"


COMMITS = Below("commits", f"sha authoredDate committedDate authorName authorEmail author {{ {USER} }}")
NOTES = Below("notes", f"id system body createdAt url author {{ {USER} }}")
JOBS = Below(
    "jobs",
    """
            id name status createdAt startedAt finishedAt webPath
            queuedAt
            manualJob
            retried
            runner { description }
    """,
)

_BY_UPDATE = "first: $n, after: $after, updatedAfter: $from, updatedBefore: $to"
_STRETCH = "$path: ID!, $n: Int!, $after: String, $from: Time, $to: Time"

CHANGES = f"""
query Changes({_STRETCH}) {{
  {SCORE}
  project(fullPath: $path) {{
    mergeRequests({_BY_UPDATE}, sort: UPDATED_DESC) {{
      {PAGE_INFO}
      nodes {{
        id iid title description state draft createdAt updatedAt mergedAt webUrl sourceBranch targetBranch
        diffHeadSha mergeCommitSha
        author {{ {USER} }}
        labels(first: {BELOW}) {{ nodes {{ title }} }}
        {COMMITS.first()}
        {NOTES.first()}
        closedAt
        squash
        mergeUser {{ {USER} }}
        diffStatsSummary {{ additions deletions fileCount }}
        diffStats {{ path }}
      }}
    }}
  }}
}}"""

ISSUES = f"""
query Issues({_STRETCH}) {{
  {SCORE}
  project(fullPath: $path) {{
    issues({_BY_UPDATE}, sort: UPDATED_DESC) {{
      {PAGE_INFO}
      nodes {{
        id iid title type state createdAt updatedAt closedAt webUrl
        author {{ {USER} }}
        assignees(first: 10) {{ nodes {{ {USER} }} }}
        labels(first: {BELOW}) {{ nodes {{ title }} }}
      }}
    }}
  }}
}}"""

PIPELINES = f"""
query Pipelines({_STRETCH}, $source: String) {{
  {SCORE}
  project(fullPath: $path) {{
    pipelines({_BY_UPDATE}, source: $source) {{
      {PAGE_INFO}
      nodes {{
        id status createdAt updatedAt startedAt finishedAt
        name
        sourceJob {{ name }}
        mergeRequest {{ id }}
        {JOBS.first()}
      }}
    }}
  }}
}}"""

RELEASES = f"""
query Releases($path: ID!, $n: Int!, $after: String) {{
  {SCORE}
  project(fullPath: $path) {{
    releases(first: $n, after: $after, sort: CREATED_DESC) {{
      {PAGE_INFO}
      nodes {{ tagName name createdAt releasedAt author {{ {USER} }} commit {{ sha }} links {{ selfUrl }} }}
    }}
  }}
}}"""

RELEASE = f"""
query Release($path: ID!, $tag: String!) {{
  project(fullPath: $path) {{
    release(tagName: $tag) {{
      tagName name createdAt releasedAt author {{ {USER} }} commit {{ sha }} links {{ selfUrl }}
    }}
  }}
}}"""

USERS = f"""
query Users($ids: [ID!], $n: Int!) {{
  users(ids: $ids, first: $n) {{ nodes {{ {USER} }} }}
}}"""

_MEMBERS = f"groupMembers(first: {BELOW}, relations: [DIRECT]) {{ {PAGE_INFO} nodes {{ user {{ {USER} }} }} }}"
_GROUP = f"fullPath name webUrl parent {{ fullPath }} {_MEMBERS}"

TEAMS = f"""
query Teams($path: ID!, $n: Int!, $after: String) {{
  {SCORE}
  group(fullPath: $path) {{
    {_GROUP}
    descendantGroups(first: $n, after: $after) {{ {PAGE_INFO} nodes {{ {_GROUP} }} }}
  }}
}}"""

MEMBERS = f"""
query Members($path: ID!, $n: Int!, $after: String) {{
  group(fullPath: $path) {{
    groupMembers(first: $n, after: $after, relations: [DIRECT]) {{ {PAGE_INFO} nodes {{ user {{ {USER} }} }} }}
  }}
}}"""

# When the newest row of each list of many projects changed. Pipelines have no order by that: it is asked whether any
# changed lately, in three steps of time; whether any runs; and whether any child did.
_PROBES = {
    "changes": ("mergeRequests(first: 1, sort: UPDATED_DESC) { nodes { updatedAt } }",),
    "issues": ("issues(first: 1, sort: UPDATED_DESC) { nodes { updatedAt } }",),
    "releases": ("releases(first: 1, sort: CREATED_DESC) { nodes { createdAt } }",),
    "pipelines": (
        "step0: pipelines(first: 1, updatedAfter: $step0) { nodes { id } }",
        "step1: pipelines(first: 1, updatedAfter: $step1) { nodes { id } }",
        "step2: pipelines(first: 1, updatedAfter: $step2) { nodes { id } }",
        'children: pipelines(first: 1, updatedAfter: $step2, source: "parent_pipeline") { nodes { id } }',
        "running: pipelines(first: 1, status: RUNNING) { nodes { id } }",
    ),
}


def probe(reads: Collection[str]) -> str:
    """The query for what is new in many projects, as far as it is read; "" where none of it can be told so."""
    wanted = {"pipelines" if read == "deployments" else read for read in reads}
    lines = [line for read, lines in _PROBES.items() if read in wanted for line in lines]
    if not lines:
        return ""
    steps = ", $step0: Time!, $step1: Time!, $step2: Time!" if "pipelines" in wanted else ""
    asked = "\n      ".join(lines)
    return f"""
query Probe($ids: [ID!], $n: Int!{steps}) {{
  {SCORE}
  projects(ids: $ids, first: $n) {{
    nodes {{
      id
      {asked}
    }}
  }}
}}"""


def ids(connection: str) -> str:
    """The query for the ids of all merge requests or issues of a project."""
    return f"""
query Ids($path: ID!, $n: Int!, $after: String) {{
  project(fullPath: $path) {{
    {connection}(first: $n, after: $after, sort: CREATED_DESC) {{ {PAGE_INFO} nodes {{ id }} }}
  }}
}}"""


def oldest(reads: Collection[str]) -> str:
    """The query for what is oldest in a project, which may be older than itself where it was imported."""
    names = [name for read, name in (("changes", "mergeRequests"), ("issues", "issues")) if read in reads]
    asked = "\n    ".join(f"{name}(first: 1, sort: CREATED_ASC) {{ nodes {{ createdAt }} }}" for name in names)
    return f"""
query Oldest($path: ID!) {{
  project(fullPath: $path) {{
    id
    {asked}
  }}
}}"""


def rest(on: str, parts: Sequence[Below]) -> str:
    """The query for the next rows of several connections, `r0`, `r1` ...: of merge requests, or of the pipelines of
    one project.
    """
    places = range(len(parts))
    if on == "MergeRequest":
        given = ", ".join(f"$i{place}: MergeRequestID!, $a{place}: String!" for place in places)
        asked = [f"r{n}: mergeRequest(id: $i{n}) {{ {part.first(f'$a{n}')} }}" for n, part in enumerate(parts)]
        return f"query Rest({given}) {{\n  " + "\n  ".join(asked) + "\n}"
    given = ", ".join(f"$i{place}: CiPipelineID!, $a{place}: String!" for place in places)
    asked = [f"r{n}: pipeline(id: $i{n}) {{ {part.first(f'$a{n}')} }}" for n, part in enumerate(parts)]
    return f"query Rest($path: ID!, {given}) {{ project(fullPath: $path) {{\n  " + "\n  ".join(asked) + "\n} }"
