"""A LimeSurvey in the process: its RemoteControl, surveys, and what goes wrong with them.

It answers as the real one is known to: a success with a status where something is wrong, nothing at all where the API
is off, responses as base64 of JSON with one empty response where there are none, all values as text, 1980 for the time
of an anonymous response and none for one that was not handed in, and fields that belong to no question.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2

Row = dict[str, Any]

USER, PASSWORD = "reader", "limes"
SECRETS = ("203.0.113.7", "token-ada", "https://intranet.example.org/ada")
SYSTEM = ("id", "submitdate", "startlanguage", "token", "ipaddr", "refurl", "startdate")
ANONYMOUS = "1980-01-01 00:00:00"


class Refused(Exception):
    """A status inside a success."""


def column(code: str, kind: str, text: str, part: str = "", options: dict[str, str] | None = None, **about: Any) -> Row:
    """A column of a question, or of a part of one."""
    return {"title": code, "type": kind, "question": text, "aid": part, "options": options, **about}


@dataclass
class Survey:
    """A survey, its columns by their fields, and its responses by the same."""

    columns: dict[str, Row]
    is_anonymous: bool = False
    is_active: bool = True
    responses: list[Row] = field(default_factory=list)


@dataclass(eq=False)
class LimeSurvey(httpx2.BaseTransport):
    """The server, in the zone of its `now`. `before` is called with each method, and may change it or raise Refused."""

    now: datetime
    is_on: bool = True
    surveys: dict[int, Survey] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    calls: list[tuple[str, list[Any]]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None

    # -- what people do -----------------------------------------------------------------------------------------------

    def add_survey(self, number: int, *columns: Row, is_anonymous: bool = False) -> Survey:
        """A new survey; its fields are numbered as LimeSurvey does."""
        survey = Survey({}, is_anonymous)
        self.surveys[number] = survey
        self.edit(number, *columns)
        return survey

    def edit(self, number: int, *columns: Row) -> None:
        """Give a survey these columns."""
        ids: dict[str, int] = {}
        known = {}
        for one in columns:
            qid = ids.setdefault(one["title"], len(ids) + 11)
            key = f"{number}X1X{qid}{one['aid']}{'#' + str(one['scale_id']) if 'scale_id' in one else ''}"
            known[key] = {"fieldname": key, "sid": number, "gid": 1, "qid": qid, **one}
        self.surveys[number].columns = known

    def answer(
        self, number: int, *, is_handed_in: bool = True, said: Mapping[str, str] | None = None, **simple: str | None
    ) -> int:
        """Somebody answers now, by the codes of columns; the response's id."""
        survey = self.surveys[number]
        address, token, page = SECRETS
        key = len(survey.responses) + 1
        at = ANONYMOUS if survey.is_anonymous else f"{self.now:%Y-%m-%d %H:%M:%S}"
        row: Row = {
            "id": str(key), "submitdate": at if is_handed_in else None, "startlanguage": "en", "token": token,
            "ipaddr": address, "refurl": page, "startdate": f"{self.now - timedelta(hours=3):%Y-%m-%d %H:%M:%S}",
        }  # fmt: skip
        fields = {heading(one): name for name, one in survey.columns.items()}
        survey.responses.append(row | {fields[code]: given for code, given in {**(said or {}), **simple}.items()})
        return key

    def delete(self, number: int, key: int) -> None:
        """The owner of the survey deletes a response."""
        survey = self.surveys[number]
        survey.responses = [row for row in survey.responses if row["id"] != str(key)]

    # -- the server ---------------------------------------------------------------------------------------------------

    def asked(self) -> list[str]:
        """The methods that were called."""
        return [method for method, _ in self.calls]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and let a second pass."""
        self.addresses.append(str(request.url))
        served_at = self.now
        headers = {"date": format_datetime(served_at.replace(microsecond=0, tzinfo=None))}
        self.now += timedelta(seconds=1)
        if not self.is_on:
            return httpx2.Response(200, headers=headers, request=request)
        asked = json.loads(request.read())
        self.calls.append((asked["method"], asked["params"]))
        try:
            self.before(asked["method"])
            result, error = self._result(asked["method"], asked["params"]), None
        except Refused as refused:
            result, error = {"status": str(refused)}, None
        except LookupError:
            result, error = None, "unknown method or incorrect parameters"
        body = {"id": asked["id"], "result": result, "error": error}
        return httpx2.Response(200, headers=headers, json=body, request=request)

    def _result(self, method: str, params: list[Any]) -> Any:
        if method == "get_session_key":
            if params != [USER, PASSWORD]:
                raise Refused("Invalid user name or password")
            key = f"session-{len(self.calls)}"
            self.sessions.add(key)
            return key
        key, *rest = params
        if method == "release_session_key":
            self.sessions.discard(key)
            return "OK"
        if key not in self.sessions:
            raise Refused("Invalid session key")
        methods: dict[str, Callable[..., Any]] = {
            "get_fieldmap": self._fields, "get_question_properties": self._properties,
            "export_responses": self._export,
        }  # fmt: skip
        return methods[method](*rest)

    def _survey(self, number: int) -> Survey:
        if number not in self.surveys:
            raise Refused("Error: Invalid survey ID")
        return self.surveys[number]

    def _fields(self, number: int) -> Row:
        own = {
            name: {"fieldname": name, "type": name, "sid": number, "gid": "", "qid": "", "aid": ""} for name in SYSTEM
        }
        asked = self._survey(number).columns
        return own | {name: {key: about[key] for key in about if key != "options"} for name, about in asked.items()}

    def _properties(self, qid: int, wanted: list[str]) -> Row:
        (options,) = {
            json.dumps(one["options"]) for survey in self.surveys.values() for one in survey.columns.values()
            if one["qid"] == qid
        }  # fmt: skip
        texts = json.loads(options)
        about = {
            code: {"answer": text, "assessment_value": "0", "scale_id": "0"} for code, text in (texts or {}).items()
        }
        return {wanted[0]: about or "No available answer options"}

    def _export(
        self,
        number: int,
        kind: str,
        language: str | None,
        status: str,
        headings: str,
        answers: str,
        first: int | None,
        last: int | None,
        fields: list[str],
    ) -> str:
        assert (kind, language, status, headings, answers) == ("json", None, "complete", "code", "short")
        survey = self._survey(number)
        if not survey.is_active:
            raise Refused("No Data, survey table does not exist.")
        if not survey.responses:
            raise Refused("No Data, could not get max id.")
        rows = [row for row in survey.responses if row["submitdate"]]
        rows = [row for row in rows if (first or 1) <= int(row["id"]) <= (last or 10**9)]
        names = {name: heading(survey.columns[name]) if name in survey.columns else name for name in fields}
        found: Iterable[Row] = rows or [dict.fromkeys(fields, "")]
        exported = {"responses": [{names[name]: row.get(name) for name in fields} for row in found]}
        return base64.b64encode(json.dumps(exported).encode()).decode()


def heading(about: Row) -> str:
    """The code of a column as exports have it."""
    part = f"[{about['aid']}]" if about["aid"] else ""
    return f"{about['title']}{part}{'[' + str(about['scale_id'] + 1) + ']' if about.get('scale') else ''}"
