"""Rows of planned work: the change, its commits before and after the merge, and its reviews."""

from typing import Literal

from dxmetrics.records import Change, ChangeCommit, Commit, Review

from .dice import Dice, sha
from .organisation import AGENT, HOST, RENOVATE, Organisation
from .plan import CherryPick
from .rows import Row, Rows, instant
from .work import HOUR, MINUTE, Work

Verdict = Literal["approved", "changes_requested", "commented"]
METHODS = {"merge": "merge", "squash": "squash", "rebase": "rebase"}


class ChangeRows:
    """Writes the rows of changes of one repository and week."""

    def __init__(self, organisation: Organisation, repository: str, people: tuple[str, ...], dice: Dice) -> None:
        self.words = organisation.words
        self.address = organisation.address
        self.repository = f"harbour/{repository}"
        self.web = f"https://{HOST}/{repository}"
        self.people = people
        self.dice = dice
        self.is_monorepo = len(organisation.repositories[repository]) > 1

    def write(self, work: Work, assisted: float, rows: Rows) -> tuple[str, list[str]]:
        """Add all rows of a change; its `ext_id` and the ids of its commits as listed before the merge."""
        if work.kind == "direct":
            return self._direct(work, rows), []
        ext_id = f"{self.repository}#{work.number}"
        commits = self._commits(work, assisted)
        title = self._title(work)
        is_over = work.ended <= rows.until
        is_merged = is_over and work.kind != "abandoned"
        updated = rows.latest(work.opened, work.ready, work.ended)
        reviewer = self._reviewer(work)
        added = max(1, round(work.lines * self.dice.between(0.5, 0.95)))
        rows.add(Change, updated, {
            "ext_id": ext_id, "url": f"{self.web}/pulls/{work.number}", "repository": self.repository,
            "number": work.number, "title": title, "author": work.author, "base_branch": "main",
            "head_branch": self._branch(work), "head_sha": commits[-1]["sha"], "opened_at": instant(work.opened),
            "first_commit_at": commits[0]["authored_at"], "is_draft": bool(work.ready and work.ready > rows.until),
            "ready_at": rows.known(work.ready), "closed_at": rows.known(work.ended),
            "state": "merged" if is_merged else "closed" if is_over else "open",
            "merged_at": rows.known(work.ended) if is_merged else None,
            "merged_by": (reviewer or work.author) if is_merged else None,
            "merge_sha": work.merge_sha if is_merged else None,
            "merge_method": METHODS[work.service.merge_method] if is_merged else "unknown",
            "is_revert": work.kind == "revert", "reverts": work.reverts, "lines_added": added,
            "lines_deleted": work.lines - added if work.lines > added else 0, "files_changed": 1 + work.lines // 40,
            "commits_count": len(commits), "labels": ["hotfix"] if work.kind == "hotfix" else [],
            "paths": self._paths(work),
        })  # fmt: skip
        for commit in commits:
            pushed = max(commit["committed_at"].timestamp(), work.opened)
            rows.add(ChangeCommit, pushed, {"ext_id": f"{ext_id}/{commit['sha']}", "change": ext_id, **{
                key: commit[key] for key in ("sha", "authored_at", "committed_at", "author")
            }})  # fmt: skip
        if work.kind != "abandoned":
            self._main(work, title, commits, rows)
            self._reviews(work, ext_id, reviewer, rows)
        return ext_id, [commit["sha"] for commit in commits]

    def cherry_pick(self, pick: CherryPick, rows: Rows) -> None:
        """Add the commit of a release branch."""
        committed = instant(pick.committed)
        rows.add(Commit, pick.committed, self._commit({
            "sha": pick.sha, "parents": [pick.parent], "authored_at": committed, "committed_at": committed,
            "author": pick.author, "headline": f"{self._phrase()} (for the release)",
            "cherry_pick_of": pick.original,
        }))  # fmt: skip

    def _commits(self, work: Work, assisted: float) -> list[Row]:
        """The commits of a change before its merge: most while coding, in a long review one more."""
        dice = self.dice
        number = 1 if work.kind in {"renovate", "hotfix", "revert"} else 1 + min(6, int(dice.duration(0.9, 0.8)))
        moments = sorted([work.first, *(dice.between(work.first, work.opened) for _ in range(number - 1))])
        if number > 2 and work.reviewed and work.approved and work.approved - work.reviewed > HOUR:
            moments[-1] = dice.between(work.reviewed, work.approved)
        is_assisted = work.kind == "agent" or dice.happens(assisted)
        commits: list[Row] = []
        for number, moment in enumerate(moments, 1):
            own = sha(f"{self.repository}/{work.number}/{number}")
            commits.append({
                "sha": own, "parents": [commits[-1]["sha"] if commits else work.base], "authored_at": instant(moment),
                "committed_at": instant(moment), "author": work.author, "headline": self._phrase(),
                "is_ai_assisted": is_assisted, "co_authors": [AGENT] if is_assisted and work.author != AGENT else [],
            })  # fmt: skip
        if dice.happens(0.004):  # a clock a day ahead: the change is deployed before it was written
            commits[0]["authored_at"] = instant(work.ended + dice.between(20, 30) * HOUR)
        return commits

    def _main(self, work: Work, title: str, commits: list[Row], rows: Rows) -> None:
        """What the merge leaves in the repository: by merge commit, squashed into one, or replayed."""
        method = work.service.merge_method
        merge: Row = {
            "sha": work.merge_sha, "parents": [work.parent], "authored_at": instant(work.ended),
            "committed_at": instant(work.ended), "author": work.author, "headline": f"{title} (#{work.number})",
            "is_ai_assisted": commits[0]["is_ai_assisted"], "co_authors": commits[0]["co_authors"],
            "paths": self._paths(work),
        }  # fmt: skip
        if method == "merge":
            for commit in commits:
                pushed = max(commit["committed_at"].timestamp(), work.opened)
                rows.add(Commit, pushed, self._commit(commit))
            merge |= {
                "parents": [work.parent, commits[-1]["sha"]], "co_authors": [],
                "headline": f"Merge pull request #{work.number} from harbour/{self._branch(work)}",
            }  # fmt: skip
        elif method == "rebase":
            parent = work.parent
            for commit in commits[:-1]:
                own = sha(f"{commit['sha']}/replayed")
                replayed = commit | {"sha": own, "parents": [parent], "committed_at": instant(work.ended)}
                rows.add(Commit, work.ended, self._commit(replayed))
                parent = own
            merge |= commits[-1] | {
                "sha": work.merge_sha, "parents": [parent], "committed_at": instant(work.ended)
            }  # fmt: skip
        rows.add(Commit, work.ended, self._commit(merge))

    def _direct(self, work: Work, rows: Rows) -> str:
        """A push to main without a pull request."""
        ext_id = f"{self.repository}@{work.merge_sha}"
        pushed, title = instant(work.ended), self._phrase()
        rows.add(Change, work.ended, {
            "ext_id": ext_id, "url": f"{self.web}/commit/{work.merge_sha}", "repository": self.repository,
            "kind": "direct_push", "title": title, "state": "merged", "author": work.author,
            "merged_by": work.author, "opened_at": pushed, "merged_at": pushed, "closed_at": pushed,
            "first_commit_at": pushed, "base_branch": "main", "merge_sha": work.merge_sha, "merge_method": "direct",
            "lines_added": work.lines, "lines_deleted": 0, "commits_count": 1, "paths": self._paths(work),
        })  # fmt: skip
        rows.add(Commit, work.ended, self._commit({
            "sha": work.merge_sha, "parents": [work.parent], "authored_at": pushed, "committed_at": pushed,
            "author": work.author, "headline": title, "paths": self._paths(work),
        }))  # fmt: skip
        return ext_id

    def _commit(self, commit: Row) -> Row:
        own = commit["sha"]
        return commit | {
            "ext_id": f"{self.repository}@{own}", "repository": self.repository, "url": f"{self.web}/commit/{own}",
        }  # fmt: skip

    def _reviewer(self, work: Work) -> str | None:
        """Who approves: somebody of the team who did not write it."""
        others = [person for person in self.people if person != work.author]
        return self.dice.pick(others) if work.reviewed and others else None

    def _reviews(self, work: Work, change: str, reviewer: str | None, rows: Rows) -> None:
        """One approval, or a round of comments before it; the agent may have looked first."""
        dice = self.dice
        if work.kind == "ordinary" and dice.happens(0.12):
            self._review(work, change, AGENT, "commented", work.opened + 4 * MINUTE, rows)
        if reviewer is None or work.reviewed is None or work.approved is None:
            return
        if work.approved - work.reviewed > 20 * MINUTE and work.author != RENOVATE:
            verdict: Verdict = "changes_requested" if dice.happens(0.3) else "commented"
            self._review(work, change, reviewer, verdict, work.reviewed, rows)
            second = dice.pick(self.people)
            if dice.happens(0.25) and second not in {reviewer, work.author}:
                between = dice.between(work.reviewed, work.approved)
                self._review(work, change, second, "commented", between, rows)
            self._review(work, change, reviewer, "approved", work.approved, rows)
        else:
            self._review(work, change, reviewer, "approved", work.reviewed, rows)

    def _review(self, work: Work, change: str, reviewer: str, verdict: Verdict, submitted: float, rows: Rows) -> None:
        rows.add(Review, submitted, {
            "ext_id": f"{change}/{reviewer}/{verdict}", "url": f"{self.web}/pulls/{work.number}", "change": change,
            "reviewer": reviewer, "verdict": verdict, "submitted_at": instant(submitted),
            "comments": 0 if verdict == "approved" else 1 + int(self.dice.duration(1.5)),
        })  # fmt: skip

    def _title(self, work: Work) -> str:
        dice = self.dice
        if work.kind == "renovate":
            number = f"{int(dice.between(1, 9))}.{int(dice.between(0, 20))}.{int(dice.between(0, 9))}"
            return f"Update dependency {dice.pick(self.words['packages'])} to v{number}"
        return f'Revert "{self._phrase()}"' if work.kind == "revert" else self._phrase()

    def _phrase(self) -> str:
        return f"{self.dice.pick(self.words['verbs'])} {self.dice.pick(self.words['objects'])}"

    def _branch(self, work: Work) -> str:
        prefix = {"renovate": "renovate", "hotfix": "hotfix", "revert": "revert", "agent": "agent"}.get(work.kind)
        return f"{prefix or 'feature'}/{work.number}"

    def _paths(self, work: Work) -> list[str] | None:
        """The files touched, where a repository holds more than one service."""
        if not self.is_monorepo:
            return None
        folder = work.service.paths[0].removesuffix("**")
        return [f"{folder}src/part_{work.number % 17}.py", f"{folder}tests/test_part_{work.number % 17}.py"]
