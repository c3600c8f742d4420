"""Formbricks: the answers to one survey, in the cloud or on an own server.

Reads:  GET /api/v1/management/surveys/{form} for what is asked, and GET /api/v2/management/responses, 250 a page in the
        order of their last change, for what changed since an hour before the last look. A look takes two requests. Once
        a week, and when the settings of the form change, all responses are read again, in the order in which they were
        begun; what was deleted at Formbricks is let go then.
Needs:  an API key that may read the survey's workspace, in DX_NAME__TOKEN; `form`, the survey's id; in `items` which
        question is which item of the survey, by the question's id; a row of a matrix is `id/row`. For an own server
        `url`.
Limits: 100 requests a minute. A response that is not finished is left out until it is. Its day is the one on which it
        was begun: later edits do not move it to another wave. A Formbricks of before December 2025 cannot tell what
        changed: what took longer than an hour to answer is found there in the weekly reading. Who answered is not read:
        no contact, address, browser or network, and no question that asks for them. A choice is told by its text in the
        survey's main language, as it is now. Numbers outside a question's present scale are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope
from dxmetrics.collectors.questionnaire import Form, FormSettings, Payload, Question, Reading, Said, pages
from dxmetrics.errors import AuthError, CollectError, NotFoundError
from dxmetrics.http import HeaderToken
from dxmetrics.records import SurveyResponse

if TYPE_CHECKING:
    from dxmetrics.collectors.forms import Answer

HOME = "https://app.formbricks.com/"
AT_ONCE = 250
PERSONAL = frozenset({"address", "cal", "contactInfo", "fileUpload"})
PERSONAL_INPUTS = frozenset({"email", "phone"})
RATED = frozenset({"ces", "csat", "rating"})
SILENT = frozenset({"cta"})  # a button among the questions
MAIN = "default"  # the survey's main language, whichever that is
TAG = re.compile(r"<[^>]*>")


class FormbricksSettings(FormSettings):
    """Which survey of Formbricks is read, and as what."""

    url: str | None = Field(
        default=None, description="address of an own server; left out: the cloud, https://app.formbricks.com"
    )
    token: SecretStr | None = Field(default=None, description="an API key that may read the survey's workspace")
    webhook_secret: SecretStr | None = Field(default=None, description="not used: the survey is looked at as scheduled")
    form: str = Field(
        pattern=r"^[A-Za-z0-9_-]+$", description="id of the survey, as in its address: app.formbricks.com/s/ID"
    )


class Formbricks(Collector):
    """The responses to one survey: one scope."""

    kind = "formbricks"
    produces = (SurveyResponse,)
    keeps_payloads = False  # what is said of a person stays where it was said
    Settings = FormbricksSettings
    settings: FormbricksSettings

    def __init__(self, name: str, settings: FormbricksSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        token = settings.token
        auth = HeaderToken("x-api-key", token.get_secret_value()) if token else None
        self._client = settings.client(name, settings.url or HOME, context, auth=auth, concurrency=1)

    def scopes(self) -> Iterator[Scope]:
        """The survey."""
        yield Scope(self.settings.form, f"survey {self.settings.form}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of responses, the earliest first."""
        form = asked(self._survey(scope.id))
        reading = Reading.of(cursor, self.settings, self.context.now())
        yield from pages(
            self.name, self.settings, form, reading, self._client.server_time(), self._listed(scope.id, reading),
            answers=lambda one: answers(one, form) if one.get("finished") else None,
            row=lambda one, said: survey_row(one, said, form, self.settings),
        )  # fmt: skip

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _listed(self, survey: str, reading: Reading) -> Iterator[tuple[Sequence[Payload], bool]]:
        """Pages of responses, and whether each is the last one."""
        # All there is by when it was begun, which never changes; news by when it last changed. Each page begins at the
        # time the one before reached: to skip rows of a list that moves would lose some.
        column = "createdAt" if reading.is_whole else "updatedAt"
        params = {"surveyId": survey, "limit": AT_ONCE, "sortBy": column, "order": "asc", "filterDateField": column}
        since, skip, previous = reading.since and reading.since.isoformat(), 0, None
        while True:
            rows = self._read("api/v2/management/responses", {**params, "startDate": since, "skip": skip})
            if not isinstance(rows, list):
                raise CollectError(
                    f"{self.name}: the responses to survey {survey} are no list 'data': their form changed"
                )
            is_last = len(rows) < AT_ONCE
            if rows and rows == previous:
                raise CollectError(f"{self.name}: a page of responses to survey {survey} comes again: {since}")
            yield rows, is_last
            if is_last:
                return
            first, reached = rows[0].get(column), rows[-1].get(column)
            if reached is None:
                raise CollectError(f"{self.name}: a response to survey {survey} has no {column!r}: the form changed")
            # More of the same millisecond than a page holds, as after an import, can only be skipped.
            skip = (skip if reached == since else 0) + len(rows) if first == reached else 0
            since, previous = reached, rows

    def _survey(self, survey: str) -> Payload:
        body = self._read(f"api/v1/management/surveys/{survey}", {})
        if not isinstance(body, Mapping):
            raise CollectError(f"{self.name}: survey {survey} is answered without an object 'data': its form changed")
        return body

    def _read(self, path: str, params: Mapping[str, Any]) -> object:
        """What stands under `data`."""
        survey, place = self.settings.form, f"DX_{self.name.upper().replace('-', '_')}__TOKEN"
        try:
            body = self._client.json(path, params)
        except NotFoundError as error:
            raise NotFoundError(
                f"{self.name}: survey {survey} is not there: correct `form` or `url`, or take the source out of dx.toml"
                " if the survey was deleted: what was read of it is kept"
            ) from error
        except AuthError as error:
            raise AuthError(
                f"{self.name}: the API key is refused, or not one of the workspace of survey {survey}: create one that"
                f" may read it and set {place}"
            ) from error
        return body.get("data") if isinstance(body, Mapping) else None


# -- mapping ----------------------------------------------------------------------------------------------------------


def asked(payload: Payload) -> Form:
    """The questions of a survey, the rows of matrices among them."""
    blocks = [element for block in payload.get("blocks") or () for element in block.get("elements") or ()]
    hidden = (payload.get("hiddenFields") or {}).get("fieldIds") or ()
    return Form(payload.get("name") or "", _questions(blocks or payload.get("questions") or ()), hidden)


def _questions(elements: Iterable[Payload]) -> Iterator[Question]:
    for one in elements:
        key, kind, title = one["id"], one.get("type"), _text(one.get("headline"))
        if kind == "matrix":
            labels = _labels(one.get("columns") or ())
            for row in one.get("rows") or ():
                yield Question(names=_row_names(key, row), title=f"{title}: {_text(_label(row))}", labels=labels)
        elif kind not in SILENT:
            is_text, given = kind == "openText", one.get("inputType") or "text"
            yield Question(
                names=(key,),
                title=title,
                scale=_scale(kind, one.get("range")),
                labels=_labels(one.get("choices") or ()),
                is_free=is_text and given in {"text", "url"},
                is_personal=kind in PERSONAL or (is_text and given in PERSONAL_INPUTS),
            )


def _scale(kind: str | None, points: object) -> range | None:
    if kind == "nps":
        return range(11)
    return range(1, points + 1) if kind in RATED and isinstance(points, int) else None


def _row_names(key: str, row: Payload) -> tuple[str, ...]:
    """What a row of a matrix is called, the text in the main language first; earlier versions had no ids of rows."""
    label = _label(row)
    return tuple(f"{key}/{name}" for name in (_text(label), row.get("id"), *label.values()) if name)


def _label(choice: Payload) -> Payload:
    """The texts of a choice or row by language."""
    label = choice.get("label", choice)
    return label if isinstance(label, Mapping) else {}


def _text(texts: object) -> str:
    """The text in the main language, without its markup."""
    return " ".join(TAG.sub(" ", str(texts.get(MAIN) or "")).split()) if isinstance(texts, Mapping) else ""


def _labels(choices: Iterable[Payload]) -> dict[str, str]:
    """The text in the main language by the text in any: an answer has the one that was shown."""
    known = [label for choice in choices if (label := _label(choice)).get(MAIN)]
    return {text: label[MAIN] for label in known for text in label.values() if text} | {
        label[MAIN]: label[MAIN] for label in known
    }


def answers(payload: Payload, form: Form) -> dict[str, Answer | Sequence[str]]:
    """What was answered by the question's id, and what came in hidden fields."""
    said: dict[str, Answer | Sequence[str]] = {}
    for key, value in (payload.get("data") or {}).items():
        if isinstance(value, Mapping):
            said |= {f"{key}/{row}": _value(answer, form.question(f"{key}/{row}")) for row, answer in value.items()}
        else:
            said[key] = _value(value, form.question(key))
    return {name: value for shown, value in said.items() for name in _names(form, shown)}


def _names(form: Form, shown: str) -> Sequence[str]:
    question = form.question(shown)
    return question.names if question else (shown,)


def _value(value: object, question: Question | None) -> Answer | Sequence[str]:
    """A number, or text in the main language; None for what is neither."""
    labels = question.labels if question else {}
    if isinstance(value, str):
        return labels.get(value, value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, Sequence):
        return tuple(labels.get(one, one) for one in value if isinstance(one, str) and one)
    return None


def survey_row(payload: Payload, said: Said, form: Form, settings: FormbricksSettings) -> dict[str, Any]:
    """The record of a finished response: what is mapped of it, and the day on which it was begun."""
    try:
        return form.response(settings, payload["id"], datetime.fromisoformat(payload["createdAt"]), said)
    except KeyError as error:
        raise CollectError(f"a response to survey {settings.form} has no {error}: the form has changed") from error
