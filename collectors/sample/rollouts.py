"""Rows of releases and of what breaks: deployments to staging and production, incidents, alerts."""

from datetime import date, timedelta

from dxmetrics.records import Deployment, Incident

from .dice import Dice
from .organisation import DEPLOYER, HOST, Organisation, Service
from .plan import Plan, Rollout, Trouble
from .rows import Row, Rows, instant
from .work import MINUTE
from .worktime import midnight

REGIONS = ("eu", "us", "ap")
SEVERITIES = (1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, None)


class RolloutRows:
    """Writes the deployments and incidents of one repository and week."""

    def __init__(self, organisation: Organisation, repository: str, monday: date, dice: Dice) -> None:
        self.organisation = organisation
        self.repository = f"harbour/{repository}"
        self.web = f"https://{HOST}/{repository}"
        self.services = organisation.repositories[repository]
        self.begins, self.ends = midnight(monday), midnight(monday + timedelta(days=7))
        self.monday = monday
        self.dice = dice

    def write(self, plan: Plan, rows: Rows) -> None:
        """Add all rows of a week's plan."""
        for rollout in plan.rollouts:
            self._rollout(rollout, rows)
        for ext_id, trouble in plan.troubles.items():
            self._incident(ext_id, trouble, rows)
        for service in self.services:
            if self.organisation.is_live(service, self.monday):
                self._alerts(service, rows)

    def _rollout(self, rollout: Rollout, rows: Rows) -> None:
        if rollout.is_regular:
            early = rollout.start - self.dice.between(20, 45) * MINUTE
            took = self.dice.duration(5, 0.4) * MINUTE
            self._deployment(rollout, f"{rollout.ext_id}-staging", "staging", (early, early + took), {}, rows)
        if rollout.is_trial:
            return
        details: Row = {
            "status": rollout.status, "reached_users": rollout.reached_users, "kind": rollout.kind,
            "caused_by_incident": rollout.cause, "fixes_deployment": rollout.fixes, "previous_sha": rollout.previous,
        }  # fmt: skip
        if rollout.service.regions == 1 or rollout.status == "failure":
            span = (rollout.start, rollout.finish)
            self._deployment(rollout, rollout.ext_id, "production", span, details, rows)
            return
        for number, region in enumerate(REGIONS[: rollout.service.regions]):
            ext_id = rollout.ext_id if number == 0 else f"{rollout.ext_id}-{region}"
            later = number * self.dice.between(3, 6) * MINUTE
            span = (rollout.start + later, rollout.finish + later)
            self._deployment(rollout, ext_id, "production", span, details | {"rollout": rollout.ext_id}, rows)

    def _deployment(
        self, rollout: Rollout, ext_id: str, environment: str, span: tuple[float, float],
        details: Row, rows: Rows,
    ) -> None:  # fmt: skip
        start, finish = span
        is_over = finish <= rows.until
        is_train = rollout.service.cadence == "train"
        row = {"status": "success", **details}
        rows.add(Deployment, rows.latest(start, finish), row | {
            "ext_id": ext_id, "url": f"{self.web}/deployments/{ext_id}", "service": rollout.service.name,
            "repository": self.repository, "environment": environment, "sha": rollout.sha, "version": rollout.version,
            "line": rollout.line, "created_at": instant(start), "started_at": instant(start),
            "finished_at": rows.known(finish), "status": row["status"] if is_over else "running",
            "reached_users": details.get("reached_users") if is_over else None, "actor": DEPLOYER,
            "via": "release" if is_train else "pipeline",
        })  # fmt: skip

    def _incident(self, ext_id: str, trouble: Trouble, rows: Rows) -> None:
        dice, service = self.dice, trouble.service
        resolved = trouble.resolved
        acknowledged = min(trouble.detected + dice.duration(3.5, 0.8) * MINUTE, resolved)
        mitigated = max(acknowledged, resolved - dice.duration(6, 0.5) * MINUTE)
        words = self.organisation.words["incidents" if trouble.deployment else "outages"]
        states = (("resolved", resolved), ("mitigated", mitigated), ("acknowledged", acknowledged))
        rows.add(Incident, rows.latest(trouble.detected, acknowledged, mitigated, resolved), {
            "ext_id": ext_id, "url": f"https://incidents.example.com/{ext_id}",
            "title": f"{service.name}: {dice.pick(words)}", "severity": dice.pick(SEVERITIES),
            "status": next((name for name, seconds in states if seconds <= rows.until), "open"),
            "services": [service.name], "team": service.team.slug if service.team else None,
            "detected_at": instant(trouble.detected), "acknowledged_at": rows.known(acknowledged),
            "mitigated_at": rows.known(mitigated), "resolved_at": rows.known(resolved),
            "caused_by_deployment": trouble.deployment if trouble.is_linked else None,
        })  # fmt: skip

    def _alerts(self, service: Service, rows: Rows) -> None:
        """Noise of monitoring, which is no incident."""
        for number in range(self.dice.count(0.3 * self.organisation.volume)):
            raised = self.dice.between(self.begins, self.ends)
            ends = raised + self.dice.duration(9) * MINUTE
            rows.add(Incident, rows.latest(raised, ends), {
                "ext_id": f"ALERT-{service.name}-{self.monday:%G%V}-{number}", "kind": "alert",
                "title": f"{service.name}: error budget burns", "services": [service.name],
                "status": "resolved" if ends <= rows.until else "open", "detected_at": instant(raised),
                "resolved_at": rows.known(ends),
            })  # fmt: skip
