"""Delivery: each recipient once, whatever breaks, and what does not arrive is told."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import backup
from dxmetrics.errors import SettingsError
from dxmetrics.project import Project
from dxmetrics.reports.archive import Archive
from dxmetrics.reports.channels import Channels, Contents
from dxmetrics.reports.delivery import LEASE, ask_again, deliver, summary
from dxmetrics.reports.document import Document
from dxmetrics.state import State, open_state
from dxmetrics.state.deliveries import Channel, ReportDelivery, Target
from tests.conftest import Clock
from tests.engine.mail_server import MailServer, mail_server, silent_server
from tests.reports.delivering import PNG, contents
from tests.reports.sink import Sink, running_sink
from tests.reports.small import document, said, section, statement, tiles

ROOT = Path(__file__).parents[2]
ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"
MINUTE = timedelta(minutes=1)


@dataclass
class Office:
    """A project with its archive, and everything that can be delivered from it."""

    folder: Path
    state: State
    clock: Clock

    def configure(self, text: str) -> None:
        (self.folder / "dx.toml").write_text(text)

    def mail_by(self, server: MailServer) -> None:
        self.configure(
            f'[mail]\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nsender = "dx@example.org"\n'
        )

    @property
    def project(self) -> Project:
        return Project.find(self.folder, {})

    def plan(self, channel: Channel, *recipients: str, formats: tuple[str, ...] = ("pdf",), **given: Any) -> Document:
        """An edition that is to go to these."""
        kept = Archive(self.state).keep(document(**given))
        self.state.deliveries.plan(kept.id, kept.edition, [Target(channel, one) for one in recipients], formats)
        return kept

    def deliver(self, **options: Any) -> list[ReportDelivery]:
        channels = partial(Channels, sleep=lambda seconds: None, timeout=options.pop("timeout", 5.0))
        return deliver(self.project, self.state, self.clock, contents=contents, channels=channels, **options)

    def outcomes(self, **options: Any) -> dict[str, str]:
        """How what was tried ended, by recipient."""
        return {one.recipient: one.status for one in self.deliver(**options)}

    def one(self) -> ReportDelivery:
        (found,) = self.state.deliveries.of()
        return found


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> Iterator[Office]:
    with open_state("", tmp_path / "data", clock) as state:
        made = Office(tmp_path, state, clock)
        made.configure("")
        yield made


@pytest.fixture
def server(office: Office) -> Iterator[MailServer]:
    with mail_server() as running:
        office.mail_by(running)
        yield running


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as running:
        yield running


# -- mail -------------------------------------------------------------------------------------------------------------


def test_a_mail_has_text_html_its_pictures_and_the_report_attached(office: Office, server: MailServer) -> None:
    office.plan("mail", ADA, BOB, formats=("pdf", "xlsx"))
    assert office.outcomes() == {ADA: "sent", BOB: "sent"}
    assert server.recipients == [ADA, BOB]
    first, second = (message for _, message in server.accepted)
    assert (first["To"], first["Subject"]) == (ADA, "Monthly review · Payments")
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Message-ID"].startswith("<review-payments-2026-10.1.")
    kinds = [part.get_content_type() for part in first.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "application/pdf",
    ]  # fmt: skip
    picture = next(part for part in first.walk() if part.get_content_type() == "image/png")
    assert isinstance(picture, EmailMessage)
    assert (picture["Content-ID"], picture.get_content()) == ("<lead>", PNG)
    assert picture.get_content_disposition() == "inline"
    (attached,) = first.iter_attachments()
    assert isinstance(attached, EmailMessage)
    assert attached.get_filename() == "review-payments-2026-10.pdf"
    assert attached.get_content() == b"pdf of review-payments-2026-10 1"
    html = first.get_body(("html",))
    assert isinstance(html, EmailMessage)
    assert "Größe" in html.get_content()


def test_nobody_gets_an_edition_twice(office: Office, server: MailServer) -> None:
    kept = office.plan("mail", ADA)
    assert office.outcomes() == {ADA: "sent"}
    office.plan("mail", ADA, BOB, ADA)
    assert office.outcomes() == {BOB: "sent"}
    ask_again(office.state, kept, even_unclear=True)
    assert office.outcomes() == {}
    assert server.recipients == [ADA, BOB]


def test_a_correction_goes_to_everybody_again(office: Office, server: MailServer) -> None:
    office.plan("mail", ADA)
    office.deliver()
    others = tuple(
        section("Key figures", tiles(33.0)) if one.name == "key_figures" else one for one in document().sections
    )
    assert office.plan("mail", ADA, sections=others).edition == 2
    assert office.outcomes() == {ADA: "sent"}
    names = [part.get_filename() for _, message in server.accepted for part in message.iter_attachments()]
    assert names == ["review-payments-2026-10.pdf", "review-payments-2026-10-edition-2.pdf"]


def test_a_recipient_who_is_refused_stops_nobody_and_is_not_tried_again(
    office: Office, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.refused[BOB] = "550 5.1.1 no such user"
    kept = office.plan("mail", ADA, BOB, EVE, "no address")
    assert office.outcomes() == {ADA: "sent", BOB: "refused", EVE: "sent", "no address": "refused"}
    told = {one.recipient: one.why for one in office.state.deliveries.of(kept.id)}
    assert told == {
        ADA: None,
        BOB: "the mail server does not take it for this recipient (550): correct the address in the report's file or "
        "ask who runs the server",
        EVE: None,
        "no address": "it is no mail address: correct it in the report's file",
    }
    office.clock.advance(days=30)
    assert office.deliver() == []
    assert server.asked.count(BOB) == 1
    assert not any("example.org" in record.getMessage() for record in caplog.records if "dxmetrics" in record.name)
    server.refused.clear()
    ask_again(office.state, kept, even_unclear=False)
    assert office.outcomes() == {BOB: "sent", "no address": "refused"}
    assert summary(office.state.deliveries.of(kept.id)) == "3 sent, 1 refused"


def test_what_is_put_off_is_tried_again_later_and_later(office: Office, server: MailServer) -> None:
    server.refused[ADA] = "450 greylisted"
    office.plan("mail", ADA)
    assert office.outcomes() == {ADA: "planned"}
    assert office.one().why == "the mail server puts this recipient off (450)"
    for minutes in (5, 15, 60):
        assert office.one().next_at == office.clock.now + minutes * MINUTE
        office.clock.advance(minutes=minutes - 1)
        assert office.deliver() == []
        office.clock.advance(minutes=1)
        assert office.outcomes() == {ADA: "planned"}
    server.refused.clear()
    office.clock.advance(hours=3)
    assert office.outcomes() == {ADA: "sent"}
    found = office.one()
    assert (found.attempts, found.next_at, found.ended_at, found.why) == (5, None, office.clock.now, None)


def test_what_never_arrives_is_given_up_after_days(office: Office, server: MailServer) -> None:
    server.refused[ADA] = "450 greylisted"
    office.plan("mail", ADA)
    began = office.clock.now
    while office.deliver():
        found = office.one()
        office.clock.now = found.next_at or office.clock.now
    assert office.one().status == "failed"
    assert office.one().why == "given up after 9 attempts: the mail server puts this recipient off (450)"
    assert timedelta(days=2) < office.clock.now - began < timedelta(days=5)
    kept = Archive(office.state).find("review-payments-2026-10")
    server.refused.clear()
    ask_again(office.state, kept, even_unclear=False)
    assert office.outcomes() == {ADA: "sent"}


def test_a_server_that_hangs_is_waited_for_once_and_all_mail_is_put_off(office: Office) -> None:
    with silent_server() as settings:
        office.configure("[mail]\n" + "\n".join(f"{name} = {value!r}" for name, value in settings.items()))
        office.plan("mail", ADA, BOB)
        office.plan("folder", "reports")
        assert office.outcomes(timeout=0.2) == {ADA: "planned", BOB: "planned", "reports": "sent"}
    told = {one.why for one in office.state.deliveries.of() if one.channel == "mail"}
    assert len(told) == 1
    assert "does not answer within 0.2 s: see that it runs" in (told.pop() or "")


def test_without_settings_mail_waits_until_there_are_some(office: Office) -> None:
    office.plan("mail", ADA)
    assert office.outcomes() == {ADA: "planned"}
    assert office.one().why == "[mail] host is missing: name the server that sends mail"
    office.clock.advance(minutes=5)
    with mail_server() as server:
        office.mail_by(server)
        assert office.outcomes() == {ADA: "sent"}


def test_what_may_have_arrived_is_sent_again_only_when_asked_for_with_the_same_id(office: Office) -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=half_a_server, args=(listening, received))
        thread.start()
        port = listening.getsockname()[1]
        office.configure(f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "dx@example.org"\n')
        kept = office.plan("mail", ADA)
        assert office.outcomes() == {ADA: "unclear"}
        thread.join()
    assert office.one().why == "it was handed over without a clear answer: it may have arrived"
    with mail_server() as server:
        office.mail_by(server)
        office.clock.advance(days=9)
        ask_again(office.state, kept, even_unclear=False)
        assert office.deliver() == []
        ask_again(office.state, kept, even_unclear=True)
        assert office.outcomes() == {ADA: "sent"}
        ((_, message),) = server.accepted
    assert f"Message-ID: {message['Message-ID']}\r\n".encode() in received


def half_a_server(listening: socket.socket, received: list[bytes]) -> None:
    """A mail server that goes away before it says whether it has the message."""
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb", buffering=0) as lines:
        lines.write(b"220 here\r\n")
        for answer in (b"250 hello", b"250 sender", b"250 recipient", b"354 go on"):
            lines.readline()
            lines.write(answer + b"\r\n")
        while (line := lines.readline()) != b".\r\n":
            received.append(line)


# -- Slack and Teams --------------------------------------------------------------------------------------------------


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


# -- folders and object stores ----------------------------------------------------------------------------------------


def test_a_folder_gets_every_format_whole(office: Office, tmp_path: Path) -> None:
    shared = tmp_path / "share"
    office.plan("folder", "reports/monthly", str(shared), formats=("pdf", "xlsx", "mail"))
    assert set(office.outcomes().values()) == {"sent"}
    for folder in (office.folder / "reports/monthly", shared):
        found = {file.name: file.read_bytes() for file in folder.iterdir()}
        assert found == {
            "review-payments-2026-10.pdf": b"pdf of review-payments-2026-10 1",
            "review-payments-2026-10.xlsx": b"xlsx of review-payments-2026-10 1",
        }


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(office: Office) -> None:
    (office.folder / "reports").write_text("a file")
    office.plan("folder", "reports")
    assert office.outcomes() == {"reports": "planned"}
    assert f"folder {office.folder}/reports cannot be written (File exists): mend" in (office.one().why or "")
    (office.folder / "reports").unlink()
    office.clock.advance(minutes=5)
    assert office.outcomes() == {"reports": "sent"}


def test_an_object_store_gets_every_format(office: Office, sink: Sink, tmp_path: Path) -> None:
    pytest.importorskip("obstore", reason="needs the extra object-store")
    office.configure(
        f'[reports.store]\nendpoint = "{sink.address}"\naccess_key_id = "key"\nsecret_access_key = "secret"\n'
        'region = "eu-central-1"\n'
    )
    (tmp_path / "store").mkdir()
    local = f"file://{tmp_path}/store"
    office.plan("store", "s3://bucket/dx/reports", local, formats=("pdf", "csv"))
    assert set(office.outcomes().values()) == {"sent"}
    put = {one.path: one.body for one in sink.seen}
    assert put == {
        "/bucket/dx/reports/review-payments-2026-10.pdf": b"pdf of review-payments-2026-10 1",
        "/bucket/dx/reports/review-payments-2026-10.csv": b"csv of review-payments-2026-10 1",
    }
    assert all(one.authorization.startswith("AWS4-HMAC-SHA256 Credential=key/") for one in sink.seen)
    assert (tmp_path / "store/review-payments-2026-10.csv").read_bytes() == b"csv of review-payments-2026-10 1"


def test_an_object_store_that_refuses_is_told_without_its_key(office: Office, sink: Sink) -> None:
    pytest.importorskip("obstore", reason="needs the extra object-store")
    office.configure(
        f'[reports.store]\nendpoint = "{sink.address}"\naccess_key_id = "key"\nsecret_access_key = "hidden"\n'
        'region = "eu-central-1"\n'
    )
    sink.answers["/bucket"] = (403, {})
    office.plan("store", "s3://bucket/dx", "nope://x", "file:///not/there")
    assert set(office.outcomes().values()) == {"planned"}
    told = {one.recipient: one.why or "" for one in office.state.deliveries.of()}
    assert "403 Forbidden" in told["s3://bucket/dx"]
    assert told["nope://x"].startswith('store nope://x takes no file (Generic URL error: Unable to recognise URL "nope')
    assert "/not/there" in told["file:///not/there"]
    assert all("hidden" not in one and "\n" not in one for one in told.values())


def test_without_its_package_an_object_store_names_the_extra(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    office.plan("store", "s3://bucket/dx")
    assert office.outcomes() == {"s3://bucket/dx": "planned"}
    assert (office.one().why or "").endswith('pip install "dxmetrics[object-store]"')


# -- whatever breaks --------------------------------------------------------------------------------------------------


def started(folder: Path) -> subprocess.Popen[str]:
    """A process that is ready to deliver what is planned in the folder, and waits for a line."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    command = [sys.executable, "-m", "tests.reports.delivering", str(folder)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def wait(process: subprocess.Popen[str]) -> int:
    with process:
        with suppress(BrokenPipeError):
            process.communicate(timeout=30)
        return process.returncode


def test_a_process_that_is_killed_at_work_sends_nothing_twice(office: Office) -> None:
    addresses = [f"one{number}@example.org" for number in range(6)]
    victims: list[subprocess.Popen[str]] = []

    def kill_at_the_third(message: EmailMessage) -> None:
        if message["To"] == addresses[2] and victims:
            victims.pop().send_signal(signal.SIGKILL)

    with mail_server(kill_at_the_third) as server:
        office.mail_by(server)
        office.plan("mail", *addresses)
        victim = started(office.folder)
        victims.append(victim)
        go(victim)
        assert wait(victim) == -signal.SIGKILL
        assert [one.status for one in office.state.deliveries.of()] == ["sent", "sent", "sending", *["planned"] * 3]
        assert office.outcomes() == dict.fromkeys(addresses[3:], "sent")
        assert sorted(server.recipients) == addresses
    unclear = [one for one in office.state.deliveries.of() if one.status != "sent"]
    assert [(one.recipient, one.status) for one in unclear] == [(addresses[2], "unclear")]
    assert unclear[0].why == "the program was stopped while it sent this: it may have arrived"


def test_two_processes_at_once_send_everything_once(office: Office) -> None:
    addresses = [f"one{number}@example.org" for number in range(12)]
    with mail_server() as server:
        office.mail_by(server)
        office.plan("mail", *addresses)
        processes = [started(office.folder), started(office.folder)]
        for process in processes:
            go(process)
        assert [wait(process) for process in processes] == [0, 0]
        assert sorted(server.recipients) == sorted(addresses)


def test_a_file_that_was_being_written_is_written_again(office: Office) -> None:
    office.plan("folder", "reports")
    assert office.state.deliveries.claim(office.one())
    assert office.outcomes() == {"reports": "sent"}
    assert office.one().attempts == 2


def test_a_file_that_never_gets_written_is_given_up(office: Office) -> None:
    office.plan("folder", "reports")
    for _ in range(9):
        assert office.state.deliveries.claim(office.one())
        office.state.deliveries.resume(office.one())
    assert office.state.deliveries.claim(office.one())
    assert office.deliver() == []
    assert (office.one().status, (office.one().why or "")[:29]) == ("failed", "given up after 10 attempts: t")


def test_while_another_process_sends_nothing_is_sent_here(office: Office) -> None:
    office.plan("folder", "reports")
    office.state.leases.acquire(LEASE, "elsewhere/1", MINUTE)
    assert office.deliver() == []
    office.state.leases.release(LEASE, "elsewhere/1")
    assert office.outcomes() == {"reports": "sent"}
    assert office.state.leases.holder(LEASE) is None


def test_only_the_edition_that_is_asked_for_is_sent(office: Office) -> None:
    office.plan("folder", "reports")
    other = office.plan("folder", "others", team="Search")
    assert office.outcomes(only={(other.id, 1)}) == {"others": "sent"}
    assert office.outcomes() == {"reports": "sent"}


def test_it_ends_between_two_deliveries_when_told_to(office: Office) -> None:
    office.plan("folder", "one", "two")
    said = iter([False, True])
    assert office.outcomes(stop=lambda: next(said)) == {"one": "sent"}
    assert office.outcomes() == {"two": "sent"}


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (SettingsError("no such format"), "no such format"),
        (ValueError("no ink"), "it cannot be rendered, by a mistake in dxmetrics: ValueError: no ink"),
    ],
)
def test_what_cannot_be_rendered_is_put_off_and_stops_no_other(office: Office, error: Exception, why: str) -> None:
    def broken(one: Document, name: str) -> bytes:
        raise error

    office.plan("folder", "reports")
    found = deliver(
        office.project, office.state, office.clock, contents=lambda one, link: Contents(one, link, render=broken)
    )
    assert [(one.status, one.why) for one in found] == [("planned", why)]


def test_after_a_backup_is_put_back_nothing_is_sent_that_may_have_been_sent_since(office: Office) -> None:
    kept = office.plan("folder", "reports")
    office.state.deliveries.schedule("review", "0 7 5 * *", office.clock.now - MINUTE)
    office.state.deliveries.schedule("digest", "0 7 * * 1", office.clock.now + MINUTE)
    made = backup.backup(office.project, office.folder / "backups", office.clock)
    assert office.outcomes() == {"reports": "sent"}
    backup.restore(office.project, made, office.clock)
    assert office.deliver() == []
    assert (office.one().status, office.one().why) == ("unclear", backup.MAY_BE_SENT)
    assert list(office.state.deliveries.scheduled()) == ["digest"]
    ask_again(office.state, kept, even_unclear=True)
    assert office.outcomes() == {"reports": "sent"}
