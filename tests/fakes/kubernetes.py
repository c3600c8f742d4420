"""A Kubernetes API server in the process: workloads by kind, in pages with a `continue` token that can expire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx2

Row = dict[str, Any]


@dataclass(eq=False)
class Kubernetes(httpx2.BaseTransport):
    """The server of a cluster. `kinds` it knows, such as `apps/v1/deployments`; others are answered with 404."""

    token: str = "secret"  # noqa: S105 - the fake's
    kinds: dict[str, list[Row]] = field(
        default_factory=lambda: {f"apps/v1/{kind}": [] for kind in ("deployments", "statefulsets", "daemonsets")}
    )
    status: int = 200  # of every answer but the first page
    requests: list[httpx2.Request] = field(default_factory=list)

    def run(self, name: str, kind: str = "apps/v1/deployments", *, namespace: str = "shop", **marks: str) -> Row:
        """A workload with these labels, `__` for a slash, `_` for a dash and `dot` for a dot."""
        labels = {key.replace("__", "/").replace("dot", ".").replace("_", "-"): value for key, value in marks.items()}
        made = {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "labels": labels}}
        self.kinds.setdefault(kind, []).append(made)
        return made

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One page of a list."""
        self.requests.append(request)
        kind = request.url.path.removeprefix("/apis/")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self._refused(401, "Unauthorized")
        if kind not in self.kinds:
            return self._refused(404, "the server could not find the requested resource")
        start, size = int(request.url.params.get("continue") or 0), int(request.url.params["limit"])
        if start and self.status != 200:
            return self._refused(self.status, "The provided continue parameter is too old")
        rows = self.kinds[kind]
        more = str(start + size) if start + size < len(rows) else ""
        body = {"kind": "List", "metadata": {"continue": more}, "items": rows[start : start + size]}
        return httpx2.Response(200, json=body)

    def _refused(self, status: int, message: str) -> httpx2.Response:
        return httpx2.Response(status, json={"kind": "Status", "status": "Failure", "message": message, "code": status})
