"""Google Forms: the answers to one form, as answers to a survey.

Reads:  GET /v1/forms/{form} for what is asked, and GET /v1/forms/{form}/responses, 5,000 a page, for what was handed in
        or edited since an hour before the last look. A look takes two requests, and one an hour for a token. Once a
        week, and when the settings of the form change, all responses are read again; what was deleted at Google is let
        go then.
Needs:  the JSON key of a service account of a project in which the Google Forms API is enabled, in DX_NAME__TOKEN or in
        `key_file`; the form shared with the account's address (client_email) as an editor; in `items` which question is
        which item of the survey, by the question's id. Without a mapping the source says which ids there are.
Limits: An answer that is edited stays in the wave and on the day of its first handing in: use a new form for each wave
        where people edit theirs. The address of who answered, scores, files, dates and times are not read. There are no
        webhooks. Numbers outside a question's present scale are left out.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import httpx2
import jwt
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope
from dxmetrics.collectors.questionnaire import Form, FormSettings, Payload, Question, Reading, Said, pages
from dxmetrics.errors import AuthError, CollectError, NotFoundError, RetryableError, SettingsError
from dxmetrics.http import served_at
from dxmetrics.records import SurveyResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from dxmetrics.collectors.forms import Answer

HOME = "https://forms.googleapis.com/"
AT_ONCE = 5_000
SCOPES = "https://www.googleapis.com/auth/forms.body.readonly https://www.googleapis.com/auth/forms.responses.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = timedelta(minutes=55)  # an assertion may be good for an hour at most
RENEWED_BEFORE = timedelta(minutes=5)
DRIFT = timedelta(seconds=30)
PUBLIC_ID = "1FAIpQL"  # how the id of the address begins that people answer at, which the API does not know


class GoogleFormsSettings(FormSettings):
    """Which form of Google is read, as what, and with which service account."""

    url: str | None = Field(default=None, description="address of the API; left out: https://forms.googleapis.com")
    form: str = Field(
        pattern=r"^[A-Za-z0-9_-]+$",
        description="id of the form, from the address where it is edited: docs.google.com/forms/d/ID/edit",
    )
    token: SecretStr | None = Field(
        default=None, description="the JSON key of the service account, the whole text of its file"
    )
    key_file: Path | None = Field(default=None, description="the file with the JSON key of the service account")
    webhook_secret: SecretStr | None = Field(default=None, description="not used: Google Forms has no webhooks")

    @field_validator("form")
    @classmethod
    def _is_for_editors(cls, form: str) -> str:
        if form.startswith(PUBLIC_ID):
            raise ValueError(
                "is the id of the address that people answer at: take it from docs.google.com/forms/d/ID/edit"
            )
        return form

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if not (self.token or self.key_file):
            raise ValueError("a service account needs its key: DX_NAME__TOKEN (in the environment) or `key_file`")
        return self


# -- as whom Google is asked ------------------------------------------------------------------------------------------


class Key(BaseModel):
    """The key of a service account, as Google gives it out."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    client_email: Annotated[str, Field(min_length=1)]
    private_key: SecretStr
    private_key_id: str | None = None
    token_uri: Annotated[str, Field(pattern="^https://")]

    @classmethod
    def of(cls, source: str, settings: GoogleFormsSettings, context: Context) -> Key:
        """The key that the settings hold or name, once it has signed something; SettingsError without its text."""
        place = f"[sources.{source}] {'token' if settings.token else 'key_file'}"
        if settings.token:
            text = settings.token.get_secret_value()
        else:
            file = context.project_folder / (settings.key_file or "")
            try:
                text = file.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                raise SettingsError(f"{place} = {str(file)!r}: {error.strerror}") from error
        try:
            key = cls.model_validate(json.loads(text, strict=False))  # the environment may hold it with line breaks
            key.assertion(context.now())
        except (ValidationError, ValueError, TypeError, jwt.PyJWTError):  # without the cause, which may quote the key
            raise SettingsError(
                f"{place} is no key of a service account: make one of type JSON in the Google Cloud console, and give"
                " the whole file"
            ) from None
        return key

    def assertion(self, now: datetime) -> str:
        """What the account says of itself, signed: that it wants to read forms."""
        claims = {
            "iss": self.client_email,
            "scope": SCOPES,
            "aud": self.token_uri,
            "iat": int((now - DRIFT).timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
        }
        headers = {"kid": self.private_key_id} if self.private_key_id else None
        return jwt.encode(claims, self.private_key.get_secret_value(), algorithm="RS256", headers=headers)


class ServiceAccount(httpx2.Auth):
    """Sends requests with a token that is asked for with the account's key, and once more where it is refused."""

    requires_response_body = True

    def __init__(self, source: str, key: Key, now: Callable[[], datetime]) -> None:
        self._source = source
        self._key = key
        self._now = now
        self._token: str | None = None
        self._ends_at: datetime | None = None

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """The request, after one for a token where there is none for long enough."""
        if self._token is None or self._ends_at is None or self._now() >= self._ends_at - RENEWED_BEFORE:
            yield from self._renewed()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            yield from self._renewed()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _renewed(self) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Ask for a token; a second time by the server's clock where this machine's is refused."""
        response = yield self._request(self._now())
        there = served_at(response)
        if response.status_code == httpx2.codes.BAD_REQUEST and there and abs(there - self._now()) > DRIFT:
            response = yield self._request(there)
        if response.is_server_error or response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            raise RetryableError(f"{self._source}: {response.status_code} where a token was asked for: try again later")
        granted = _object(response)
        token = granted.get("access_token")
        if not response.is_success or not isinstance(token, str):
            said = granted.get("error_description") or granted.get("error") or response.reason_phrase
            raise AuthError(
                f"{self._source}: Google gives {self._key.client_email} no token ({said}): make a new key of that"
                f" account and set DX_{self._source.upper().replace('-', '_')}__TOKEN or `key_file`"
            )
        self._token, self._ends_at = token, self._now() + timedelta(seconds=float(granted.get("expires_in") or 0))

    def _request(self, now: datetime) -> httpx2.Request:
        form = {"grant_type": GRANT, "assertion": self._key.assertion(now)}
        return httpx2.Request("POST", self._key.token_uri, data=form)


def _object(response: httpx2.Response) -> Payload:
    try:
        body = response.json()
    except ValueError:
        return {}  # its status is told
    return body if isinstance(body, Mapping) else {}


class GoogleForms(Collector):
    """The responses to one form: one scope."""

    kind = "google_forms"
    produces = (SurveyResponse,)
    keeps_payloads = False  # what is said of a person stays where it was said
    Settings = GoogleFormsSettings
    settings: GoogleFormsSettings

    def __init__(self, name: str, settings: GoogleFormsSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        self._key = Key.of(name, settings, context)
        auth = ServiceAccount(name, self._key, context.now)
        self._client = settings.client(name, settings.url or HOME, context, auth=auth)

    def scopes(self) -> Iterator[Scope]:
        """The form."""
        yield Scope(self.settings.form, f"form {self.settings.form}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of responses, in the order Google has them."""
        form = asked(self._read(f"v1/forms/{scope.id}", {}))
        reading = Reading.of(cursor, self.settings, self.context.now())
        yield from pages(
            self.name, self.settings, form, reading, self._client.server_time(), self._listed(scope.id, reading.since),
            answers=lambda one: answers(one, form),
            row=lambda one, said: survey_row(one, said, form, self.settings),
        )  # fmt: skip

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _listed(self, form: str, since: datetime | None) -> Iterator[tuple[Sequence[Payload], bool]]:
        """Pages of responses, and whether each is the last one."""
        # A page token is good for the filter it was made with only, so all pages have the same.
        params = {"pageSize": AT_ONCE, "filter": f"timestamp >= {since:%Y-%m-%dT%H:%M:%SZ}" if since else None}
        for found in self._client.token_pages(
            lambda token: self._read(f"v1/forms/{form}/responses", {**params, "pageToken": token}),
            lambda found: found.get("nextPageToken"),
        ):
            yield found.get("responses", ()), not found.get("nextPageToken")

    def _read(self, path: str, params: Mapping[str, Any]) -> Payload:
        form, account = self.settings.form, self._key.client_email
        try:
            body = self._client.json(path, params)
        except NotFoundError as error:
            raise NotFoundError(
                f"{self.name}: form {form} is not there, or not shared with {account}: correct `form`, share it, or"
                " take the source out of dx.toml if the form was deleted: what was read of it is kept"
            ) from error
        except CollectError as error:
            if type(error) is not CollectError or ": 403 on " not in str(error):
                raise
            raise CollectError(
                f"{error}; share form {form} with {account} as an editor, and enable the Google Forms API in the"
                " account's project"
            ) from error
        if not isinstance(body, Mapping):
            raise CollectError(f"{self.name}: {path} does not answer with an object: its form has changed")
        return body


# -- mapping ----------------------------------------------------------------------------------------------------------


def asked(payload: Payload) -> Form:
    """The questions of a form, the rows of grids among them."""
    return Form((payload.get("info") or {}).get("title") or "", _questions(payload.get("items") or ()))


def _questions(items: Sequence[Payload]) -> Iterator[Question]:
    for item in items:
        title = item.get("title") or ""
        for question in (
            *filter(None, [(item.get("questionItem") or {}).get("question")]),
            *((item.get("questionGroupItem") or {}).get("questions") or ()),
        ):
            row = (question.get("rowQuestion") or {}).get("title")
            yield Question(
                names=(question["questionId"],),
                title=f"{title}: {row}" if row else title,
                scale=_scale(question),
                is_free="textQuestion" in question,
                is_personal="fileUploadQuestion" in question,
            )


def _scale(question: Payload) -> range | None:
    if scale := question.get("scaleQuestion"):
        return range(scale.get("low", 0), scale["high"] + 1)  # a low of 0 is left out, as JSON of Google's has no zeros
    if rating := question.get("ratingQuestion"):
        return range(1, rating["ratingScaleLevel"] + 1)
    return None


def answers(payload: Payload, form: Form) -> dict[str, Answer | Sequence[str]]:
    """What was answered in words or numbers, by the question's id."""
    said: dict[str, Answer | Sequence[str]] = {}
    for key, one in (payload.get("answers") or {}).items():
        given = [answer["value"] for answer in (one.get("textAnswers") or {}).get("answers") or () if "value" in answer]
        question = form.question(key)
        has_number = question is not None and question.scale is not None and len(given) == 1
        said[key] = _number(given[0]) if has_number else tuple(given)
    return said


def _number(text: str) -> float | str:
    """A number of a scale; the text, where the question was another one when it was answered."""
    try:
        return float(text)
    except ValueError:
        return text


def survey_row(payload: Payload, said: Said, form: Form, settings: GoogleFormsSettings) -> dict[str, Any]:
    """The record of a response: what is mapped of it, and the day it was first handed in."""
    try:
        return form.response(settings, payload["responseId"], datetime.fromisoformat(payload["createTime"]), said)
    except KeyError as error:
        raise CollectError(
            f"a response to form {settings.form} has no {error}: the form of responses has changed"
        ) from error
