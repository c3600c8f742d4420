"""Typeform: the answers to one form, as answers to a survey.

Reads:  GET /forms/{form} for what is asked, and GET /forms/{form}/responses, earliest first, 1,000 a page, for what was
        handed in since an hour before the last look. A look takes two requests. Once a week, and when the settings of
        the form change, all responses are read again; what was deleted at Typeform is let go then.
Needs:  a personal access token with the scopes forms:read and responses:read, in DX_NAME__TOKEN; in `items` which
        question is which item of the survey, by the question's id or its ref; for an account in the EU `url`. A webhook
        of the form makes it look at once; polling stays the guarantee.
Limits: About 2 requests a second. A new response may be listed up to half an hour late. What was begun and not handed
        in is left out. Who answered is not read: no hidden field but those that the settings name, no address,
        browser or network, and no question that asks for mail, phone, address or files. A choice is told by its text in
        the form's main language, as it is now. Numbers outside a question's present scale are left out.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope
from dxmetrics.collectors.questionnaire import Form, FormSettings, Payload, Question, Reading, Said, pages
from dxmetrics.collectors.webhooks import Headers, Looks, Webhook, delivery_id, field, hmac_sha256, text
from dxmetrics.errors import AuthError, CollectError, NotFoundError
from dxmetrics.http import Bearer
from dxmetrics.records import SurveyResponse

if TYPE_CHECKING:
    from dxmetrics.collectors.forms import Answer

HOME = "https://api.typeform.com/"
AT_ONCE = 1_000
SCOPES = "forms:read and responses:read"
PERSONAL = frozenset({"address", "calendly", "contact_info", "email", "file_upload", "payment", "phone_number"})
FREE = frozenset({"long_text", "short_text"})
SILENT = frozenset({"statement"})  # shown among the questions, and answered by nobody
SIGNATURE = "typeform-signature"


class TypeformSettings(FormSettings):
    """Which form of Typeform is read, and as what."""

    url: str | None = Field(
        default=None,
        description="address of the API; left out: https://api.typeform.com; in the EU: https://api.eu.typeform.com",
    )
    form: str = Field(
        pattern=r"^[A-Za-z0-9_-]+$", description="id of the form, as in its address: acme.typeform.com/to/ID"
    )


# -- webhooks ---------------------------------------------------------------------------------------------------------


def _verify(headers: Headers, body: bytes, secret: str, now: datetime) -> None:
    """The signature is that of GitHub and others, written in base64."""
    prefix, _, coded = headers.get(SIGNATURE, "").partition("=")
    try:
        given = base64.b64decode(coded.encode("latin-1", "replace"), validate=True).hex()
    except binascii.Error:
        given = ""  # which no signature is
    known = {SIGNATURE: f"{prefix}={given}"} if SIGNATURE in headers else {}
    hmac_sha256(SIGNATURE, "sha256=")(known, body, secret, now)


def looks(_headers: Headers, payload: Payload) -> Looks:
    """The form that was handed in."""
    return (text(payload, "form_response.form_id"),) if field(payload, "event_type") == "form_response" else ()


def keep(body: bytes) -> bytes:
    """Which form it was; what was answered is read from the API, and kept nowhere else."""
    payload = json.loads(body)
    form = {"form_id": text(payload, "form_response.form_id")}
    return json.dumps({"event_type": field(payload, "event_type"), "form_response": form}).encode()


WEBHOOK = Webhook(_verify, delivery_id(), looks, keep)


class Typeform(Collector):
    """The responses to one form: one scope."""

    kind = "typeform"
    produces = (SurveyResponse,)
    keeps_payloads = False  # what is said of a person stays where it was said
    webhook = WEBHOOK
    Settings = TypeformSettings
    settings: TypeformSettings

    def __init__(self, name: str, settings: TypeformSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        token = settings.token
        auth = Bearer(token.get_secret_value()) if token else None
        self._client = settings.client(name, settings.url or HOME, context, auth=auth, concurrency=1)

    def scopes(self) -> Iterator[Scope]:
        """The form."""
        yield Scope(self.settings.form, f"form {self.settings.form}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of responses, the earliest first."""
        form = asked(self._read(f"forms/{scope.id}", {}))
        reading = Reading.of(cursor, self.settings, self.context.now())
        yield from pages(
            self.name, self.settings, form, reading, self._client.server_time(), self._listed(scope.id, reading.since),
            answers=lambda one: answers(one, form) if handed_in_at(one) else None,
            row=lambda one, said: survey_row(one, said, form, self.settings),
        )  # fmt: skip

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _listed(self, form: str, since: datetime | None) -> Iterator[tuple[Sequence[Payload], bool]]:
        """Pages of responses, and whether each is the last one."""
        # By time, not by `after`: that token cannot be sorted by, and is void when its response was deleted.
        params = {"page_size": AT_ONCE, "sort": "submitted_at,asc", "completed": "true"}
        while True:
            found = self._read(f"forms/{form}/responses", {**params, "since": since and as_text(since)})
            rows = found.get("items")
            if not isinstance(rows, list):
                raise CollectError(
                    f"{self.name}: the responses of form {form} have no list 'items': their form changed"
                )
            is_last = len(rows) < AT_ONCE
            yield rows, is_last
            if is_last:
                return
            reached = handed_in_at(rows[-1])
            if reached is None or (since and as_text(reached) <= as_text(since)):
                raise CollectError(f"{self.name}: a page of responses to form {form} ends where it began: {since}")
            since = reached

    def _read(self, path: str, params: Mapping[str, Any]) -> Payload:
        form = self.settings.form
        try:
            body = self._client.json(path, params)
        except NotFoundError as error:
            raise NotFoundError(
                f"{self.name}: form {form} is not there, or the token may not see it: correct `form`, or take the"
                " source out of dx.toml if the form was deleted: what was read of it is kept"
            ) from error
        except CollectError as error:
            if type(error) is not CollectError or ": 403 on " not in str(error):
                raise
            if "AUTHENTICATION_FAILED" in str(error):  # a token that was revoked is answered so, and not with 401
                raise AuthError(
                    f"{self.name}: the token is refused: create a new one with {SCOPES} and set"
                    f" DX_{self.name.upper().replace('-', '_')}__TOKEN"
                ) from error
            raise CollectError(f"{error}; form {form} needs a token with {SCOPES} of somebody who sees it") from error
        if not isinstance(body, Mapping):
            raise CollectError(f"{self.name}: {path} does not answer with an object: its form has changed")
        return body


# -- mapping ----------------------------------------------------------------------------------------------------------


def asked(payload: Payload) -> Form:
    """The questions of a form, those in groups and the rows of matrices among them."""
    return Form(payload.get("title") or "", _questions(payload.get("fields") or ()), payload.get("hidden") or ())


def _questions(fields: Sequence[Payload]) -> Iterator[Question]:
    for one in fields:
        about = one.get("properties") or {}
        if about.get("fields"):
            yield from _questions(about["fields"])
        elif one.get("type") not in SILENT:
            labels = {
                name: choice["label"]
                for choice in about.get("choices") or ()
                for name in (choice.get("id"), choice.get("ref"))
                if name and choice.get("label")
            }
            yield Question(
                names=tuple(filter(None, (one.get("id"), one.get("ref")))),
                title=one.get("title") or "",
                scale=_scale(one.get("type"), about),
                labels=labels,
                is_free=one.get("type") in FREE,
                is_personal=one.get("type") in PERSONAL,
            )


def _scale(kind: str | None, about: Payload) -> range | None:
    if kind == "nps":
        return range(11)
    steps = about.get("steps")
    if kind not in {"opinion_scale", "rating"} or not isinstance(steps, int):
        return None
    first = 1 if kind == "rating" or about.get("start_at_one") else 0
    return range(first, first + steps)


def handed_in_at(payload: Payload) -> datetime | None:
    """When a response was handed in; None for one that was not: its time is missing, or that of the year 1."""
    text = payload.get("submitted_at")
    if not text or text.startswith("0001-") or payload.get("response_type", "completed") != "completed":
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


def answers(payload: Payload, form: Form) -> dict[str, Answer | Sequence[str]]:
    """What was answered, by the question's id and by its ref, and what came in hidden fields."""
    said: dict[str, Answer | Sequence[str]] = dict(payload.get("hidden") or {})
    for one in payload.get("answers") or ():
        names = [name for name in ((one.get("field") or {}).get("ref"), (one.get("field") or {}).get("id")) if name]
        said |= dict.fromkeys(names, _value(one, form.question(*names)))
    return said


def _value(answer: Payload, question: Question | None) -> Answer | Sequence[str]:
    """A number, yes or no, text, or the choices; None for what is not read, such as an address."""
    kind = answer.get("type")
    labels = question.labels if question else {}
    if kind in {"text", "number", "boolean"}:
        return answer.get(kind)
    if kind == "choice":
        chosen = answer.get("choice") or {}
        return labels.get(chosen.get("id") or chosen.get("ref") or "") or chosen.get("label") or chosen.get("other")
    if kind == "choices":
        chosen = answer.get("choices") or {}
        given = chosen.get("labels") or ()
        ids = chosen.get("ids") or chosen.get("refs") or ()
        told = [labels.get(key, label) for key, label in zip(ids, given, strict=False)] if ids else given
        return tuple(filter(None, (*told, chosen.get("other"))))
    return None


def survey_row(payload: Payload, said: Said, form: Form, settings: TypeformSettings) -> dict[str, Any]:
    """The record of a response that was handed in: what is mapped of it, and its day."""
    submitted_at = handed_in_at(payload)
    key = payload.get("response_id") or payload.get("token")
    if submitted_at is None or not key:
        raise CollectError(
            f"a response to form {settings.form} has no `response_id`: the form of responses has changed"
        )
    return form.response(settings, key, submitted_at, said)


def as_text(moment: datetime) -> str:
    """An instant as parameters have it: in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
