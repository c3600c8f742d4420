"""Templates: which one a repository was made from, as a file at the head of its default branch says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from .command import GitFailed
from .location import name_of

if TYPE_CHECKING:
    from .command import Git

TEMPLATE = "backstage.io/source-template"
TEMPLATE_VERSION = "backstage.io/template-version"
HOSTS = {"gh": "github.com", "gl": "gitlab.com", "bb": "bitbucket.org"}
DESCRIBED = re.compile(r"-\d+-g[0-9a-f]{4,40}$")  # what `git describe` adds to the newest tag before a commit
VERSION = re.compile(r"\d+\.\d+")
NONE = frozenset({"", "null", "~"})

Payload = Mapping[str, Any]


class Template(NamedTuple):
    """A template, and the version of it that was taken over last: a version, or a commit where there is none."""

    name: str
    version: str | None


class UnreadableError(Exception):
    """A marker does not say what it should; the message says what is wrong."""


def read(git: Git, commit: str, notes: list[str]) -> Template | None:
    """The template that the first marker there is names; None where none does. Those that cannot be read are noted."""
    listed = git.run("ls-tree", commit, "--", *MARKERS).splitlines()
    shas = {name: told.split()[2] for told, _, name in (line.partition("\t") for line in listed) if told[:3] == "100"}
    for marker, parse in MARKERS.items():
        try:
            found = parse(git.run("cat-file", "blob", shas[marker])) if marker in shas else None
        except GitFailed:
            notes.append(f"{marker} is left out: its content is not in the mirror")
        except UnreadableError as error:
            notes.append(f"{marker} is left out: {error}")
        else:
            if found:
                return found
    return None


# -- the markers ------------------------------------------------------------------------------------------------------


def copier(text: str) -> Template:
    """The template of copier's answers."""
    answers = next(iter(_documents(text)), {})
    version = _text(answers, "_commit")
    return Template(_name(_wanted(answers, "_src_path")), DESCRIBED.sub("", version) if version else None)


def cruft(text: str) -> Template:
    """The template of cruft's link, at the tag that was asked for, else at a commit; a branch is no version."""
    try:
        link = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is no JSON ({error})") from error
    if not isinstance(link, Mapping):
        raise UnreadableError("it is no object")
    source, folder, asked = _wanted(link, "template"), _text(link, "directory"), _text(link, "checkout")
    name = "/".join(filter(None, (_name(source), folder)))
    return Template(name, asked if asked and VERSION.search(asked) else _text(link, "commit"))


def backstage(text: str) -> Template | None:
    """The template of Backstage's components, as the source `backstage` names it; None where they name none."""
    found = {told for one in _documents(text) if one.get("kind") == "Component" and (told := _of_component(one))}
    if len(found) > 1:
        raise UnreadableError(f"its components were made from {len(found)} templates")
    return next(iter(found), None)


MARKERS: Mapping[str, Callable[[str], Template | None]] = {
    ".copier-answers.yml": copier,
    ".cruft.json": cruft,
    "catalog-info.yaml": backstage,
}


def _of_component(entity: Payload) -> Template | None:
    annotations = _part(_part(entity, "metadata"), "annotations")
    named = _text(annotations, TEMPLATE) or _text(_part(entity, "spec"), "scaffoldedFrom")
    if named is None:
        return None
    return Template(named.lower().rpartition(":")[2].removeprefix("default/"), _text(annotations, TEMPLATE_VERSION))


def _documents(text: str) -> list[Payload]:
    """The documents of a YAML file, all scalars as they are written: `1.10` is no number."""
    try:
        documents = list(yaml.load_all(text, Loader=yaml.BaseLoader))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise UnreadableError(f"it is no YAML{f' in line {mark.line + 1}' if mark else ''}") from error
    if not all(isinstance(one, Mapping) for one in documents if one):
        raise UnreadableError("it is no mapping")
    return [one for one in documents if one]


def _name(source: str) -> str:
    """Where a template is, as repositories are named: `host/org/name`, or the folder's name."""
    address = source.removeprefix("git+").rstrip("/")
    host, _, rest = address.partition(":")
    return f"{HOSTS[host]}/{rest.removesuffix('.git')}" if host in HOSTS else name_of(address)


def _wanted(payload: Payload, key: str) -> str:
    found = _text(payload, key)
    if found is None:
        raise UnreadableError(f"it names no template in {key!r}")
    return found


def _text(payload: Payload, key: str) -> str | None:
    value = payload.get(key)
    text = value.strip() if isinstance(value, str) else ""
    return None if text in NONE else text


def _part(payload: Payload, key: str) -> Payload:
    part = payload.get(key)
    return part if isinstance(part, Mapping) else {}
