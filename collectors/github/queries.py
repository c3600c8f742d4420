"""The GraphQL queries, each as frugal as GitHub's cost rule allows: a point is a hundred connections.

The rule: requests assuming every limit is reached, divided by 100, rounded, at least one. With seven connections below
each request 21 requests cost one point, and 49 three.
"""

ACTOR = """
fragment actor on Actor {
  __typename login
  ... on User { databaseId name }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }
}
"""

PULL = """
fragment pull on PullRequest {
  id fullDatabaseId number title bodyText url state isDraft createdAt updatedAt closedAt mergedAt
  baseRefName headRefName headRefOid additions deletions changedFiles
  author { ...actor } mergedBy { ...actor }
  mergeCommit { oid messageHeadline parents(first: 2) { totalCount } }
  labels(first: 10) { totalCount nodes { name } }
  closingIssuesReferences(first: 5) { nodes { fullDatabaseId number } }
  files(first: 50) { totalCount nodes { path } }
  commits(first: 50) { totalCount nodes { commit {
    oid authoredDate committedDate messageHeadline author { name email user { login databaseId name } }
  } } }
  reviews(first: 20, states: [APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED]) { totalCount nodes {
    fullDatabaseId state submittedAt url author { ...actor } comments { totalCount }
  } }
  timelineItems(
    first: 20
    itemTypes: [READY_FOR_REVIEW_EVENT, CONVERT_TO_DRAFT_EVENT, ADDED_TO_MERGE_QUEUE_EVENT]
  ) { totalCount nodes {
    __typename
    ... on ReadyForReviewEvent { createdAt }
    ... on ConvertToDraftEvent { createdAt }
    ... on AddedToMergeQueueEvent { createdAt }
  } }
}
"""

CHANGES = (
    """
query Changes($owner: String!, $name: String!, $n: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequests(first: $n, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
      pageInfo { hasNextPage endCursor } nodes { ...pull }
    }
  }
}
"""
    + PULL
    + ACTOR
)

# What does not fit into a page of a request: from the beginning for many at once, and on for those with still more.
TAILS = {
    "commits": """commits(first: 100, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { commit {
      oid authoredDate committedDate messageHeadline author { name email user { login databaseId name } }
    } } }""",
    "reviews": """reviews(
      first: 100, after: $after, states: [APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED]
    ) { totalCount pageInfo { hasNextPage endCursor } nodes {
      fullDatabaseId state submittedAt url author { ...actor } comments { totalCount }
    } }""",
    "files": """files(first: 100, after: $after) {
      totalCount pageInfo { hasNextPage endCursor } nodes { path }
    }""",
    "labels": """labels(first: 100, after: $after) {
      totalCount pageInfo { hasNextPage endCursor } nodes { name }
    }""",
    "timelineItems": """timelineItems(
      first: 100, after: $after
      itemTypes: [READY_FOR_REVIEW_EVENT, CONVERT_TO_DRAFT_EVENT, ADDED_TO_MERGE_QUEUE_EVENT]
    ) { totalCount pageInfo { hasNextPage endCursor } nodes {
      __typename
      ... on ReadyForReviewEvent { createdAt }
      ... on ConvertToDraftEvent { createdAt }
      ... on AddedToMergeQueueEvent { createdAt }
    } }""",
}


def tail(kind: str) -> str:
    """The query for more of one connection of many requests."""
    body = TAILS[kind]
    uses = ACTOR if "...actor" in body else ""
    nodes = f"nodes(ids: $ids) {{ id ... on PullRequest {{ {body} }} }}"
    return f"query Tail($ids: [ID!]!, $after: String) {{ {nodes} }}{uses}"


DEPLOYMENT = """
fragment deployment on Deployment {
  id databaseId createdAt environment originalEnvironment state task commitOid ref { name } creator { ...actor }
  statuses(first: 30) { totalCount nodes { state createdAt logUrl environmentUrl } }
}
"""

DEPLOYMENTS = (
    """
query Deployments($owner: String!, $name: String!, $n: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    deployments(first: $n, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
      pageInfo { hasNextPage endCursor } nodes { ...deployment }
    }
  }
}
"""
    + DEPLOYMENT
    + ACTOR
)

DEPLOYMENTS_BY_ID = "query DeploymentsById($ids: [ID!]!) { nodes(ids: $ids) { ...deployment } }" + DEPLOYMENT + ACTOR

CHECKS = """
query Checks($ids: [ID!]!, $after: String) {
  nodes(ids: $ids) {
    id
    ... on CheckSuite {
      checkRuns(first: 50, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { databaseId name status conclusion startedAt completedAt url }
      }
    }
  }
}
"""

ISSUES = (
    """
query Issues($owner: String!, $name: String!, $n: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    issues(first: $n, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        fullDatabaseId number title url state createdAt updatedAt closedAt author { ...actor }
        labels(first: 20) { nodes { name } } assignees(first: 1) { nodes { login databaseId name } }
      }
    }
  }
}
"""
    + ACTOR
)

RELEASES = (
    """
query Releases($owner: String!, $name: String!, $n: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    releases(first: $n, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        databaseId tagName name isDraft isPrerelease createdAt publishedAt updatedAt url
        tagCommit { oid } author { ...actor }
      }
    }
  }
}
"""
    + ACTOR
)

IDS = {
    kind: f"""
query Ids($owner: String!, $name: String!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    {kind}(first: 100, after: $after, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      pageInfo {{ hasNextPage endCursor }} nodes {{ fullDatabaseId }}
    }}
  }}
}}
"""
    for kind in ("pullRequests", "issues")
}

REPOSITORY = """
fragment repository on Repository {
  databaseId nameWithOwner url isArchived isFork isEmpty createdAt pushedAt updatedAt
  defaultBranchRef { name } latestRelease { createdAt }
  pullRequests(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { updatedAt } }
  issues(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { updatedAt } }
  deployments(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { createdAt } }
}
"""

# 1 + 3 * 100 connections: three points for a hundred repositories.
ORGANISATION = (
    """
query Organisation($owner: String!, $after: String) {
  repositoryOwner(login: $owner) {
    __typename
    repositories(
      first: 100, after: $after, ownerAffiliations: [OWNER], orderBy: {field: PUSHED_AT, direction: DESC}
    ) { pageInfo { hasNextPage endCursor } nodes { ...repository } }
  }
}
"""
    + REPOSITORY
)


def named(count: int) -> str:
    """The query for `count` repositories by owner and name."""
    arguments = ", ".join(f"$owner{place}: String!, $name{place}: String!" for place in range(count))
    fields = " ".join(
        f"r{place}: repository(owner: $owner{place}, name: $name{place}) {{ ...repository }}" for place in range(count)
    )
    return f"query Named({arguments}) {{ {fields} }}{REPOSITORY}"


OWNERS = """
query Owners($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    first: object(expression: "HEAD:.github/CODEOWNERS") { ... on Blob { text } }
    second: object(expression: "HEAD:CODEOWNERS") { ... on Blob { text } }
    third: object(expression: "HEAD:docs/CODEOWNERS") { ... on Blob { text } }
  }
}
"""

TEAMS = """
query Teams($owner: String!, $after: String) {
  organization(login: $owner) {
    teams(first: 20, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id combinedSlug name url parentTeam { combinedSlug }
        members(first: 100) { pageInfo { hasNextPage endCursor } nodes { login databaseId name } }
      }
    }
  }
}
"""

MEMBERS = """
query Members($id: ID!, $after: String) {
  node(id: $id) { ... on Team {
    members(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { login databaseId name } }
  } }
}
"""
