"""Kubernetes: which services run on the paved road, told by the labels of what runs.

Reads:  GET /apis/apps/v1/deployments, statefulsets and daemonsets of all namespaces, and Argo's rollouts where the
        cluster has them, 500 a page. One row a day and service: how many workloads it has, and how many of them bear
        the label that `evidence` names for a capability. A look at a day that is told already and at which nothing
        changed lands nothing.
Needs:  the API server's address in `url`, and a service account's token that may list workloads, in DX_NAME__TOKEN; for
        a cluster of your own `ca_file`. `evidence` says which label stands for which capability.
Limits: A cluster knows only what runs now: history begins with the first look. A service goes by its label
        (`service_labels`, the first one there is); workloads without any are counted and told, and the namespaces of
        the cluster itself are left out. No pod, secret or environment is read.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope
from dxmetrics.collectors.hosts import ApiSettings
from dxmetrics.errors import CollectError, NotFoundError, SettingsError
from dxmetrics.http import Bearer
from dxmetrics.records import UsageFact

AT_ONCE = 500
KINDS = ("apps/v1/deployments", "apps/v1/statefulsets", "apps/v1/daemonsets", "argoproj.io/v1alpha1/rollouts")
WORKLOADS = "workloads"

Payload = Mapping[str, Any]


class KubernetesSettings(ApiSettings):
    """Which cluster is read, and which labels mean what."""

    url: str = Field(description="address of the API server: https://kubernetes.example.org:6443")
    cluster: Annotated[str, Field(min_length=1)] = Field(default="cluster", description="what the cluster is called")
    service_labels: tuple[str, ...] = Field(
        default=("backstage.io/kubernetes-id", "app.kubernetes.io/name", "app"),
        description="labels or annotations that name the service; the first one that is there",
    )
    evidence: dict[str, str] = Field(
        default_factory=dict,
        description='which label or annotation means that a capability is used: { "golden path" = '
        '"platform.example.org/template" }; "label=value" asks for the value too',
    )
    without: tuple[str, ...] = Field(
        default=("kube-system", "kube-public", "kube-node-lease"), description="namespaces that are left out"
    )


class Kubernetes(Collector):
    """The workloads of one cluster: one scope."""

    kind = "kubernetes"
    produces = (UsageFact,)
    keeps_payloads = False
    Settings = KubernetesSettings
    settings: KubernetesSettings

    def __init__(self, name: str, settings: KubernetesSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if settings.token is None:
            variable = f"DX_{name.upper().replace('-', '_')}__TOKEN"
            raise SettingsError(
                f"[sources.{name}] has no token: `kubectl create token ACCOUNT` makes one; set it in {variable}"
            )
        auth = Bearer(settings.token.get_secret_value())
        self._client = settings.client(name, settings.url, context, auth=auth, concurrency=2)

    def scopes(self) -> Iterator[Scope]:
        """The cluster."""
        yield Scope(self.settings.cluster, f"cluster {self.settings.cluster}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """One page: what runs today, unless that is what was told before."""
        today = self.context.now().date()
        workloads = [one for kind in KINDS for one in self._listed(kind)]
        rows, nameless = counted(workloads, self.settings)
        facts = [
            {
                "ext_id": f"{scope.id}/{today}/{service}/{metric}",
                "occurred_on": today,
                "provider": "kubernetes",
                "subject_kind": "service",
                "subject": service,
                "metric": metric,
                "value": count,
                "unit": "workloads",
                "dimensions": {"cluster": scope.id},
            }
            for (service, metric), count in sorted(rows.items())
        ]
        told = hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]
        notes = (
            (f"{nameless} workloads name no service: label them with one of {', '.join(self.settings.service_labels)}",)
            if nameless
            else ()
        )
        is_told = cursor is not None and cursor.get("told") == told
        yield Page({} if is_told else {UsageFact: facts}, {"told": told}, is_mapped=True, notes=notes)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _listed(self, kind: str) -> Iterator[Payload]:
        """Every workload of a kind; none where the cluster does not know the kind."""
        try:
            for body in self._client.token_pages(lambda token: self._read(kind, token), _continuation):
                yield from body.get("items") or ()
        except NotFoundError:
            if not kind.startswith("argoproj.io/"):
                raise

    def _read(self, kind: str, token: str | None) -> Payload:
        try:
            body = self._client.json(f"apis/{kind}", {"limit": AT_ONCE, "continue": token})
        except CollectError as error:
            if ": 403 on " in str(error):
                raise CollectError(
                    f"{error}; the account may not list {kind.rpartition('/')[2]}: bind it to the cluster role `view`"
                ) from error
            if ": 410 on " in str(error):  # the list moved on while it was read; the next look begins anew
                raise CollectError(f"{self.name}: {kind} expired while it was read: collect again") from error
            raise
        if not isinstance(body, Mapping):
            raise CollectError(
                f"{self.name}: {kind} is not answered with an object: is `url` the API server's address?"
            )
        return body


def _continuation(body: Payload) -> str | None:
    return (body.get("metadata") or {}).get("continue") or None


def counted(workloads: Iterable[Payload], settings: KubernetesSettings) -> tuple[Counter[tuple[str, str]], int]:
    """How many workloads each service has, in all and by capability they are evidence of; and how many name none."""
    found: Counter[tuple[str, str]] = Counter()
    nameless = 0
    for one in workloads:
        about = one.get("metadata") or {}
        if about.get("namespace") in settings.without:
            continue
        marks = {**(about.get("annotations") or {}), **(about.get("labels") or {})}
        service = next((marks[name] for name in settings.service_labels if marks.get(name)), None)
        if service is None:
            nameless += 1
            continue
        found[service, WORKLOADS] += 1
        for capability, label in settings.evidence.items():
            if _has(marks, label):
                found[service, capability] += 1
    return found, nameless


def _has(marks: Mapping[str, str], label: str) -> bool:
    name, equals, value = label.partition("=")
    return name in marks and (not equals or marks[name] == value)
