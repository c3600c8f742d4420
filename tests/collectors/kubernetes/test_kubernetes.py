"""Workloads of a cluster: what is counted for whom, and what is told of what cannot be."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import collectors
from dxmetrics.collectors import AuthError, CollectError, Context, Page, SettingsError
from dxmetrics.project import builtin_root
from dxmetrics.records import UsageFact
from tests.collectors.kubernetes.example import settings
from tests.fakes.kubernetes import Kubernetes

collectors.extend_path([builtin_root() / "collectors"])
source = importlib.import_module("dxmetrics.collectors.kubernetes")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROLLOUTS = "argoproj.io/v1alpha1/rollouts"


def collect(
    server: Kubernetes, folder: Path, cursor: Mapping[str, Any] | None = None, now: datetime = NOW, **changed: Any
) -> Page:
    values = {"kind": "kubernetes", **settings(folder), **changed}
    context = Context(lambda: now, folder, transport=server, sleep=lambda _: None)
    collector = source.Kubernetes("k8s", source.KubernetesSettings.model_validate(values), context)
    (page,) = collector.collect(next(collector.scopes()), cursor)
    collector.close()
    return page


def counts(page: Page) -> dict[tuple[str, str], float]:
    return {(row["subject"], row["metric"]): row["value"] for row in page.rows[UsageFact]}


def test_every_service_has_its_workloads_and_those_on_the_paved_road(tmp_path: Path) -> None:
    server = Kubernetes()
    server.run("pay", app="pay", platform__template="v2")
    server.run("pay-worker", "apps/v1/statefulsets", app="pay")
    server.run("search", ROLLOUTS, **{"app.kubernetes.io__name".replace(".", "dot"): "search"})
    assert counts(collect(server, tmp_path)) == {
        ("pay", "workloads"): 2, ("pay", "golden path"): 1, ("search", "workloads"): 1,
    }  # fmt: skip


def test_a_label_may_have_to_have_a_value(tmp_path: Path) -> None:
    server = Kubernetes()
    server.run("pay", app="pay", managed="platform")
    server.run("own", app="own", managed="helm")
    found = counts(collect(server, tmp_path, evidence={"golden path": "managed=platform"}))
    assert found["pay", "golden path"] == 1
    assert ("own", "golden path") not in found


def test_an_annotation_names_a_service_as_well_as_a_label(tmp_path: Path) -> None:
    server = Kubernetes()
    made = server.run("deployment-7f")
    made["metadata"]["annotations"] = {"backstage.io/kubernetes-id": "checkout"}
    made["metadata"]["labels"] = None
    assert counts(collect(server, tmp_path)) == {("checkout", "workloads"): 1}


def test_the_clusters_own_workloads_are_left_out_and_nameless_ones_told(tmp_path: Path) -> None:
    server = Kubernetes()
    server.run("coredns", namespace="kube-system", app="coredns")
    server.run("mystery")
    page = collect(server, tmp_path)
    assert counts(page) == {}
    assert page.notes == (
        "1 workloads name no service: label them with one of backstage.io/kubernetes-id, app.kubernetes.io/name, app",
    )


def test_a_long_list_is_read_to_its_end(tmp_path: Path) -> None:
    server = Kubernetes()
    for number in range(1_201):
        server.run(f"pod-{number}", app="many")
    assert counts(collect(server, tmp_path)) == {("many", "workloads"): 1_201}
    assert len(server.requests) == 3 + 1 + 1 + 1  # three pages, two empty kinds, and Argo's that is not there


def test_what_is_told_already_is_not_told_again_that_day(tmp_path: Path) -> None:
    server = Kubernetes()
    server.run("pay", app="pay")
    first = collect(server, tmp_path)
    assert collect(server, tmp_path, first.cursor).rows == {}
    assert counts(collect(server, tmp_path, first.cursor, NOW + timedelta(days=1))) == {("pay", "workloads"): 1}
    server.run("pay-2", app="pay")
    assert counts(collect(server, tmp_path, first.cursor)) == {("pay", "workloads"): 2}


def test_a_list_that_expires_while_it_is_read_fails_with_the_remedy(tmp_path: Path) -> None:
    server = Kubernetes(status=410)
    for number in range(600):
        server.run(f"pod-{number}", app="many")
    with pytest.raises(CollectError, match="expired while it was read: collect again"):
        collect(server, tmp_path)


def test_an_account_that_may_not_list_is_told_which_role_it_needs(tmp_path: Path) -> None:
    server = Kubernetes(status=403)
    for number in range(600):
        server.run(f"pod-{number}", app="many")
    with pytest.raises(CollectError, match="may not list deployments: bind it to the cluster role `view`"):
        collect(server, tmp_path)


def test_a_wrong_token_stops_the_source_and_none_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(AuthError):
        collect(Kubernetes(), tmp_path, token="revoked")  # noqa: S106
    with pytest.raises(SettingsError, match=r"kubectl create token ACCOUNT.*DX_K8S__TOKEN"):
        collect(Kubernetes(), tmp_path, token=None)
