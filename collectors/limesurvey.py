"""LimeSurvey: the answers to one survey.

Reads:  RemoteControl 2 (JSON-RPC): get_fieldmap for what is asked; export_responses, first ids and days of what was
        handed in, then the mapped columns alone of what is new since a day before the last look, 1,000 responses at a
        time. A look takes four requests where nothing is new, and its session is ended also where it fails. Once a
        week, and when the settings of the form change, all responses are read again; what was deleted is let go then.
Needs:  LimeSurvey 5.4 or later with its API on, which it is not by default: Configuration, Global, Interfaces, RPC
        interface: JSON-RPC. `url`; `user`, who may view the survey's content and export its responses, with the
        password in DX_NAME__TOKEN; `form`, the survey's id; in `items` which question is which item of the survey, by
        the question's code: Q1, or Q1[SQ001] for a part of it. `zone` is that of the server.
Limits: An answer is told by its code: give options the numbers of the scale as codes, or name the codes in `values`;
        of `team` and `tenure` it is the option's text. Yes is 1, No is 0. Anonymous surveys have no day of handing in:
        set `undated_on`; they are read whole each time. What was begun and not handed in is left out. Who answered is
        not even asked for: no token, address, participant or file. The team cannot be a participant's attribute: ask
        it, or fill a question in by the link. Numbers outside a question's scale are left out.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.questionnaire import Form, FormSettings, Question, Reading
from dxmetrics.errors import AuthError, CollectError, NotFoundError, RetryableError, SettingsError
from dxmetrics.records import SurveyResponse

if TYPE_CHECKING:
    from dxmetrics.collectors.forms import Answer

ENDPOINT = "index.php/admin/remotecontrol"
LAST_PART = "/remotecontrol"
AT_ONCE = 1_000
DRIFT = timedelta(days=1)  # by how much the server's days may differ from those of `zone`
UNDATED = date(1980, 1, 1)  # what stands for the time of an anonymous response
RATED = {"5": range(1, 6), "A": range(1, 6), "B": range(1, 11)}
NUMBERS = frozenset({"5", "A", "B", "K", "N", ":"})
WORDS = frozenset({";", "Q", "S", "T", "U"})
LISTS = frozenset({"!", "L", "O"})
YES_OR_NO = frozenset({"C", "M", "P", "Y"})
FILES, SHOWN = "|", "X"
IN_WORDS = ("comment", "other")  # parts of a question of any type that are written
TAG = re.compile(r"<[^>]*>")

Payload = Mapping[str, Any]


class LimesurveySettings(FormSettings):
    """Which survey of which LimeSurvey is read, as what, and as whom."""

    url: Annotated[str, Field(min_length=1)] = Field(
        description="address of LimeSurvey, such as https://survey.example.org, or of its RemoteControl"
    )
    user: Annotated[str, Field(min_length=1)] = Field(description="name of the user as whom responses are read")
    token: SecretStr | None = Field(default=None, description="the password of `user`")
    webhook_secret: SecretStr | None = Field(default=None, description="not used: LimeSurvey has no webhooks")
    form: str = Field(pattern=r"^[0-9]+$", description="id of the survey, a number")
    undated_on: date | None = Field(
        default=None, description="day that counts for responses of an anonymous survey, which has none itself"
    )


@dataclass(frozen=True)
class Column:
    """A column of the responses: its field in the database, by which it is asked for, and the question it answers."""

    field: str
    question_id: int
    kind: str
    question: Question

    @property
    def name(self) -> str:
        """The code by which settings and exports call it."""
        return self.question.names[0]


class Limesurvey(Collector):
    """The responses to one survey: one scope."""

    kind = "limesurvey"
    produces = (SurveyResponse,)
    keeps_payloads = False  # what is said of a person stays where it was said
    Settings: ClassVar[type[SourceSettings]] = LimesurveySettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, LimesurveySettings):
            raise SettingsError(
                f"source {name!r}: settings of kind limesurvey are wanted, not {type(settings).__name__}"
            )
        self._settings = settings
        self._variable = f"DX_{name.upper().replace('-', '_')}__TOKEN"
        if settings.token is None:
            raise SettingsError(f"[sources.{name}] has no password of {settings.user!r}: set it in {self._variable}")
        self._password = settings.token
        home, self._path = settings.url.rstrip("/").removesuffix("/index.php"), ENDPOINT
        if home.endswith(LAST_PART):
            home, self._path = home.removesuffix(LAST_PART), LAST_PART.lstrip("/")
        self._mapped = {*settings.items, settings.team, settings.tenure}
        self._client = settings.client(name, f"{home}/", context, concurrency=1)

    def scopes(self) -> Iterator[Scope]:
        """The survey."""
        yield Scope(self._settings.form, f"survey {self._settings.form}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of responses by their ids."""
        settings = self._settings
        with self._session() as key:
            columns = self._columns(key)
            form = Form(scope.title, (one.question for one in columns))
            notes = form.check(self.name, settings)
            self._check_lost(form, cursor)
            reading = Reading.of(cursor, settings, self.context.now())
            began_at, beyond = self._client.server_time(), set[str]()
            mapped = [one for one in columns if one.name in self._mapped]
            wanted, is_whole = self._handed_in(key, reading)
            for start in range(0, max(1, len(wanted)), AT_ONCE):
                batch, is_last = wanted[start : start + AT_ONCE], start + AT_ONCE >= len(wanted)
                said = [(one, answers(one, mapped)) for one in self._responses(key, mapped, batch)]
                beyond |= {name for _, answered in said for name in form.beyond(answered, settings)}
                yield Page(
                    {SurveyResponse: [survey_row(one, answered, form, settings) for one, answered in said]},
                    reading.cursor(began_at, beyond) | {"columns": [one.name for one in mapped]} if is_last else None,
                    snapshot=is_whole,
                    is_last=is_last,
                    is_mapped=True,
                    notes=(*notes, *reading.notes(form, beyond)) if is_last else (),
                )

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    # -- what is read -------------------------------------------------------------------------------------------------

    def _columns(self, key: str) -> Sequence[Column]:
        """The columns of the survey's questions; those of team and tenure with the texts of their options."""
        found = self._call("get_fieldmap", key, int(self._settings.form))
        if not isinstance(found, Mapping):
            raise CollectError(f"{self.name}: get_fieldmap does not answer with fields: its form has changed")
        cohort = {self._settings.team, self._settings.tenure}
        return [
            replace(one, question=replace(one.question, labels=self._labels(key, one)))
            if one.name in cohort and one.kind in LISTS
            else one
            for one in columns(found)
        ]

    def _check_lost(self, form: Form, cursor: Cursor | None) -> None:
        """CollectError where an item or cohort had a column at the last look, and has none: its code was changed."""
        settings, before = self._settings, (cursor or {}).get("columns", ())
        sought = {key: [name] for key in ("team", "tenure") if (name := getattr(settings, key))}
        for name, item in settings.items.items():
            sought.setdefault(f"item {item}", []).append(name)
        for what, names in sought.items():
            lost = [name for name in names if name in before]
            if lost and form.question(*names) is None:
                raise CollectError(
                    f"{self.name}: question {lost[0]} of {what} was there at the last look, and is not in {form.title}"
                    " any more: if its code was changed, map the new one, so that no answers are lost"
                )

    def _labels(self, key: str, column: Column) -> Mapping[str, str]:
        found = self._call("get_question_properties", key, column.question_id, ["answeroptions"])
        options = found.get("answeroptions") if isinstance(found, Mapping) else None
        if not isinstance(options, Mapping):
            return {}  # a sentence that says that there are none
        return {code: _plain(about["answer"]) for code, about in options.items() if about.get("answer")}

    def _handed_in(self, key: str, reading: Reading) -> tuple[Sequence[int], bool]:
        """The ids of responses to read, and whether these are all that are to be had."""
        settings = self._settings
        since = settings.since_instant
        if reading.since and not reading.is_whole:
            since = max(filter(None, (since, reading.since - DRIFT)))
        known = [
            (int(one["id"]), at) for one in self._exported(key, ["id", "submitdate"], ()) if (at := handed_in_at(one))
        ]
        if settings.undated_on is None and any(at.date() == UNDATED for _, at in known):
            raise SettingsError(
                f"[sources.{self.name}] survey {settings.form} is anonymous, so that its responses have no day: set"
                " undated_on to the day that counts for them, and wave to its name if it is to be asked again"
            )
        zone = ZoneInfo(settings.zone)
        wanted = [
            number for number, at in known if since is None or at.date() == UNDATED or at.replace(tzinfo=zone) >= since
        ]
        return sorted(wanted), reading.is_whole or len(wanted) == len(known)

    def _responses(self, key: str, mapped: Sequence[Column], batch: Sequence[int]) -> Iterator[Payload]:
        """The responses of these ids with their mapped columns."""
        if not batch:
            return
        fields = ["id", "submitdate", *(one.field for one in mapped)]
        among = set(batch)
        for one in self._exported(key, fields, (batch[0], batch[-1])):
            if int(one["id"]) in among:
                yield one

    def _exported(self, key: str, fields: Sequence[str], ids: tuple[int, int] | tuple[()]) -> Sequence[Payload]:
        """These fields of the responses that were handed in, of those from the first id to the last."""
        bounds = ids or (None, None)
        asked = (int(self._settings.form), "json", None, "complete", "code", "short", *bounds, fields)
        coded = self._call("export_responses", key, *asked)
        if coded is None:
            return ()
        try:
            found = json.loads(base64.b64decode(str(coded)))["responses"]
            return [one for one in found if one["id"] not in {None, ""}]  # of no responses it makes an empty one
        except (binascii.Error, TypeError, ValueError, LookupError) as error:
            raise CollectError(
                f"{self.name}: export_responses does not answer with responses ({type(error).__name__}): its form has"
                " changed"
            ) from error

    # -- how it is asked ----------------------------------------------------------------------------------------------

    @contextmanager
    def _session(self) -> Iterator[str]:
        """The key of a session, which is ended afterwards, whatever happens."""
        key = self._call("get_session_key", self._settings.user, self._password.get_secret_value())
        if not isinstance(key, str):
            raise CollectError(f"{self.name}: get_session_key does not answer with a key: its form has changed")
        try:
            yield key
        except BaseException:
            with suppress(CollectError):  # what went wrong first is told, and a session ends by itself in the end
                self._call("release_session_key", key)
            raise
        self._call("release_session_key", key)

    def _call(self, method: str, *params: object) -> object:
        """What a method returns; None for an export of no responses. CollectError for what is no answer."""
        asked = {"method": method, "params": params, "id": 1}
        body = self._client.json(self._path, method="POST", json=asked, is_safe=True)
        if body is None:
            raise CollectError(
                f"{self.name}: {self._settings.url} answers {method} with nothing: switch its API on under"
                " Configuration, Global, Interfaces, RPC interface: JSON-RPC"
            )
        if not isinstance(body, Mapping) or "result" not in body:
            raise CollectError(f"{self.name}: {method} is answered by something else than LimeSurvey: correct `url`")
        if body.get("error"):
            raise CollectError(f"{self.name}: {method}: {body['error']}: LimeSurvey 5.4 or later is needed")
        result = body["result"]
        status = result.get("status") if isinstance(result, Mapping) else None
        if not isinstance(status, str) or status == "OK":
            return result
        if status.startswith("No Data") and "table does not exist" not in status:
            return None
        raise self._refusal(method, status)

    def _refusal(self, method: str, status: str) -> CollectError:
        """The error that a status inside a success is."""
        survey, user = self._settings.form, self._settings.user
        place, said = f"{self.name}: {method}", status.rstrip(".")
        if method == "get_session_key":
            return AuthError(f"{place}: {said}: correct `user`, or set the password in {self._variable}")
        if "session key" in status:
            return RetryableError(f"{place}: {said}: the session ended too early: collect again")
        if "survey ID" in status:
            return NotFoundError(
                f"{place}: there is no survey {survey}: correct `form`, or take the source out of dx.toml if the survey"
                " was deleted: what was read of it is kept"
            )
        if "table does not exist" in status:
            return CollectError(
                f"{place}: {said}: survey {survey} is not active: activate it, or take the source out of dx.toml if it"
                " is over: what was read of it is kept"
            )
        if "permission" in status.lower():
            return CollectError(
                f"{place}: {said}: let {user!r} view the content of survey {survey} and view and export its responses"
            )
        return CollectError(f"{place}: {said}")


# -- mapping ----------------------------------------------------------------------------------------------------------


def columns(fields: Mapping[str, Payload]) -> Iterator[Column]:
    """The columns that a person fills in, of all that a response has."""
    for field, about in fields.items():
        kind, part = str(about.get("type") or ""), str(about.get("aid") or "")
        if not about.get("title") or not about.get("qid") or kind == SHOWN:
            continue  # an id, a time, an address, a token, or a text that is shown
        scale = f"[{int(about.get('scale_id') or 0) + 1}]" if about.get("scale") else ""
        texts = [about.get(name) for name in ("question", "subquestion", "subquestion1", "subquestion2", "scale")]
        question = Question(
            names=(f"{about['title']}{f'[{part}]' if part else ''}{scale}",),
            title=": ".join(_plain(text) for text in texts if text),
            scale=None if part.endswith(IN_WORDS) else RATED.get(kind),
            is_free=kind in WORDS or part.endswith(IN_WORDS),
            is_personal=kind == FILES,
        )
        yield Column(field, int(about["qid"]), kind, question)


def _plain(text: str) -> str:
    """A text without its markup."""
    return " ".join(html.unescape(TAG.sub(" ", text)).split())


def handed_in_at(payload: Payload) -> datetime | None:
    """When a response was handed in, by the server's clock and zone; None for one that was not."""
    text = payload.get("submitdate")
    return datetime.fromisoformat(text) if text else None


def answers(payload: Payload, known: Sequence[Column]) -> dict[str, Answer]:
    """What was answered, by the column's code."""
    return {one.name: _value(payload[one.name], one) for one in known if one.name in payload}


def _value(given: object, column: Column) -> Answer:
    """A number, yes or no, the text of an option of team or tenure, or else the code or the words; None for a blank."""
    text = "" if given is None else str(given)
    if column.question.labels:
        return column.question.labels.get(text, text)
    if not text or column.question.is_free:
        return text or None
    if column.kind in YES_OR_NO:
        return {"Y": True, "N": False}.get(text, text)
    return _number(text) if column.kind in NUMBERS else text


def _number(text: str) -> float | str:
    """A number, which the database has as 3.0000000000; the text, where it is none."""
    try:
        return float(text)
    except ValueError:
        return text


def survey_row(
    payload: Payload, said: Mapping[str, Answer], form: Form, settings: LimesurveySettings
) -> dict[str, Any]:
    """The record of a response that was handed in: what is mapped of it, and its day."""
    submitted_at = handed_in_at(payload)
    if submitted_at and submitted_at.date() == UNDATED:
        submitted_at = datetime.combine(settings.undated_on, time()) if settings.undated_on else None
    if submitted_at is None:
        raise CollectError(
            f"a response to survey {settings.form} has no `submitdate`: the form of responses has changed"
        )
    return form.response(settings, str(payload["id"]), submitted_at, said)
