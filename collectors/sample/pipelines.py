"""Rows of continuous integration: a run for each change and each merge, its jobs, failures and re-runs."""

from datetime import date

from dxmetrics.records import Job, PipelineRun

from .dice import Dice
from .organisation import HOST, Organisation, Service
from .rows import Row, Rows, instant
from .work import MINUTE, Work

# Name, type, and the share of the run's time after which it ends.
JOBS_OF_A_CHANGE = (("build", "build", 0.35), ("test", "test", 1.0))
JOBS_OF_MAIN = (("package", "build", 1.0),)


class PipelineRows:
    """Writes the runs and jobs of one repository and week."""

    def __init__(self, organisation: Organisation, repository: str, monday: date, dice: Dice) -> None:
        self.repository = f"harbour/{repository}"
        self.web = f"https://{HOST}/{repository}"
        self.dice = dice
        self.is_monorepo = len(organisation.repositories[repository]) > 1
        self.queue_story = organisation.stories["queue"]
        self.has_queue = monday >= organisation.weeks_ago("queue")

    def write(self, work: Work, change: str, commits: list[str], rows: Rows) -> None:
        """Add the runs of a change: before the merge on its commits, after it on main."""
        if commits:
            finished = self._attempts(work, change, commits, work.opened + 15, rows)
            if finished is not None and len(commits) > 1:  # the code was wrong: the next commit mends it
                self._run(work, change, commits[-1], finished + 25 * MINUTE, "b", 1, "success", rows)
        if work.merge_sha:
            self._attempts(work, None, [work.merge_sha], work.ended + 5, rows)

    def _attempts(
        self, work: Work, change: str | None, commits: list[str], queued: float, rows: Rows
    ) -> float | None:  # fmt: skip
        """Run the first commit; a flaky failure is run again, a real one ends at the instant that comes back."""
        suffix = "a" if change else "m"
        fate, flaky = self.dice.share(), work.service.flaky_rate
        if fate < flaky:
            first = self._run(work, change, commits[0], queued, suffix, 1, "failure", rows)
            again = first + self.dice.between(1, 15) * MINUTE
            self._run(work, change, commits[0], again, suffix, 2, "success", rows)
            return None
        broken = flaky + (0.10 if change and len(commits) > 1 else 0.01)
        result = "success"
        if fate < broken:
            result = "failure"
        elif fate > 0.985:
            result = "cancellation" if fate > 0.992 else "error"
        finished = self._run(work, change, commits[0], queued, suffix, 1, result, rows)
        return finished if result == "failure" else None

    def _run(
        self, work: Work, change: str | None, commit: str, queued: float, suffix: str, attempt: int, result: str,
        rows: Rows,
    ) -> float:  # fmt: skip
        """Add one attempt and its jobs; when it finished. Of a service that never was built, all fail."""
        result = "failure" if work.service.waits_for == "built" else result
        started = queued + self.dice.duration(self._queue_seconds(work.service), 0.9)
        finished = started + self.dice.duration(work.service.ci_minutes, 0.25) * MINUTE * (
            0.6 if result != "success" else 1.0
        )
        ext_id = f"{self.repository}/ci/{work.number}{suffix}{attempt}"
        is_finished = finished <= rows.until
        run: Row = {
            "ext_id": ext_id, "url": f"{self.web}/ci/{work.number}{suffix}{attempt}", "repository": self.repository,
            "service": work.service.name if self.is_monorepo else None, "name": "ci" if change else "main",
            "change": change, "trigger": "change" if change else "push",
            "branch": None if change else "main", "sha": commit, "attempt": attempt,
            "result": result if is_finished else None, "queued_at": instant(queued), "started_at": rows.known(started),
            "finished_at": rows.known(finished),
        }  # fmt: skip
        rows.add(PipelineRun, rows.latest(queued, started, finished), run)
        self._jobs(work.service, run, result, (queued, started, finished), rows)
        return finished

    def _jobs(self, service: Service, run: Row, result: str, span: tuple[float, float, float], rows: Rows) -> None:
        """The jobs of a run one after the other; the last one has the run's result."""
        queued, begins, ends = span
        runner = "macos-large" if service.language == "Swift" else "linux-medium"
        for name, task_type, share in JOBS_OF_A_CHANGE if run["change"] else JOBS_OF_MAIN:
            finished = begins + (ends - begins) * share
            done = finished <= rows.until
            rows.add(Job, rows.latest(queued, begins, finished), {
                "ext_id": f"{run['ext_id']}/{name}", "pipeline_run": run["ext_id"], "name": name,
                "task_type": task_type, "runner": runner, "attempt": run["attempt"],
                "result": (result if share == 1.0 else "success") if done else None,
                "queued_at": instant(queued), "started_at": rows.known(begins), "finished_at": rows.known(finished),
                "billable_seconds": int(finished - begins) if done else None,
            })  # fmt: skip
            queued = begins = finished

    def _queue_seconds(self, service: Service) -> float:
        """The median wait for a machine; for one team it has grown lately."""
        is_short = self.has_queue and service.team and service.team.slug.startswith(self.queue_story["team"])
        return 22.0 * (float(self.queue_story["times"]) if is_short else 1.0)
