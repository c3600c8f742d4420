"""The ways an edition is delivered: mail, Slack, webhooks of Slack and Teams, a folder, an object store.

Mail, Slack and webhooks get it at most once: where an answer is missing, it may be there. Files are written whole under
the name of their edition, so writing them again changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

from dxmetrics.errors import DeliveryError, SettingsError
from dxmetrics.notify import Attachment, Mail, Mailer, Outcome, Slack, webhook
from dxmetrics.notify.slack import Upload
from dxmetrics.reports import briefing, render
from dxmetrics.reports.document import Document
from dxmetrics.reports.render import Letter

if TYPE_CHECKING:
    from dxmetrics.project import Project
    from dxmetrics.settings import Settings
    from dxmetrics.state.deliveries import ReportDelivery

MOST_FILES = {"mail": 1, "slack": 1, "webhook": 0}
TIMEOUT = 20.0  # seconds without a word from a server
UNSURE = "it was handed over without a clear answer: it may have arrived"
MAIL_SAYS: dict[Outcome, str | None] = {
    "accepted": None,
    "refused": "the mail server does not take it for this recipient ({code}): correct the address in the report's file "
    "or ask who runs the server",
    "deferred": "the mail server puts this recipient off ({code})",
    "unsure": UNSURE,
}

Render = Callable[[Document, str], bytes]
WriteLetter = Callable[[Document, str | None], Letter]


@dataclass(frozen=True)
class Told:
    """What became of one delivery; `why` it is not there, or what of it is missing."""

    outcome: Outcome
    why: str | None = None


class Contents:
    """An edition in the forms it is delivered in, each made once. `link` is where the archive shows it, if anywhere."""

    def __init__(
        self,
        document: Document,
        link: str | None,
        *,
        render: Render = render.render,
        write_letter: WriteLetter = render.letter,
    ) -> None:
        self.document = document
        self.link = link
        self._render = render
        self._write_letter = write_letter
        self._files: dict[str, Attachment] = {}

    @cached_property
    def letter(self) -> Letter:
        """The mail."""
        return self._write_letter(self.document, self.link)

    def prepare(self, one: ReportDelivery) -> None:
        """Make what this delivery needs, so that nothing is left to fail once it has begun."""
        self.files(one)
        if one.channel == "mail":
            self.letter  # noqa: B018 - it is made when asked for

    def files(self, one: ReportDelivery) -> list[Attachment]:
        """The files of a delivery: a message has the first format attached, a folder or store gets all of them."""
        formats = [name for name in one.formats if name in render.FORMATS]
        return [self._file(name) for name in formats[: MOST_FILES.get(one.channel)]]

    def _file(self, name: str) -> Attachment:
        if name not in self._files:
            content = self._render(self.document, name)
            file_name = render.file_name(self.document, name)
            self._files[name] = Attachment(file_name, render.FORMATS[name].media_type, content)
        return self._files[name]


class Channels:
    """Everything that `[mail]`, `[slack]` and `[reports]` reach; connections are made when first used."""

    def __init__(
        self,
        project: Project,
        now: Callable[[], datetime],
        *,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = project.folder
        self._settings = project.settings
        self._now = now
        self._timeout = timeout
        self._sleep = sleep
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Itself; the connections end with the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the connections go."""
        self._stack.close()

    def send(self, one: ReportDelivery, contents: Contents) -> Told:
        """Deliver an edition, once.

        DeliveryError: nothing is delivered, and it can be tried again. SettingsError: not before the settings change.
        """
        if one.channel == "mail":
            return self._mail(one, contents)
        if one.channel == "slack":
            return self._post(one, contents)
        if one.channel == "webhook":
            return self._call(one, contents)
        if one.channel == "folder":
            return _write(self._folder / Path(one.recipient).expanduser(), contents.files(one))
        return self._store(one.recipient, contents.files(one))

    # -- messages -----------------------------------------------------------------------------------------------------

    def _mail(self, one: ReportDelivery, contents: Contents) -> Told:
        words, mailer = contents.letter, self._mailer
        outcome = mailer.send(
            Mail(
                one.recipient,
                words.subject,
                words.text,
                words.html,
                images=words.images,
                attachments=tuple(contents.files(one)),
                key=_message_key(one),
            )
        )
        if outcome == "refused" and mailer.code is None:
            return Told(outcome, "it is no mail address: correct it in the report's file")
        why = MAIL_SAYS[outcome]
        return Told(outcome, why and why.format(code=mailer.code))

    def _post(self, one: ReportDelivery, contents: Contents) -> Told:
        slack, missing = self._slack, None
        upload: Upload | None = None
        for file in contents.files(one):
            try:
                upload = slack.upload(file.name, file.content)
            except SettingsError as error:
                missing = f"without the file: {error}"
        posted = slack.post(one.recipient, briefing.in_slack(contents.document, contents.link), upload)
        return Told(posted.outcome, posted.why or missing or (UNSURE if posted.outcome == "unsure" else None))

    def _call(self, one: ReportDelivery, contents: Contents) -> Told:
        teams, slack, name = self._settings.reports.teams_webhooks, self._settings.reports.slack_webhooks, one.recipient
        if (name in teams) == (name in slack):
            known = ", ".join([*teams, *slack]) or "none yet"
            problem = "is in both teams_webhooks and slack_webhooks: call one of them otherwise"
            missing = f"is not known: add it to [reports] teams_webhooks or slack_webhooks, or use one of {known}"
            raise SettingsError(f"webhook {name} {problem if name in teams else missing}")
        if name in teams:
            outcome = webhook.post(
                name, teams[name], briefing.in_teams(contents.document, contents.link), timeout=self._timeout
            )
        else:
            outcome = webhook.post(
                name, slack[name], {"text": briefing.in_slack(contents.document, contents.link)}, timeout=self._timeout
            )
        why = {"unsure": UNSURE, "refused": "its server takes no message of this form: see which kind of webhook it is"}
        return Told(outcome, why.get(outcome))

    @cached_property
    def _mailer(self) -> Mailer:
        return self._stack.enter_context(
            Mailer(self._settings.mail, now=self._now, timeout=self._timeout, sleep=self._sleep)
        )

    @cached_property
    def _slack(self) -> Slack:
        return self._stack.enter_context(Slack(self._settings.slack, now=self._now, sleep=self._sleep))

    # -- files --------------------------------------------------------------------------------------------------------

    def _store(self, address: str, files: list[Attachment]) -> Told:
        try:
            import obstore
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ImportError as error:
            raise SettingsError(
                f'store {address}: the package to reach it is missing: pip install "dxmetrics[object-store]"'
            ) from error
        options = {name: value.get_secret_value() for name, value in self._settings.reports.store.items()}
        patience = timedelta(seconds=self._timeout)
        is_plain = any(value.startswith("http://") for value in options.values())
        given: dict[str, Any] = {
            "client_options": {"timeout": patience, "allow_http": is_plain},
            "retry_config": {"max_retries": 2, "retry_timeout": patience},
            **({"config": options} if options and not address.startswith("file:") else {}),
        }
        try:
            store = from_url(address, **given)
            for file in files:
                obstore.put(store, file.name, file.content)
        except (BaseError, OSError, ValueError) as error:
            said = str(error).partition("\n")[0]
            raise DeliveryError(
                f"store {address} takes no file ({said}): see to its address, and to [reports] store or the "
                "credentials in the environment"
            ) from error
        return Told("accepted")


def link(settings: Settings, document: Document) -> str | None:
    """Where the archive shows an edition; None where nobody said under which address it is."""
    address = settings.reports.address
    asked = urlencode({"report": document.id, "edition": document.edition})
    return f"{address.rstrip('/')}/reports?{asked}" if address else None


def _message_key(one: ReportDelivery) -> str:
    """The same for the same edition and recipient, so that a mail that comes twice can be known as one."""
    recipient = hashlib.sha256(one.recipient.casefold().encode()).hexdigest()[:12]
    return f"{one.id}.{one.edition}.{recipient}"


def _write(folder: Path, files: list[Attachment]) -> Told:
    """Write files whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            _replace(folder, file)
    except OSError as error:
        raise DeliveryError(
            f"folder {folder} cannot be written ({error.strerror}): mend its permissions or name another one"
        ) from error
    return Told("accepted")


def _replace(folder: Path, file: Attachment) -> None:
    fresh = folder / f".{file.name}.{os.getpid()}"
    try:
        with fresh.open("wb") as written:
            written.write(file.content)
            written.flush()
            os.fsync(written.fileno())
        fresh.replace(folder / file.name)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
