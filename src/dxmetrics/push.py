"""Pushing from a script or a pipeline: to a dxmetrics elsewhere, which may be away.

What is pushed is first written to a spool, a folder of this machine, and leaves it once it was acknowledged. A server
that is away costs nothing but time: the next push takes along what waits. Each push has an id of its own from the
start, so sending it twice counts once.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from dxmetrics.errors import DxError, MalformedError, SettingsError
from dxmetrics.events import plain

if TYPE_CHECKING:
    from dxmetrics.records import Record

URL_VARIABLE = "DX_URL"
TOKEN_VARIABLE = "DX_TOKEN"  # noqa: S105 - the variable's name
SPOOL_VARIABLE = "DX_SPOOL"
TIMEOUT = 10.0  # seconds: a pipeline does not wait for its metrics
MOST_WAITING = 10_000  # pushes of a spool; a server that never comes back must not fill the disk

KINDS = {"deployment": "deployments", "incident": "incidents", "change": "changes", "usage": "usage"}


class PushRefused(DxError):
    """The server does not take it: sending it again would not help."""


@dataclass(frozen=True)
class Target:
    """Where pushes go."""

    url: str
    token: str

    @classmethod
    def of(cls, url: str | None, environment: Mapping[str, str]) -> Target:
        """That of the option or the environment; SettingsError names what is missing."""
        url = url or environment.get(URL_VARIABLE)
        if not url:
            raise SettingsError(f"no address to push to: set {URL_VARIABLE}, as https://dx.example.com, or give --url")
        token = environment.get(TOKEN_VARIABLE)
        if not token:
            raise SettingsError(f"no API token: set {TOKEN_VARIABLE} to what `dxmetrics tokens create` printed")
        return cls(url.rstrip("/"), token)


@dataclass(frozen=True)
class Outcome:
    """How many pushes were acknowledged, how many still wait and why, and what the server refused."""

    sent: int
    waiting: int
    reason: str | None
    refused: tuple[str, ...]


def item(kind: str, words: Sequence[str], now: datetime) -> dict[str, Any]:
    """The row that `--field value` pairs describe; MalformedError names a field or a value that cannot be.

    What happened just now says so itself, as it may be sent later.
    """
    push = plain.PUSHES[KINDS[kind]]
    given = _given(kind, words)
    record = push.record_of(given)
    typed = {name: _typed(record, name, values) for name, values in given.items()}
    plain.read(KINDS[kind], json.dumps(typed).encode())
    row = plain.row(typed, record, str(uuid.uuid4()), 0, now)
    return {name: value for name, value in row.items() if name != "updated_at" or name in typed}


def _given(kind: str, words: Sequence[str]) -> dict[str, list[str]]:
    """Values by field; an option may come several times, and be written `--field=value`."""
    found: dict[str, list[str]] = {}
    rest = list(words)
    while rest:
        option = rest.pop(0)
        name, separator, value = option.removeprefix("--").partition("=")
        if not option.startswith("--") or not name:
            raise MalformedError(f"{option!r} is not understood: write `dxmetrics push {kind} --field value`")
        if not separator:
            if not rest:
                raise MalformedError(f"{option} has no value: write `dxmetrics push {kind} {option} value`")
            value = rest.pop(0)
        found.setdefault(name.replace("-", "_"), []).append(value)
    return found


def _typed(record: type[Record], name: str, values: Sequence[str]) -> Any:
    """Text as the field wants it: a list, or one value; numbers and truths are read from text by the record itself."""
    field = record.model_fields.get(name)
    kind = str(field.annotation) if field is not None else ""
    if kind.startswith("tuple"):
        return list(values)
    if kind.startswith("dict"):
        return dict(value.partition("=")[::2] for value in values)
    return values[-1]


class Spool:
    """Pushes that wait to be sent, one file each, the oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Spool:
        """That of `DX_SPOOL`, else of the user."""
        told = environment.get(SPOOL_VARIABLE)
        home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
        return cls(Path(told) if told else Path(home) / "dxmetrics/spool")

    def add(self, table: str, row: Mapping[str, Any], now: datetime) -> None:
        """Keep a push until it is acknowledged; DxError where it cannot be kept."""
        key = str(uuid.uuid4())
        file = self.folder / f"{now:%Y%m%dT%H%M%S%f}-{key}.json"
        partial = file.with_suffix(".partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if len(self._files()) >= MOST_WAITING:
                raise DxError(f"{self.folder} holds {MOST_WAITING:,} pushes that could not be sent: see to the server")
            with partial.open("w", encoding="utf-8") as written:
                json.dump({"table": table, "key": key, "row": row}, written)
                written.flush()
                os.fsync(written.fileno())
            partial.replace(file)
        except OSError as error:
            raise DxError(f"{self.folder} cannot be written ({error.strerror}): set {SPOOL_VARIABLE}") from error

    def send(self, target: Target, transport: httpx2.BaseTransport | None = None) -> Outcome:
        """Send what waits until the server is found to be away."""
        sent, reason, refused = 0, None, []
        with httpx2.Client(timeout=TIMEOUT, transport=transport, trust_env=True) as client:
            for file in self._files():
                try:
                    _send(client, target, json.loads(file.read_text(encoding="utf-8")))
                except PushRefused as error:
                    refused.append(str(error))
                    file.replace(file.with_suffix(".refused"))
                    continue
                except (httpx2.HTTPError, DxError) as error:
                    reason = str(error) or type(error).__name__
                    break
                file.unlink(missing_ok=True)
                sent += 1
        return Outcome(sent, len(self._files()), reason, tuple(refused))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))


def _send(client: httpx2.Client, target: Target, waiting: Mapping[str, Any]) -> None:
    answer = client.post(
        f"{target.url}/api/v1/{waiting['table']}",
        json=waiting["row"],
        headers={"Authorization": f"Bearer {target.token}", "Idempotency-Key": waiting["key"]},
    )
    if answer.is_success:
        return
    message = f"{target.url} answered {answer.status_code}: {_said(answer)}"
    if answer.status_code in {400, 413, 422}:
        raise PushRefused(message)
    raise DxError(message)  # a token can be replaced, a server mended: it waits


def _said(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200] or answer.reason_phrase


def push(kind: str, words: Sequence[str], target: Target, spool: Spool, clock: Callable[[], datetime]) -> Outcome:
    """Push one record, and what waited before it."""
    now = clock()
    spool.add(KINDS[kind], item(kind, words, now), now)
    return spool.send(target)
