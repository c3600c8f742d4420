"""Messages in Slack and Teams: key figures and what changed, each once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.engine.mail_server import silent_server
from tests.reports.office import Office
from tests.reports.sink import Sink
from tests.reports.small import said, section, statement, tiles


@pytest.fixture
def workspace(office: Office, sink: Sink) -> Sink:
    """A sink that is Slack: messages to channels, and files."""
    office.configure(f'[slack]\ntoken = "xoxb-secret"\nurl = "{sink.address}/api"\n')
    upload = {"ok": True, "file_id": "F1", "upload_url": f"{sink.address}/upload/secret"}
    sink.answers["/api/files.getUploadURLExternal"] = (200, upload)
    sink.answers["/api/chat.postMessage"] = (200, {"ok": True, "channel": "C1", "ts": "17.5"})
    return sink


def test_slack_gets_the_key_figures_and_the_file_in_a_thread(office: Office, workspace: Sink) -> None:
    office.plan("slack", "#engineering")
    assert office.outcomes() == {"#engineering": "sent"}
    assert workspace.paths() == [
        "/api/files.getUploadURLExternal", "/upload/secret", "/api/chat.postMessage",
        "/api/files.completeUploadExternal",
    ]  # fmt: skip
    asked, uploaded, posted, shared = workspace.seen
    assert asked.path.endswith("?filename=review-payments-2026-10.pdf&length=32")
    assert uploaded.body == b"pdf of review-payments-2026-10 1"
    assert uploaded.authorization == ""
    assert posted.authorization == "Bearer xoxb-secret"
    assert posted.json["channel"] == "#engineering"
    assert posted.json["text"] == (
        "*Monthly review*\nExample · Payments · 1 Oct to 31 Oct 2026\n\n• Lead time: *31.0 h* (was 20 h in September)\n"
        "• Lead time rose to 31 h: mostly *review*"
    )
    assert shared.json == {
        "channel_id": "C1", "thread_ts": "17.5", "files": [{"id": "F1", "title": "review-payments-2026-10.pdf"}],
    }  # fmt: skip


def test_slack_without_the_right_to_files_gets_the_words(office: Office, workspace: Sink) -> None:
    workspace.answers["/api/files.getUploadURLExternal"] = (200, {"ok": False, "error": "missing_scope"})
    office.plan("slack", "#engineering")
    assert office.outcomes() == {"#engineering": "sent"}
    assert "without the file: slack: give the app the scope files:write" in (office.one().why or "")
    assert workspace.paths()[1:] == ["/api/chat.postMessage"]


def test_a_message_whose_file_is_lost_at_the_end_is_not_sent_again(office: Office, workspace: Sink) -> None:
    workspace.answers["/api/files.completeUploadExternal"] = (500, {})
    office.plan("slack", "#engineering")
    assert office.outcomes() == {"#engineering": "sent"}
    assert (office.one().why or "").startswith("without the file: slack: 500 on /api/files.completeUploadExternal")


@pytest.mark.parametrize(
    ("path", "answer", "status", "why"),
    [
        ("/api/chat.postMessage", (200, {"ok": False, "error": "not_in_channel"}), "refused", "invite the app to the"),
        ("/api/chat.postMessage", (500, {}), "unclear", "it may have arrived"),
        ("/api/chat.postMessage", (200, {"ok": False, "error": "invalid_auth"}), "planned", "set DX_SLACK__TOKEN"),
        ("/upload/", (500, {}), "planned", "slack: takes no file now (HTTPStatusError): try again later"),
        ("/api/files.getUploadURLExternal", (200, {"ok": True}), "planned", "slack: takes no file now"),
    ],
)
def test_what_slack_does_not_take_is_told(
    office: Office, workspace: Sink, path: str, answer: tuple[int, Any], status: str, why: str
) -> None:
    workspace.answers[path] = answer
    office.plan("slack", "#engineering")
    assert office.outcomes() == {"#engineering": status}
    assert why in (office.one().why or "")


def webhooks(office: Office, sink: Sink) -> None:
    office.configure(
        '[reports]\naddress = "https://dx.example.org/"\n'
        f'teams_webhooks = {{ teams = "{sink.address}/workflows/secret" }}\n'
        f'slack_webhooks = {{ channel = "{sink.address}/services/secret" }}\n'
    )


def test_teams_gets_a_card_and_a_slack_webhook_a_message(office: Office, sink: Sink) -> None:
    webhooks(office, sink)
    office.plan("webhook", "teams", "channel", team="R&D *core* <b>")
    assert office.outcomes() == {"channel": "sent", "teams": "sent"}
    slack, teams = sink.seen
    assert (slack.path, teams.path) == ("/services/secret", "/workflows/secret")
    link = "https://dx.example.org/reports?report=review-r-d-core-b-2026-10&edition=1"
    assert "Example · R&amp;D *core* &lt;b&gt; · 1 Oct" in slack.json["text"]
    assert slack.json["text"].endswith(f"<{link}|Open in the archive>")
    (attached,) = teams.json["attachments"]
    assert (teams.json["type"], attached["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card = attached["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    texts = [one.get("text") for one in card["body"]]
    assert texts[:2] == ["Monthly review", r"Example · R&D \*core\* <b> · 1 Oct to 31 Oct 2026"]
    assert card["body"][2]["facts"] == [{"title": "Lead time", "value": "31.0 h (was 20 h in September)"}]
    assert texts[3] == "- Lead time rose to 31 h: mostly **review**"
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open in the archive", "url": link}]


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (400, "refused", "its server takes no message of this form: see which kind of webhook it is"),
        (404, "planned", "webhook teams: 127.0.0.1 does not know it any more (404): make a new one"),
        (429, "planned", "webhook teams: 127.0.0.1 takes nothing now (429)"),
        (500, "unclear", "it was handed over without a clear answer: it may have arrived"),
    ],
)
def test_a_webhook_that_takes_nothing_is_told_without_its_address(
    office: Office, sink: Sink, caplog: pytest.LogCaptureFixture, answer: int, status: str, why: str
) -> None:
    caplog.set_level(logging.DEBUG, "dxmetrics")
    webhooks(office, sink)
    sink.answers["/workflows"] = (answer, {})
    office.plan("webhook", "teams")
    assert office.outcomes() == {"teams": status}
    told = office.one().why or ""
    assert told.startswith(why)
    assert "secret" not in told + caplog.text


def test_a_webhook_that_is_not_there_or_silent(office: Office) -> None:
    with silent_server() as settings:
        silent = f"http://127.0.0.1:{settings['port']}/secret"
        office.configure(
            f'[reports.teams_webhooks]\nsilent = "{silent}"\ngone = "http://127.0.0.1:1/secret"\nbad = "nowhere"\n'
            'both = "https://a"\n[reports.slack_webhooks]\nboth = "https://b"\n'
        )
        office.plan("webhook", "silent", "gone", "bad", "other", "both")
        statuses = office.outcomes(timeout=0.2)
    assert statuses == {"silent": "unclear", "gone": "planned", "bad": "planned", "other": "planned", "both": "planned"}
    told = {one.recipient: one.why for one in office.state.deliveries.of()}
    assert told["gone"] == "webhook gone: 127.0.0.1 cannot be reached (ConnectError)"
    assert told["bad"] == "webhook bad: its address in [reports] is none: write the https://... it was given"
    assert told["other"] == (
        "webhook other is not known: add it to [reports] teams_webhooks or slack_webhooks, or use one of silent, gone, "
        "bad, both, both"
    )
    assert told["both"] == "webhook both is in both teams_webhooks and slack_webhooks: call one of them otherwise"


def test_a_channel_hears_of_a_correction_first(office: Office, sink: Sink) -> None:
    webhooks(office, sink)
    office.plan("webhook", "channel")
    many = tuple(statement(f"number {number}") for number in range(9))
    office.plan(
        "webhook", "channel", sections=(section("Key figures", tiles(33.0)), section("What changed", said(*many)))
    )
    office.deliver()
    text = sink.seen[-1].json["text"]
    assert "corrected, edition 2" in text
    assert text.index("*Key figures, Lead time*: 33.0 h, was 31.0 h") < text.index("• ", text.index("33.0 h, was"))
    assert "number 8" not in text
