"""Numbers for others over HTTP: the same as the pages show, in every format, for those who may read them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.main import get_command

from dxmetrics import cli
from dxmetrics.api.metrics import VALUES
from dxmetrics.api.negotiation import accepted
from dxmetrics.errors import MalformedError
from dxmetrics.inquiry import questions
from tests.engine.read_web import FORMULA, Site, site

PAGE = (Path(__file__).parents[2] / "docs/read.md").read_text()
WEEKLY = "/api/v1/metrics/change_lead_time?period=week&by=team"
WINDOW = "/api/v1/metrics/change_lead_time?from=2026-10-26&to=2026-11-23"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("read")) as found:
        yield found


@pytest.fixture
def fresh_web(tmp_path: Path) -> Iterator[Site]:
    """One whose publication a test replaces."""
    with site(tmp_path) as found:
        yield found


def get(web: Site, address: str, **headers: str) -> Any:
    return web.client.get(address, headers=web.bearer() | headers)


def test_the_catalogue_says_what_each_metric_is_and_where_its_formula_is_from(web: Site) -> None:
    answer = get(web, "/api/v1/metrics").json()
    (metric,) = answer["metrics"]
    assert (answer["as_of"], answer["data_version"]) == ("2026-11-25T12:00:00+00:00", "20261125")
    told = {key: metric[key] for key in ("name", "area", "title", "unit", "aggregate", "source", "better")}
    assert told == {
        "name": "change_lead_time", "area": "delivery", "title": "Change lead time", "unit": "hours",
        "aggregate": "median", "source": "DORA", "better": "lower",
    }  # fmt: skip
    assert metric["dimensions"] == ["team", "service", "repository"]
    assert metric["question"] == "Once written, how long until a change runs in production?"


def test_numbers_are_those_of_the_metrics_api(web: Site) -> None:
    answer = get(web, WEEKLY)
    cells = [cell.as_json() for cell in web.published.query("change_lead_time", period="week", by=("team",))]
    assert answer.json()["cells"] == cells
    assert len(cells) == 13 * 3
    assert answer.headers["dx-as-of"] == "2026-11-25T12:00:00+00:00"
    assert answer.headers["dx-data-version"] == "20261125"
    payments = get(web, f"{WINDOW}&team=Payments").json()["cells"][0]
    assert (payments["value"], payments["n"], payments["unit"]) == (28.5, 32, "hours")


def test_every_format_has_the_same_numbers_and_unknown_is_null_in_each(web: Site) -> None:
    cells = get(web, WEEKLY).json()["cells"]
    hidden = [cell["value"] for cell in cells if cell["team"] == FORMULA]
    assert hidden == [None] * 13, "two changes make no median"
    rows = list(csv.DictReader(io.StringIO(get(web, f"{WEEKLY}&format=csv").text)))
    assert [float(row["value"]) if row["value"] else None for row in rows] == [cell["value"] for cell in cells]
    assert [int(row["n"]) for row in rows] == [cell["n"] for cell in cells]
    assert {row["data_version"] for row in rows} == {"20261125"}
    parquet = pq.read_table(io.BytesIO(get(web, f"{WEEKLY}&format=parquet").content))
    arrow = pa.ipc.open_stream(get(web, f"{WEEKLY}&format=arrow").content).read_all()
    for table in (parquet, arrow):
        found = table.to_pylist()
        assert [(row["team"], row["value"], row["reason"]) for row in found] == [
            (cell["team"], cell["value"], cell["reason"]) for cell in cells
        ]
        assert found[0]["period_start"] == date(2026, 8, 24)
        assert found[0]["as_of"] == datetime(2026, 11, 25, 12, tzinfo=UTC)
        assert table.schema.field("quality_flags").type == pa.list_(pa.string())


def test_a_column_without_any_value_keeps_its_type(web: Site) -> None:
    nothing = f"{WEEKLY}&team={quote(FORMULA)}&format=parquet"
    schema = pq.read_table(io.BytesIO(get(web, nothing).content)).schema
    assert (schema.field("value").type, schema.field("k").type) == (pa.float64(), pa.int64())


def test_no_spreadsheet_runs_what_a_name_or_a_title_holds(web: Site) -> None:
    rows = list(csv.DictReader(io.StringIO(get(web, f"{WEEKLY}&format=csv").text)))
    assert {row["team"] for row in rows} == {f"'{FORMULA}", "Growth", "Payments"}
    receipt = get(web, "/api/v1/metrics/change_lead_time/explain?team=Growth&limit=3&format=csv").text
    assert [row["title"][:4] for row in csv.DictReader(io.StringIO(receipt))] == ["'=1+"] * 3
    named = {cell["team"] for cell in get(web, WEEKLY).json()["cells"]}
    assert FORMULA in named, "what is no spreadsheet gets the name as it is"


def test_filters_are_repeated_and_their_values_are_alternatives(web: Site) -> None:
    n = {
        query: get(web, f"{WINDOW}&{query}").json()["cells"][0]["n"]
        for query in ("team=Payments", "team=Payments&team=Growth", "team=Payments&service=landing", "team=unmapped")
    }
    assert n == {
        "team=Payments": 32, "team=Payments&team=Growth": 64, "team=Payments&service=landing": 0, "team=unmapped": 0,
    }  # fmt: skip
    everything = get(web, f"{WINDOW}&team=&service=&period=&by=").json()["cells"]
    assert [cell["n"] for cell in everything] == [66], "a blank value is as if it was left out"
    both = get(web, f"{WINDOW}&by=team,service").json()["cells"]
    assert [cell["service"] for cell in both] == ["odd", "landing", "checkout"]


def test_a_name_nobody_has_heard_of_is_remarked_upon(web: Site) -> None:
    answer = get(web, f"{WINDOW}&team=Paymens").json()
    assert answer["remarks"] == ["nothing is known of a team 'Paymens': did you mean Payments?"]
    assert answer["cells"][0]["value"] is None
    assert "remarks" not in get(web, f"{WINDOW}&team=Payments").json()


def test_a_comparison_tells_signal_from_routine_variation(web: Site) -> None:
    address = "/api/v1/metrics/change_lead_time/compare?from=2026-10-26&to=2026-11-23&by=team"
    found = {one["team"]: one for one in get(web, address).json()["comparisons"]}
    payments, growth = found["Payments"], found["Growth"]
    assert (payments["value"], payments["previous_value"], payments["difference"]) == (28.5, 9.5, 19.0)
    assert (payments["is_signal"], payments["change"]) == (True, "worse")
    assert (growth["is_signal"], growth["text"]) == (False, "routine variation")
    assert found[FORMULA]["difference"] is None
    rows = pq.read_table(io.BytesIO(get(web, f"{address}&format=parquet").content)).to_pylist()
    assert [row["difference"] for row in rows] == [one["difference"] for one in found.values()]


def test_a_receipt_has_the_rows_and_everything_the_number_rests_on(web: Site) -> None:
    address = "/api/v1/metrics/change_lead_time/explain?from=2026-10-26&to=2026-11-23&team=Payments"
    answer = get(web, f"{address}&limit=5").json()
    assert (answer["total_rows"], len(answer["rows"])) == (32, 5)
    assert answer["value"]["value"] == 28.5
    assert answer["window"] == {"start": "2026-10-26", "end": "2026-11-23"}
    assert answer["where"] == {"team": ["Payments"]}
    assert answer["definition"]["sql"] == "select 1 as change_lead_time"
    assert {row["service"] for row in answer["rows"]} == {"checkout"}
    whole = pa.ipc.open_stream(get(web, f"{address}&format=arrow").content).read_all()
    assert sorted(whole["measure"].to_pylist())[15:17] == [27.0, 30.0], "the median lies between these"


def test_the_state_of_the_data_is_told(fresh_web: Site) -> None:
    web = fresh_web
    web.warehouse.statements.append(
        "insert into meta.scope_runs (run_id, source, scope, started_at, finished_at, status)"
        " values ('r', 'git', 'a', '2026-11-25 09:00+00', '2026-11-25 10:00+00', 'ok')"
    )
    web.warehouse.publish("20261126")
    answer = get(web, "/api/v1/health").json()
    assert [(one["source"], one["age_hours"], one["last_status"]) for one in answer["sources"]] == [("git", 2.0, "ok")]
    assert set(answer) >= {"coverage", "quarantine", "unmapped", "checks", "as_of"}


def test_who_has_an_answer_already_is_told_so_until_there_is_a_new_publication(fresh_web: Site) -> None:
    web = fresh_web
    headers = web.bearer()
    first = web.client.get(WEEKLY, headers=headers)
    known = headers | {"if-none-match": f'"other", {first.headers["etag"]}'}
    again = web.client.get(WEEKLY, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert web.client.get(f"{WEEKLY}&format=csv", headers=known).status_code == 200, "another form is another answer"
    web.warehouse.publish("20261126")
    fresh = web.client.get(WEEKLY, headers=known)
    assert (fresh.status_code, fresh.headers["dx-data-version"]) == (200, "20261126")


def test_only_a_token_that_may_read_reads(web: Site) -> None:
    without = web.client.get(WEEKLY)
    assert (without.status_code, without.headers["www-authenticate"]) == (401, "Bearer")
    for scope in ("ingest", "surveys", "badge"):
        refused = web.client.get(WEEKLY, headers=web.bearer(scope))
        assert refused.status_code == 403
        assert refused.json()["error"] == "API token 'a reader' may not read numbers: create one with --scope read"
    pushed = web.client.post("/api/v1/deployments", json={"service": "pay"}, headers=web.bearer())
    assert pushed.status_code == 403, "who reads does not push"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("period=year", "period 'year' is not known: use one of day, week, month, quarter"),
        ("by=teem", "change_lead_time has no dimension 'teem': use one of team, service"),
        ("teem=Payments", "change_lead_time has no dimension 'teem'"),
        (
            "by=entity_id",
            "change_lead_time has no dimension 'entity_id': use one of team, service, repository; rows are",
        ),
        ("from=2026-13-01", "from = '2026-13-01' is not a day: write it as 2026-03-31"),
        ("to=9999-12-31", "to = '9999-12-31' is too far away"),
        ("from=1990-01-01", "the window has 13,477 days: at most 3,660"),
        ("to=2199-01-01", "the window has "),
        ("from=2026-10-01&to=2026-09-01", "the window from 2026-10-01 to 2026-09-01 is empty"),
        ("period=day&period=week", "period is given 2 times: give it once"),
        ("bots=no", "bots 'no' is not known"),
        ("format=xls", "format = 'xls' is not known: use one of json, csv, parquet, arrow"),
        ("limit=5", "change_lead_time has no dimension 'limit'"),
    ],
)
def test_a_question_that_is_not_understood_is_answered_with_what_would_be(web: Site, query: str, said: str) -> None:
    answer = get(web, f"/api/v1/metrics/change_lead_time?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(said)


def test_an_unknown_metric_is_answered_with_those_there_are(web: Site) -> None:
    for address in ("speed", "speed/explain", "speed/compare"):
        answer = get(web, f"/api/v1/metrics/{address}")
        assert (answer.status_code, answer.json()["error"]) == (
            404,
            "metric 'speed' is not known: use one of change_lead_time",
        )


@pytest.mark.parametrize("limit", ["-1", "1001", "x", "9" * 30])
def test_a_receipt_has_a_limit(web: Site, limit: str) -> None:
    answer = get(web, f"/api/v1/metrics/change_lead_time/explain?limit={limit}")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        f"limit = {limit!r} is not a number of rows from 0 to 1,000",
    )


def test_an_answer_of_too_many_numbers_is_refused_before_it_is_made(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MOST_CELLS", 38)
    answer = get(web, WEEKLY)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("the answer has 39 numbers, at most 38 are given at once: ask for a short")
    assert get(web, f"{WEEKLY}&team=Payments&team=Growth").status_code == 200


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/csv;q=0.9, application/json;q=0.1", "text/csv; charset=utf-8"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("APPLICATION/VND.APACHE.PARQUET", "application/vnd.apache.parquet"),
        ("text/*", "text/csv; charset=utf-8"),
    ],
)
def test_the_format_is_what_the_reader_likes_best(web: Site, accept: str, given: str) -> None:
    assert get(web, WEEKLY, accept=accept).headers["content-type"] == given


def test_a_format_that_cannot_be_given_is_said_so(web: Site) -> None:
    answer = get(web, WEEKLY, accept="image/png, text/csv;q=0")
    assert answer.status_code == 406
    assert answer.json()["error"].endswith(
        "accept one of application/json, text/csv, application/vnd.apache.parquet, application/vnd.apache.arrow.stream"
    )
    assert accepted("b;q=0.5, a, c;q=x, d;q=0") == ["a", "c", "b"]


def test_before_anything_is_published_one_is_asked_to_come_again(fresh_web: Site) -> None:
    web = fresh_web
    (web.project.data / "published/current").unlink()
    answer = get(web, WEEKLY)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "nothing is published" in answer.json()["error"]


def test_a_dimension_whose_name_is_taken_is_asked_for_as_it_is_answered() -> None:
    pairs = [("period", "week"), ("dimension_period", "night"), ("by", "dimension_format, team")]
    asked = questions.question("shifts", pairs, VALUES)
    assert (asked.period, asked.where, asked.by) == ("week", {"period": ("night",)}, ("format", "team"))
    with pytest.raises(MalformedError, match="from = 'soon' is not a day"):
        questions.question("shifts", [("from", "soon")], VALUES)


def test_every_address_and_every_verb_of_the_docs_works(web: Site) -> None:
    addresses = re.findall(r"http://localhost:8501(/api/v1/[^\s\"]+)", PAGE)
    addresses += [
        at.replace("NAME", "change_lead_time") for at in re.findall(r"^\| `(/api/v1/\S+)`", PAGE, re.MULTILINE)
    ]
    assert len(addresses) >= 10
    assert {at: get(web, at).status_code for at in addresses} == dict.fromkeys(addresses, 200)
    named = re.findall(r"^dxmetrics (\w+)", PAGE, re.MULTILINE)
    assert set(named) == {"tokens", "badge"} < set(get_command(cli.app).commands)
    described = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`\w+`.*?) \|", PAGE, re.MULTILINE)))
    assert set(described) >= set(questions.PARAMETERS)


def test_the_sql_of_the_docs_runs_on_a_publication(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(web.project.folder)
    (code,) = re.findall(r"^```python\n(from pathlib.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    shown: list[Any] = []
    exec(compile(code, "read.md", "exec"), {"print": lambda found: shown.append(found.fetchall())})  # noqa: S102
    assert [len(rows) for rows in shown] == [16 * 8]
    (sql,) = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    with duckdb.connect(web.project.data / "published/dx-20261125.duckdb", read_only=True) as connection:
        found = [connection.sql(one).fetchall() for one in sql.strip().removesuffix(";").split(";")]
    assert [row[0] for row in found[0]] == ["metrics.change_lead_time"]
    assert [row[0] for row in found[1]] == ["service", "team"]


def test_what_changed_is_told_in_sentences_and_numbers(web: Site) -> None:
    address = "/api/v1/changes?from=2026-10-26&to=2026-11-23&team=Payments"
    (change,) = get(web, address).json()["changes"]
    assert change["sentence"].startswith("Change lead time rose from 9.5 to 28.5 h")
    assert (change["metric"], change["difference"], change["change"]) == ("change_lead_time", 19.0, "worse")
    (row,) = pq.read_table(io.BytesIO(get(web, f"{address}&format=parquet").content)).to_pylist()
    assert (row["sentence"], row["moved_by_values"]) == (change["sentence"], change["moved_by_values"])
    assert get(web, address.replace("Payments", "Growth")).json()["changes"] == []
