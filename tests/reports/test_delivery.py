"""Delivery: each recipient once, whatever breaks, and what does not arrive is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from dxmetrics import backup
from dxmetrics.errors import SettingsError
from dxmetrics.reports.channels import Contents
from dxmetrics.reports.delivery import LEASE, ask_again, deliver
from dxmetrics.reports.document import Document
from tests.engine.mail_server import mail_server
from tests.reports.office import Office

ROOT = Path(__file__).parents[2]
MINUTE = timedelta(minutes=1)


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
