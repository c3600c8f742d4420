"""People: the accounts that Azure DevOps names, and the authors of commits, who have an address only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dxmetrics.records import ActorKind, Identity

from ..git.accounts import identity_payload, kind_of  # noqa: TID252  (mypy knows sources by their folder only)
from .api import Payload, picked

KEPT = ("id", "displayName", "uniqueName", "descriptor", "isContainer")
# The first part of a descriptor says what kind of subject it is of.
KINDS: Mapping[str, ActorKind] = {
    "aad": "human", "msa": "human", "win": "human", "svc": "service", "aadsp": "service", "s2s": "service",
}  # fmt: skip
SERVICE_PREFIXES = ("build\\", "agentpool\\", "microsoft.visualstudio.services.")


def account(ref: Payload | None) -> str | None:
    """The account's id; None where there is none."""
    found = (ref or {}).get("id")
    return str(found).lower() if found else None


def trimmed(ref: Payload | None) -> dict[str, Any] | None:
    """An account without its addresses and picture."""
    return picked(ref, KEPT) if ref and ref.get("id") else None


def everybody(refs: Iterable[Payload | None]) -> list[Payload]:
    """The accounts that are named, each once."""
    found = {account(ref): trimmed(ref) for ref in refs if ref and ref.get("displayName")}
    return [ref for ref in found.values() if ref]


def author(signature: Payload | None) -> str | None:
    """The author of a commit, as the mirror calls them: the lower-cased address, else the name."""
    email, name = _signed(signature)
    return email.lower() or name.lower() or None


def authors(signatures: Iterable[Payload | None]) -> list[Payload]:
    """The Identity payloads of commit authors, each once."""
    found: dict[str, Payload] = {}
    for signature in signatures:
        if (key := author(signature)) is not None:
            email, name = _signed(signature)
            found.setdefault(key, identity_payload(key, name, email))
    return list(found.values())


def _signed(signature: Payload | None) -> tuple[str, str]:
    found = signature or {}
    return (found.get("email") or "").strip(), (found.get("name") or "").strip()


def identity(payload: Mapping[str, Any]) -> Identity:
    """An account of the host, or the author of a commit."""
    if "ext_id" in payload:
        return Identity.model_validate(payload)
    name, login = payload.get("displayName") or "", payload.get("uniqueName") or ""
    email = login if "@" in login else ""
    by_name = kind_of(name, login.partition("@")[0], email)
    return Identity(
        ext_id=str(payload["id"]).lower(),
        login=login or None,
        name=name or None,
        email=email or None,
        kind="agent" if by_name == "agent" else "bot" if by_name == "bot" else _kind(payload, login),
    )


def _kind(payload: Mapping[str, Any], login: str) -> ActorKind:
    if login.lower().startswith(SERVICE_PREFIXES):
        return "service"
    if payload.get("isContainer"):
        return "unknown"  # a group
    return KINDS.get(str(payload.get("descriptor") or "").partition(".")[0], "unknown")
