"""One HTTP client for every source: credentials, budgets learnt from the server, retries, and paging that ends."""

from dxmetrics.http.auth import Basic, Bearer, HeaderToken, Refreshed, signed_jwt
from dxmetrics.http.budget import LONGEST_WAIT, Budget, Budgets
from dxmetrics.http.client import ATTEMPTS, ATTEMPTS_BEFORE_LESS, Client
from dxmetrics.http.graphql import Answer, GraphqlError, Judge
from dxmetrics.http.limits import served_at
from dxmetrics.http.paging import PageSize, with_size

__all__ = [
    "ATTEMPTS", "ATTEMPTS_BEFORE_LESS", "LONGEST_WAIT", "Answer", "Basic", "Bearer", "Budget", "Budgets", "Client",
    "GraphqlError", "HeaderToken", "Judge", "PageSize", "Refreshed", "served_at", "signed_jwt", "with_size",
]  # fmt: skip
