"""An assistant asks through the protocol's own client why a number moved, and is answered with receipts."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from dxmetrics import cli, inquiry
from dxmetrics.inquiry import tools
from tests.engine.read_web import FORMULA, Site, site

TOOLS = [
    "list_metrics", "query_metric", "compare_periods", "what_changed", "explain_metric", "list_values", "data_health",
]  # fmt: skip
PAYMENTS = {"team": "Payments"}
RISEN = {"since": "2026-10-26", "until": "2026-11-23"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("mcp")) as found:
        yield found


def asked(web: Site, *calls: tuple[str, Mapping[str, Any]]) -> list[Any]:
    """What the tools of a server in this process answer, one after another."""

    async def ask() -> list[Any]:
        async with Client(tools.server(web.project)) as client:
            return [await client.call_tool(name, dict(arguments)) for name, arguments in calls]

    return asyncio.run(ask())


def told(answer: Any) -> Any:
    """The document of an answer, the same as text and structured."""
    assert not answer.is_error, answer.content
    assert json.loads(answer.content[0].text) == answer.structured_content
    return answer.structured_content


def test_why_lead_time_rose_in_payments_is_answered_with_receipts(web: Site) -> None:
    listed, weekly, compared, by_service, receipt = map(
        told,
        asked(
            web,
            ("list_metrics", {"search": "lead time"}),
            ("query_metric", {"name": "change_lead_time", "period": "week", "by": ["team"]}),
            ("compare_periods", {"name": "change_lead_time", "by": ["team"], **RISEN}),
            (
                "compare_periods",
                {"name": "change_lead_time", "by": ["service"], "where": PAYMENTS, **RISEN},
            ),
            ("explain_metric", {"name": "change_lead_time", "where": {"service": ["checkout"]}, "limit": 3, **RISEN}),
        ),
    )
    (metric,) = listed["metrics"]
    assert (metric["name"], metric["unit"], metric["better"]) == ("change_lead_time", "hours", "lower")

    payments = [cell for cell in weekly["cells"] if cell["team"] == "Payments"]
    assert [cell["value"] for cell in payments] == [9.5] * 9 + [28.5] * 4
    assert {cell["n"] for cell in payments} == {8}
    assert (weekly["as_of"], weekly["data_version"]) == ("2026-11-25T12:00:00+00:00", "20261125")

    signals = {one["team"]: (one["is_signal"], one["text"]) for one in compared["comparisons"]}
    assert signals["Payments"] == (True, "19.0 hours more than before: worse")
    assert signals["Growth"] == (False, "routine variation")
    assert [(one["service"], one["difference"]) for one in by_service["comparisons"]] == [("checkout", 19.0)]

    assert (receipt["value"]["value"], receipt["total_rows"], len(receipt["rows"])) == (28.5, 32, 3)
    assert {row["url"] for row in receipt["rows"]} == {"https://git.example.com/1"}
    assert receipt["definition"]["source"] == "DORA"


def test_what_changed_is_told_with_what_carries_it(web: Site) -> None:
    payments, growth, elsewhere = asked(
        web,
        ("what_changed", {"where": PAYMENTS, **RISEN}),
        ("what_changed", {"where": {"team": "Growth"}, **RISEN}),
        ("what_changed", {"where": {"colour": "red"}, **RISEN}),
    )
    (change,) = told(payments)["changes"]
    assert change["sentence"].startswith("Change lead time rose from 9.5 to 28.5 h (95 %: +")
    assert (change["metric"], change["difference"], change["is_signal"], change["n"]) == (
        "change_lead_time", 19.0, True, 32,
    )  # fmt: skip
    assert told(growth)["changes"] == []
    assert told(elsewhere)["changes"] == [], "no metric that is watched knows a colour"


def test_what_is_too_few_to_show_is_not_shown_to_an_assistant_either(web: Site) -> None:
    (answer,) = asked(web, ("query_metric", {"name": "change_lead_time", "where": {"team": FORMULA}, **RISEN}))
    (cell,) = told(answer)["cells"]
    assert cell["value"] is None
    assert (cell["n"], cell["reason"]) == (2, "not enough data: 2 changes, a median needs 5")
    assert "p25" not in cell


def test_a_question_that_cannot_be_answered_says_how_to_ask(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "MOST_CELLS", 12)
    answers = asked(
        web,
        ("query_metric", {"name": "speed"}),
        ("query_metric", {"name": "change_lead_time", "by": ["teem"]}),
        ("compare_periods", {"name": "change_lead_time", "since": "yesterday"}),
        ("explain_metric", {"name": "change_lead_time", "since": "1990-01-01"}),
        ("query_metric", {"name": "change_lead_time", "period": "week"}),
    )
    assert all(answer.is_error for answer in answers)
    said = [answer.content[0].text.partition(": ")[2] for answer in answers]
    assert said[0] == "metric 'speed' is not known: use one of change_lead_time"
    assert said[1].startswith("change_lead_time has no dimension 'teem': use one of team, service")
    assert said[2] == "since = 'yesterday' is not a day: write it as 2026-03-31"
    assert said[3].startswith("the window has 13,477 days: at most 3,660")
    assert said[4].startswith("the answer has 13 numbers, at most 12 are given: ask for a shorter window")


def test_names_and_the_state_of_the_data_can_be_asked_for(web: Site) -> None:
    teams, health, misspelt = asked(
        web,
        ("list_values", {"dimension": "team"}),
        ("data_health", {}),
        ("query_metric", {"name": "change_lead_time", "where": {"team": ["Paymens"]}}),
    )
    assert told(teams)["values"] == ["Growth", "Payments"]
    assert set(told(health)) == {
        "as_of", "data_version", "sources", "coverage", "quarantine", "unmapped", "checks",
    }  # fmt: skip
    assert told(misspelt)["remarks"] == ["nothing is known of a team 'Paymens': did you mean Payments?"]


def test_the_tools_describe_themselves_and_only_read(web: Site) -> None:
    async def ask() -> tuple[Any, str | None]:
        async with Client(tools.server(web.project)) as client:
            return (await client.list_tools()).tools, client.instructions

    listed, instructions = asyncio.run(ask())
    assert [tool.name for tool in listed] == TOOLS
    assert all(tool.description and tool.annotations and tool.annotations.read_only_hint for tool in listed)
    for tool in listed:
        assert all(one.get("description") or "enum" in one for one in tool.input_schema["properties"].values())
    assert "never zero" in str(instructions)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_over_http_a_token_that_reads_asks_the_same(web: Site, mode: str) -> None:
    async def ask() -> Any:
        wire = httpx2.ASGITransport(app=web.app)
        async with (
            httpx2.AsyncClient(transport=wire, headers=web.bearer()) as caller,
            Client(streamable_http_client("http://metrics.example.org/mcp", http_client=caller), mode=mode) as client,
        ):
            arguments = {"name": "change_lead_time", "where": PAYMENTS, **RISEN}
            return await client.call_tool("query_metric", arguments)

    assert [cell["value"] for cell in told(asyncio.run(ask()))["cells"]] == [28.5]


def test_over_http_nobody_else_is_answered(web: Site) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert web.client.post("/mcp", json=ping).status_code == 401
    assert web.client.post("/mcp", json=ping, headers=web.bearer("ingest")).status_code == 403
    assert web.client.post("/mcp", json=ping, headers=web.bearer("badge")).status_code == 403
    listening = web.client.get("/mcp", headers=web.bearer())
    assert (listening.status_code, listening.headers["allow"]) == (405, "POST")


def test_the_verb_speaks_over_stdio(web: Site) -> None:
    async def ask() -> Any:
        started = StdioServerParameters(
            command=sys.executable, args=["-m", "dxmetrics", "mcp", "--project", str(web.project.folder)]
        )
        async with Client(started) as client:
            return await client.call_tool("query_metric", {"name": "change_lead_time", "by": ["team"], **RISEN})

    cells = {cell["team"]: cell["value"] for cell in told(asyncio.run(ask()))["cells"]}
    assert cells == {"Growth": 9.5, "Payments": 28.5, FORMULA: None}


def test_where_the_sdk_is_not_installed_one_is_told_what_to_install(
    web: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inquiry, "find_spec", lambda _name: None)
    assert cli.run(["mcp", "--project", str(web.project.folder)]) == 1
    assert capsys.readouterr().err.strip().endswith('is not installed: pip install "mcp>=2.3"')
    refused = web.client.post("/mcp", json={}, headers=web.bearer())
    assert (refused.status_code, refused.json()["error"][-22:]) == (503, 'pip install "mcp>=2.3"')


def test_no_other_verb_pays_for_it() -> None:
    heavy = "[name for name in ('mcp', 'fastapi', 'duckdb') if name in sys.modules]"
    code = f"import sys, dxmetrics.cli; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
