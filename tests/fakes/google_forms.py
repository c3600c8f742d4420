"""A Google in the process: forms, their responses, the accounts that may see them, and the place that gives tokens.

It answers as the real one is known to: a token for an assertion that is signed with the account's key and is of now, a
page token that is good for its filter only, no `formId` in lists, no key for what is empty or zero, 403 for a form that
is not shared, and the address of who answered beside each response.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Row = dict[str, Any]

MOST = 5_000
ACCOUNT = "survey-reader@acme-dx.iam.gserviceaccount.com"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
RESPONDENT = "ada@example.com"
READ_SCOPES = {
    "https://www.googleapis.com/auth/forms.body.readonly", "https://www.googleapis.com/auth/forms.responses.readonly",
}  # fmt: skip


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Row = {"error": {"code": status, "status": word, "message": message}}


@cache
def private_key() -> rsa.RSAPrivateKey:
    """The key of the account, the same for all tests of a run: to make one takes a while."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@cache
def key_of(**other: Any) -> str:
    """The key file of the account, as Google gives it out, or with something else in it."""
    pem = private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps(
        {
            "type": "service_account", "project_id": "acme-dx", "private_key_id": "k1", "private_key": pem,
            "client_email": ACCOUNT, "client_id": "4711", "token_uri": TOKEN_URI, **other,
        }
    )  # fmt: skip


def stamp(moment: datetime) -> str:
    """An instant as Google writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(eq=False)
class GoogleForms(httpx2.BaseTransport):
    """The server. `before` is called with each request, and may change what there is or raise Refused."""

    now: datetime
    most: int = MOST
    is_key_valid: bool = True
    shared: set[str] = field(default_factory=set)
    forms: dict[str, Row] = field(default_factory=dict)
    responses: dict[str, dict[str, Row]] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)
    tokens: dict[str, datetime] = field(default_factory=dict)
    before: Callable[[httpx2.Request], None] = lambda _: None

    # -- what people do -----------------------------------------------------------------------------------------------

    def add_form(self, key: str, title: str, *items: Row) -> None:
        """A new form that is shared with the account, or the same with other questions."""
        self.forms[key] = {"formId": key, "info": {"title": title}, "items": list(items), "revisionId": "00000002"}
        self.responses.setdefault(key, {})
        self.shared.add(key)

    def answer(self, form: str, answers: dict[str, list[str]]) -> str:
        """Somebody answers now; the response's id."""
        key = f"ACYDB{len(self.responses[form]):05}"
        self.responses[form][key] = {"responseId": key, "createTime": stamp(self.now), "respondentEmail": RESPONDENT}
        self.edit(form, key, answers)
        return key

    def edit(self, form: str, key: str, answers: dict[str, list[str]]) -> None:
        """Who answered answers otherwise, now."""
        given = {
            question: {"questionId": question, "textAnswers": {"answers": [{"value": value} for value in values]}}
            for question, values in answers.items()
        }
        self.responses[form][key] |= {"lastSubmittedTime": stamp(self.now), "answers": given}
        if not given:
            del self.responses[form][key]["answers"]

    # -- the server ---------------------------------------------------------------------------------------------------

    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [request.url.path for request in self.requests]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and let a second pass."""
        self.requests.append(request)
        served_at = self.now
        try:
            self.before(request)
            if request.url.copy_with(query=None) == httpx2.URL(TOKEN_URI):
                status, body = 200, self._granted(request)
            else:
                self._admit(request)
                status, body = 200, self._answer(request.url.path.strip("/").split("/"), request.url.params)
        except Refused as refused:
            status, body = refused.status, refused.body
        self.now += timedelta(seconds=1)
        headers = {"date": format_datetime(served_at.replace(microsecond=0), usegmt=True)}
        return httpx2.Response(status, headers=headers, json=body, request=request)

    def _granted(self, request: httpx2.Request) -> Row:
        form = {name: values[0] for name, values in parse_qs(request.read().decode()).items()}
        if request.headers["content-type"] != "application/x-www-form-urlencoded" or {*form} != {
            "grant_type",
            "assertion",
        }:
            raise _no_token("invalid_request", "Bad Request")
        options: Any = {"verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(
                form["assertion"], private_key().public_key(), algorithms=["RS256"], audience=TOKEN_URI, options=options
            )
        except jwt.PyJWTError:
            claims = {}
        if not self.is_key_valid or claims.get("iss") != ACCOUNT or set(claims["scope"].split()) != READ_SCOPES:
            raise _no_token("invalid_grant", "Invalid JWT Signature.")
        issued, ends = (datetime.fromtimestamp(claims[name], UTC) for name in ("iat", "exp"))
        if not issued <= self.now < ends or ends - issued > timedelta(hours=1):
            raise _no_token("invalid_grant", "Invalid JWT: Token must be a short-lived token and in a reasonable time")
        token = f"ya29.{len(self.tokens)}"
        self.tokens[token] = self.now + timedelta(hours=1)
        return {"access_token": token, "expires_in": 3_599, "token_type": "Bearer"}

    def _admit(self, request: httpx2.Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self.tokens.get(token, self.now) <= self.now:
            raise Refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")

    def _answer(self, path: list[str], params: httpx2.QueryParams) -> Row:
        match path:
            case ["v1", "forms", key, *_] if key not in self.forms:
                raise Refused(404, "NOT_FOUND", "Requested entity was not found.")
            case ["v1", "forms", key, *_] if key not in self.shared:
                raise Refused(403, "PERMISSION_DENIED", "The caller does not have permission")
            case ["v1", "forms", key]:
                return self.forms[key]
            case ["v1", "forms", key, "responses"]:
                return self._listed(list(self.responses[key].values()), params)
        raise Refused(404, "NOT_FOUND", "Requested entity was not found.")

    def _listed(self, rows: list[Row], params: httpx2.QueryParams) -> Row:
        wanted, size = params.get("filter", ""), min(int(params.get("pageSize", str(MOST))), self.most)
        if wanted:
            column, _, since = wanted.partition(" >= ")
            if column != "timestamp" or not since.endswith("Z"):
                raise Refused(400, "INVALID_ARGUMENT", "Invalid filter")
            rows = [row for row in rows if row["lastSubmittedTime"].rstrip("Z") >= since.rstrip("Z")]
        place, _, made_with = params.get("pageToken", f"0|{wanted}").partition("|")
        if made_with != wanted:
            raise Refused(400, "INVALID_ARGUMENT", "The page token is of another request")
        start, body = int(place), Row()
        if found := rows[start : start + size]:
            body["responses"] = found
        if start + size < len(rows):
            body["nextPageToken"] = f"{start + size}|{wanted}"
        return body


def _no_token(error: str, description: str) -> Refused:
    refused = Refused(400, error, description)
    refused.body = {"error": error, "error_description": description}
    return refused


# -- questions as they are sent ---------------------------------------------------------------------------------------


def item(title: str, key: str, **kind: Any) -> Row:
    """A question of a form: `item("I can focus", "1a", scaleQuestion={...})`."""
    return {"itemId": f"i{key}", "title": title, "questionItem": {"question": {"questionId": key, **kind}}}


def scale(title: str, key: str, low: int, high: int) -> Row:
    """A scale; a low of 0 is left out."""
    return item(title, key, scaleQuestion={"high": high, **({"low": low} if low else {})})


def free(title: str, key: str) -> Row:
    """A question that is answered in one's own words."""
    return item(title, key, textQuestion={"paragraph": True})


def choices(title: str, key: str, *options: str, kind: str = "RADIO") -> Row:
    """Options to choose one or, as CHECKBOX, several of."""
    return item(title, key, choiceQuestion={"type": kind, "options": [{"value": option} for option in options]})
