"""The sample organisation: repeatable, growing with the days, plausible, and with the stories it promises."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from dxmetrics import collectors
from dxmetrics.collectors import Context, Cursor, SettingsError
from dxmetrics.project import Project, builtin_root
from dxmetrics.records import (
    Change,
    ChangeCommit,
    Commit,
    CostLine,
    Deployment,
    Identity,
    Incident,
    Issue,
    Membership,
    PipelineRun,
    PlatformEvent,
    Record,
    Review,
    Service,
    SurveyResponse,
    Team,
    UsageFact,
    table_name,
)

collectors.extend_path([builtin_root() / "collectors"])
TUESDAY = datetime(2026, 11, 17, 15, 30, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ANCHOR = date(2026, 11, 23)

Row = Mapping[str, Any]
Key = tuple[str, str]


@dataclass
class Collected:
    """The rows of one or several collections as a warehouse would hold them, and where they ended."""

    rows: dict[Key, Row] = field(default_factory=dict)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    written: int = 0
    pages: int = 0

    def of(self, record: type[Record]) -> list[Row]:
        return self._tables[table_name(record)]

    @cached_property
    def _tables(self) -> dict[str, list[Row]]:
        tables: dict[str, list[Row]] = defaultdict(list)
        for (table, _), row in self.rows.items():
            tables[table].append(row)
        return tables


def collect(now: datetime, before: Collected | None = None, *, stop_after: int = 10**9, **settings: Any) -> Collected:
    """Collect every scope as of `now`, going on from `before`; a scope is left after `stop_after` pages."""
    cls = collectors.load("sample")
    values = {"kind": "sample", "scale": 0.1, "months": 2, **settings}
    sample = cls("sample", cls.Settings.model_validate(values), Context(now=lambda: now, folder=Path()))
    found = Collected(dict(before.rows), dict(before.cursors)) if before else Collected()
    for scope in sample.scopes():
        for number, page in enumerate(sample.collect(scope, found.cursors.get(scope.id)), 1):
            for record, rows in page.rows.items():
                found.rows |= {(table_name(record), row["ext_id"]): row for row in rows}
                found.written += len(rows)
            found.pages += 1
            if page.cursor is not None:
                found.cursors[scope.id] = page.cursor
            if number == stop_after:
                break
    return found


@pytest.fixture(scope="module")
def whole() -> Collected:
    """Nine months of the whole organisation."""
    return collect(TODAY, scale=1.0, months=9)


def weeks_ago(weeks: int) -> datetime:
    """A Monday 00:00 in Berlin's winter, counted back from the Monday the sample is anchored to."""
    return datetime(ANCHOR.year, ANCHOR.month, ANCHOR.day, tzinfo=UTC) - timedelta(weeks=weeks)


def services_of(team: str, whole: Collected) -> set[str]:
    return {row["name"] for row in whole.of(Service) if row["team"] == team}


def production(whole: Collected) -> list[Row]:
    """Successful rollouts to production, regions taken together."""
    return [
        row
        for row in whole.of(Deployment)
        if row["environment"] == "production" and row["status"] == "success"
        and row.get("rollout", row["ext_id"]) == row["ext_id"]
    ]  # fmt: skip


def uses(capability: str, whole: Collected) -> list[Row]:
    return [row for row in whole.of(PlatformEvent) if row["capability"] == capability]


def repaired(whole: Collected) -> set[str]:
    """The deployments that had to be repaired, by an incident or by another deployment."""
    named = [row.get("caused_by_deployment") for row in whole.of(Incident)]
    named += [row.get("fixes_deployment") for row in whole.of(Deployment)]
    return {deployment for deployment in named if deployment is not None}


def hours(rows: Iterable[Row], start: str, end: str) -> list[float]:
    return [(row[end] - row[start]).total_seconds() / 3600 for row in rows if row[start] and row[end]]


# Repeatable


def test_the_same_seed_on_the_same_day_gives_the_same_rows() -> None:
    morning, evening = collect(TUESDAY.replace(hour=1)), collect(TUESDAY.replace(hour=23))
    assert morning.rows == evening.rows
    assert len(morning.rows) > 1_000


def test_another_seed_is_another_organisation() -> None:
    one, other = collect(TUESDAY, months=1), collect(TUESDAY, months=1, seed=8)
    assert {row["name"] for row in one.of(Identity)} != {row["name"] for row in other.of(Identity)}


def test_a_later_day_in_steps_ends_where_one_collection_of_that_day_does() -> None:
    stepwise = collect(TUESDAY)
    for days in (1, 2, 4):
        stepwise = collect(TUESDAY + timedelta(days=days), stepwise)
    at_once = collect(SATURDAY)
    assert stepwise.rows == at_once.rows


def test_a_second_collection_of_a_day_writes_nothing_and_a_later_one_only_what_is_newer() -> None:
    first = collect(TUESDAY)
    assert collect(TUESDAY + timedelta(hours=3), first).written == 0
    later = collect(TUESDAY + timedelta(weeks=2), first)
    assert 0 < later.written < 0.5 * first.written
    changed = [row for key, row in later.rows.items() if row is not first.rows.get(key)]
    assert min(row["updated_at"] for row in changed) > datetime(2026, 11, 17, tzinfo=UTC)


def test_history_that_is_over_is_never_rewritten() -> None:
    first = collect(TUESDAY)
    later = collect(TUESDAY + timedelta(weeks=8), first)
    merged = [row for row in first.of(Change) if row["state"] == "merged"]
    assert [row for row in merged if later.rows["changes", row["ext_id"]] != row] == []


def test_a_collection_that_was_interrupted_ends_as_an_undisturbed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = collect(TUESDAY)
    monkeypatch.setattr("dxmetrics.collectors.sample.PAGE_ROWS", 25)
    broken = collect(TUESDAY, stop_after=1)
    assert len(broken.rows) < 0.8 * len(undisturbed.rows)
    assert collect(TUESDAY, broken).rows == undisturbed.rows
    a_day_later = collect(TUESDAY + timedelta(days=1), broken)
    assert a_day_later.rows == collect(TUESDAY + timedelta(days=1)).rows


def test_other_settings_on_the_same_warehouse_are_refused_with_the_remedy() -> None:
    first = collect(TUESDAY, months=1)
    with pytest.raises(SettingsError, match=r"seed = 7.*set these values again"):
        collect(TUESDAY, first, months=1, seed=8)


def test_scale_adds_divisions_above_one_and_slows_below_one() -> None:
    whole, half, twice = (collect(TUESDAY, months=1, scale=scale) for scale in (1.0, 0.5, 2.0))
    assert [len(each.of(Team)) for each in (whole, half, twice)] == [6, 6, 12]
    assert len(half.of(Change)) == pytest.approx(0.5 * len(whole.of(Change)), rel=0.2)
    assert len(twice.of(Change)) == pytest.approx(2 * len(whole.of(Change)), rel=0.2)
    assert max(Counter(row["name"] for row in twice.of(Service)).values()) == 1


# Whole


def test_the_history_of_main_is_one_line_that_holds_every_merged_change(whole: Collected) -> None:
    commits = {(row["repository"], row["sha"]): row for row in whole.of(Commit)}
    parents = {(repository, parent) for (repository, _), row in commits.items() for parent in row.get("parents", ())}
    assert parents <= commits.keys()
    merged = [row for row in whole.of(Change) if row["state"] == "merged"]
    assert {(row["repository"], row["merge_sha"]) for row in merged} <= commits.keys()
    for repository in {row["repository"] for row in merged}:
        merges = {row["merge_sha"] for row in merged if row["repository"] == repository}
        last = max((row for row in merged if row["repository"] == repository), key=lambda row: row["merged_at"])
        line, sha = set(), last["merge_sha"]
        while sha:
            line.add(sha)
            sha = next(iter(commits[repository, sha].get("parents", ())), None)
        assert merges <= line


def test_what_is_deployed_is_a_commit_and_what_is_reviewed_a_change(whole: Collected) -> None:
    commits = {(row["repository"], row["sha"]) for row in whole.of(Commit)}
    changes = {row["ext_id"] for row in whole.of(Change)}
    assert {(row["repository"], row["sha"]) for row in whole.of(Deployment)} <= commits
    assert {row["change"] for row in whole.of(Review)} <= changes
    assert {row["change"] for row in whole.of(ChangeCommit)} <= changes
    assert {row["change"] for row in whole.of(PipelineRun) if row["change"]} <= changes
    mended = {row.get("caused_by_incident") for row in whole.of(Deployment)} - {None}
    assert mended <= {row["ext_id"] for row in whole.of(Incident)}


def test_every_account_referred_to_is_known_and_machines_are_marked(whole: Collected) -> None:
    accounts = {row["ext_id"]: row["kind"] for row in whole.of(Identity)}
    named = {row[key] for row in whole.of(Change) for key in ("author", "merged_by")}
    named |= {row["reviewer"] for row in whole.of(Review)} | {row["person"] for row in whole.of(Membership)}
    assert named - {None} <= accounts.keys()
    assert {account: kind for account, kind in accounts.items() if kind != "human"} == {
        "renovate": "bot", "deploy-bot": "bot", "pair-agent": "agent"
    }  # fmt: skip


def test_the_steps_of_a_change_follow_each_other(whole: Collected) -> None:
    for row in whole.of(Change):
        steps = [row["opened_at"], row.get("ready_at"), row.get("merged_at")]
        known = [step for step in steps if step]
        assert known == sorted(known), row["ext_id"]


def test_nothing_happens_after_the_day_that_is_collected(whole: Collected) -> None:
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    assert max(row["updated_at"] for row in whole.rows.values()) <= midnight
    finished = [row["finished_at"] for record in (Deployment, PipelineRun) for row in whole.of(record)]
    assert max(filter(None, finished)) <= midnight
    assert {row["state"] for row in whole.of(Change)} == {"open", "merged", "closed"}


# Plausible


def test_the_organisation_has_the_size_it_promises(whole: Collected) -> None:
    assert len(whole.of(Team)) == 6
    assert len(whole.of(Service)) == 34
    assert len({row["person"] for row in whole.of(Membership)}) == 120


def test_deployments_a_week_and_their_failures_are_plausible(whole: Collected) -> None:
    recent = [row for row in production(whole) if weeks_ago(13) <= row["finished_at"] < weeks_ago(0)]
    assert 150 <= len(recent) / 13 <= 260
    broken = repaired(whole)
    failed = [row for row in recent if row["ext_id"] in broken]
    assert 0.04 <= len(failed) / len(recent) <= 0.15


def test_incidents_last_about_an_hour(whole: Collected) -> None:
    incidents = [row for row in whole.of(Incident) if row.get("kind") != "alert"]
    assert 0.4 <= median(hours(incidents, "detected_at", "resolved_at")) <= 1.5


def test_work_happens_on_working_days_and_little_around_christmas() -> None:
    winter = collect(datetime(2026, 2, 2, 12, tzinfo=UTC), scale=1.0, months=3)
    merged = [row["merged_at"] for row in winter.of(Change) if row.get("merged_at")]
    assert sum(each.weekday() >= 5 for each in merged) / len(merged) < 0.05
    weekly = Counter(each.date() - timedelta(days=each.weekday()) for each in merged)
    assert weekly[date(2025, 12, 22)] < 0.35 * weekly[date(2025, 12, 8)]


# Stories


def test_a_team_on_the_golden_path_ships_sooner_and_more_often(whole: Collected) -> None:
    payments = services_of("payments", whole) - {"gift-cards", "loyalty"}
    changes = [row for row in whole.of(Change) if row["repository"].removeprefix("harbour/") in payments]
    before = [row for row in changes if row.get("merged_at") and row["merged_at"] < weeks_ago(30)]
    after = [row for row in changes if row.get("merged_at") and row["merged_at"] > weeks_ago(18)]
    assert median(hours(after, "opened_at", "merged_at")) < 0.6 * median(hours(before, "opened_at", "merged_at"))
    rollouts = [row["finished_at"] for row in production(whole) if row["service"] in payments]
    earlier = sum(weeks_ago(39) <= each < weeks_ago(30) for each in rollouts)
    assert sum(weeks_ago(9) <= each < weeks_ago(0) for each in rollouts) > 1.4 * earlier
    templates = {row["name"]: row["template"] for row in whole.of(Service)}
    assert {templates[service] for service in payments} == {"golden-path-service"}


def test_services_move_to_the_golden_path_one_after_the_other(whole: Collected) -> None:
    first: dict[str, datetime] = {}
    for row in uses("golden-path-deploy", whole):
        first[row["service"]] = min(row["occurred_at"], first.get(row["service"], row["occurred_at"]))
    moved = {service: at for service, at in first.items() if weeks_ago(38) < at and service not in NEW}
    assert len(moved) == 8
    assert max(moved.values()) - min(moved.values()) > timedelta(weeks=8)
    assert max(moved.values()) < weeks_ago(20)


def test_services_that_merge_on_green_break_more_often_than_before(whole: Collected) -> None:
    adopters = {row["service"] for row in uses("merge-on-green", whole)}
    assert len(adopters) == 11
    broken, released = repaired(whole), [row for row in production(whole) if row["finished_at"] > weeks_ago(13)]

    def rate(rows: list[Row]) -> float:
        return sum(row["ext_id"] in broken for row in rows) / len(rows)

    others = [row for row in released if row["service"] not in adopters | {"android-app"}]
    assert rate([row for row in released if row["service"] in adopters]) > 1.5 * rate(others)
    late = {"warehouse-sync", "consent", "audit-log", "portal"}
    before = [row for row in production(whole) if row["service"] in late and row["finished_at"] < weeks_ago(24)]
    assert rate([row for row in released if row["service"] in late]) > 1.5 * rate(before)


def test_load_tests_were_tried_by_three_teams_and_left(whole: Collected) -> None:
    tried = uses("load-tests", whole)
    assert {row["team"] for row in tried} == {"data", "payments", "search"}
    assert weeks_ago(13) < max(row["occurred_at"] for row in tried) < weeks_ago(11)
    assert min(Counter(row["team"] for row in tried).values()) > 50


def test_the_mandated_scanner_counts_every_service_that_is_looked_after(whole: Collected) -> None:
    facts = [row for row in whole.of(UsageFact) if row["metric"] == "secret_scans"]
    last = {row["subject"] for row in facts if row["occurred_on"] == ANCHOR - timedelta(days=5)}
    live = {row["service"] for row in production(whole) if row["finished_at"] > weeks_ago(13)}
    assert last == live - {"print-gateway"}
    assert min(row["occurred_on"] for row in facts) >= (ANCHOR - timedelta(weeks=34))


NEW = {"wishlist", "price-alerts", "device-trust", "app-inbox", "churn-model", "loyalty", "voice-search", "gift-cards"}


def test_each_step_to_production_has_a_service_that_waits_before_it(whole: Collected) -> None:
    runs = [(row["service"] or row["repository"].removeprefix("harbour/"), row) for row in whole.of(PipelineRun)]
    built = {service for service, row in runs if row["result"] == "success"}
    tried = {row["service"] for row in whole.of(Deployment) if row["environment"] == "staging"}
    live = {row["service"] for row in production(whole)}
    assert NEW - built == {"voice-search"}
    assert NEW & built - tried == {"loyalty"}
    assert NEW & tried - live == {"churn-model"}
    made = {row["ext_id"]: row["created_at"] for row in whole.of(Service)}
    assert weeks_ago(26) < min(row["finished_at"] for row in production(whole) if row["service"] == "device-trust")
    assert [row["ext_id"] for service, row in runs if service in NEW and row["queued_at"] < made[service]] == []


def test_new_services_from_the_template_are_scaffolded_by_their_team(whole: Collected) -> None:
    made = {row["service"]: row["occurred_at"] for row in uses("service-template", whole) if row["service"]}
    declared = {row["name"]: row for row in whole.of(Service)}
    assert made.keys() == {"price-alerts", "app-inbox", "loyalty", "voice-search", "gift-cards"}
    assert all(declared[name]["created_at"].date() <= at.date() for name, at in made.items())


def test_databases_are_asked_for_by_ticket(whole: Collected) -> None:
    tickets = [row for row in whole.of(Issue) if row.get("capability") == "database-request"]
    assert len(tickets) > 1.5 * len(uses("database-request", whole))
    waits = hours([row for row in tickets if row["done_at"]], "created_at", "done_at")
    assert 12 < median(waits) < 48


def test_templates_lag_behind_and_some_services_have_no_owner_and_no_tier(whole: Collected) -> None:
    services = {row["name"]: row for row in whole.of(Service)}
    assert {row["template_version"] for row in services.values()} == {None, "3.4", "3.3", "3.2", "3.1", "2.9", "2.7"}
    assert {name for name, row in services.items() if row["team"] is None} == {"fx-rates"}
    assert {name for name, row in services.items() if row["tier"] is None} == {"wishlist"}
    released = [row["finished_at"] for row in production(whole) if row["service"] == "fx-rates"]
    assert max(released) < weeks_ago(13), "nobody has released it for a quarter"
    assert services["ledger"]["created_at"] < weeks_ago(52 * 9) < services["feature-store"]["created_at"]


def test_the_assistant_reaches_ever_more_people_and_its_cost_grows(whole: Collected) -> None:
    people: dict[date, set[str]] = defaultdict(set)
    for row in whole.of(UsageFact):
        if row["metric"] == "active_days":
            people[row["occurred_on"] - timedelta(days=row["occurred_on"].weekday())].add(row["subject"])
    reach = [len(people[ANCHOR - timedelta(weeks=weeks)]) for weeks in (26, 13, 1)]
    assert reach[0] < 0.7 * reach[1] < 0.7 * 0.8 * reach[2]
    spent: dict[date, float] = defaultdict(float)
    for row in whole.of(CostLine):
        if row["category"] == "ai_assistant" and row["currency"] == "EUR":
            spent[row["period_start"]] += float(row["amount"])
    assert spent[date(2026, 10, 1)] > 1.4 * spent[date(2026, 7, 1)] > 1.4 * 1.4 * spent[date(2026, 5, 1)]


def test_machines_cost_more_since_one_month_and_some_charges_name_nobody(whole: Collected) -> None:
    months: dict[date, float] = defaultdict(float)
    for row in whole.of(CostLine):
        if row["category"] == "compute":
            months[row["period_start"]] += float(row["amount"])
    assert months[date(2026, 9, 1)] / months[date(2026, 8, 1)] == pytest.approx(1.22, abs=0.03)
    assert months[date(2026, 8, 1)] / months[date(2026, 7, 1)] == pytest.approx(1.0, abs=0.03)
    october = [row for row in whole.of(CostLine) if row["period_start"] == date(2026, 10, 1)]
    assert [row["provider"] for row in october if row["currency"] == "USD"] == ["another assistant"]
    named = ("service", "team", "capability")
    nobody = sum(float(row["amount"]) for row in october if not any(row.get(name) for name in named))
    assert 0.04 < nobody / sum(float(row["amount"]) for row in october if row["currency"] == "EUR") < 0.10


def test_what_the_samples_settings_declare_is_what_happens_in_it(whole: Collected, tmp_path: Path) -> None:
    settings = Project.sample(tmp_path, {}).settings
    told = {row["capability"] for row in whole.of(PlatformEvent)}
    counted = {row["metric"] for row in whole.of(UsageFact)}
    declared = {one.name: one for one in settings.capabilities}
    assert told == declared.keys() - {"secret-scanning"}
    assert set(declared["secret-scanning"].metrics) <= counted
    assert [one.name for one in settings.capabilities if one.is_mandated] == ["secret-scanning"]


def test_the_samples_exemptions_end_on_the_first_of_a_month_the_first_within_a_month(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    ends = [one.until for one in Project.sample(tmp_path, {}).settings.exemptions]
    assert [end.day for end in ends] == [1, 1, 1]
    assert timedelta() < ends[0] - today <= timedelta(days=31)
    assert timedelta(days=110) < ends[2] - today < timedelta(days=160)


def test_a_freeze_stops_the_releases_of_one_team_for_three_weeks_but_not_its_merges(whole: Collected) -> None:
    data = services_of("data", whole)
    released = [row["finished_at"] for row in production(whole) if row["service"] in data]
    assert [each for each in released if weeks_ago(11) <= each < weeks_ago(8)] == []
    assert sum(weeks_ago(12) <= each < weeks_ago(11) for each in released) > 5
    merged = [row["merged_at"] for row in whole.of(Change) if "data-platform" in row["repository"]]
    assert sum(weeks_ago(11) <= each < weeks_ago(8) for each in merged if each) > 20


def test_one_team_waits_for_its_reviews(whole: Collected) -> None:
    first: dict[str, datetime] = {}
    for row in whole.of(Review):
        if row["reviewer"] != "pair-agent":
            first[row["change"]] = min(row["submitted_at"], first.get(row["change"], row["submitted_at"]))
    teams = {row["repository"]: row["team"] for row in whole.of(Service)}
    waits = defaultdict(list)
    for row in whole.of(Change):
        if row["ext_id"] in first and row["state"] == "merged" and row["repository"] in teams:
            began = row.get("ready_at") or row["opened_at"]
            waits[teams[row["repository"]]].append((first[row["ext_id"]] - began).total_seconds() / 3600)
    medians = {team: median(values) for team, values in waits.items()}
    assert medians.pop("identity") > 4 * max(medians.values())


def test_one_app_has_flaky_builds(whole: Collected) -> None:
    runs = Counter(row["repository"] for row in whole.of(PipelineRun))
    again = Counter(row["repository"] for row in whole.of(PipelineRun) if row["attempt"] > 1)
    rates = {repository: again[repository] / number for repository, number in runs.items()}
    assert rates.pop("harbour/android-app") > 2 * max(rates.values())


def test_one_service_is_three_weeks_old_and_one_belongs_to_nobody(whole: Collected) -> None:
    gift_cards = [row for row in whole.of(Deployment) if row["service"] == "gift-cards"]
    assert weeks_ago(3) <= min(row["started_at"] for row in gift_cards)
    declared = {row["name"] for row in whole.of(Service)}
    assert {row["service"] for row in whole.of(Deployment)} - declared == {"print-gateway"}


def test_the_survey_disagrees_with_telemetry(whole: Collected) -> None:
    scores = defaultdict(list)
    for row in whole.of(SurveyResponse):
        scores[row["team"]] += [one["number"] for one in row["answers"] if one["item"] == "review_speed_v1"]
    means = {team: sum(values) / len(values) for team, values in scores.items()}
    assert min(means, key=lambda team: means[team]) == "search"  # whose reviews are among the fastest
    assert means["identity"] > means["payments"]


def test_there_are_skewed_clocks_unreviewed_merges_and_links_left_out(whole: Collected) -> None:
    merged = [row for row in whole.of(Change) if row["state"] == "merged" and row.get("kind") != "direct_push"]
    assert [row for row in merged if row["first_commit_at"] > row["merged_at"]]
    reviewed = {row["change"] for row in whole.of(Review)}
    assert 0.01 < sum(row["ext_id"] not in reviewed for row in merged) / len(merged) < 0.10
    incidents = [row for row in whole.of(Incident) if row.get("kind") != "alert"]
    linked = sum(row["caused_by_deployment"] is not None for row in incidents)
    assert 0.4 < linked / len(incidents) < 0.8
    assert ["payouts"] in [row["services"] for row in incidents if row["status"] != "resolved"]


def test_releases_of_phones_carry_lines_and_cherry_picks(whole: Collected) -> None:
    picks = [row for row in whole.of(Commit) if row.get("cherry_pick_of")]
    commits = {(row["repository"], row["sha"]) for row in whole.of(Commit)}
    assert picks
    assert {(row["repository"], row["cherry_pick_of"]) for row in picks} <= commits
    deployed = {row["sha"]: row["version"] for row in whole.of(Deployment)}
    assert {deployed[row["sha"]].count(".") for row in picks if row["sha"] in deployed} == {2}


def test_one_rollout_to_three_regions_is_three_rows_of_one_rollout(whole: Collected) -> None:
    regions = Counter(row["rollout"] for row in whole.of(Deployment) if row.get("rollout"))
    assert set(regions.values()) <= {2, 3}  # two: the last one was under way at midnight
    assert len(regions) > 100
