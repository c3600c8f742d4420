"""Mail: each recipient once, put off, refused or unclear as the server says."""

from __future__ import annotations

import logging
import socket
import threading
from datetime import timedelta
from email.message import EmailMessage

import pytest

from dxmetrics.reports.archive import Archive
from dxmetrics.reports.delivery import ask_again, summary
from tests.engine.mail_server import MailServer, mail_server, silent_server
from tests.reports.delivering import PNG
from tests.reports.office import ADA, BOB, EVE, Office
from tests.reports.small import document, section, tiles

MINUTE = timedelta(minutes=1)


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
