"""The catalogue of metrics: searching it, and showing one definition."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import streamlit as st

from dxmetrics.metrics import Definition
from dxmetrics.ui import frame

BETTER = {"lower": "Lower is better", "higher": "Higher is better", "none": "Neither direction is better by itself"}


def search(definitions: Iterable[Definition], words: str) -> list[Definition]:
    """The definitions that contain every word in what is said about them; all of them for no words."""
    wanted = words.casefold().split()
    return [one for one in definitions if all(word in _said(one) for word in wanted)]


def by_entity(definitions: Iterable[Definition]) -> dict[str, list[Definition]]:
    """Definitions by what they count, both in alphabetical order: {"Changes": [...], "Deployments": [...]}."""
    ordered = sorted(definitions, key=lambda one: (one.entities, one.title))
    return {entities.capitalize(): list(group) for entities, group in groupby(ordered, lambda one: one.entities)}


def show(definition: Definition) -> None:
    """One definition, folded; what is inside is drawn only once it is opened. The address remembers which are."""
    title = f"**{definition.title}** :gray[· {definition.question}]"
    fold = st.expander(title, key=definition.name, on_change="rerun", bind="query-params")
    if fold.open:
        with fold:
            frame.facts(facts(definition))
            st.code(definition.sql, language="sql")


def facts(definition: Definition) -> dict[str, str]:
    """What is to be known about a metric, in the order one asks."""
    said = {
        "Question": definition.question,
        "Measured": f"{definition.aggregate.replace('_', ' ')} of {definition.entities}, in {definition.unit}. "
        f"{BETTER[definition.better]}.",
        "Decision": definition.decision,
        "Caveat": definition.caveat,
        "Minimum n": f"{definition.minimum_n}, and {definition.level_minimum_n} for an answer band",
        "Bots": definition.bots,
        "Rests on": _names((definition.coverage,)),
        "Split by": _names(definition.dimensions),
        "Source": f"{definition.source}, version {definition.version}",
        "Name": f"`{definition.name}`",
    }
    return {key: words for key, words in said.items() if words}


def _said(definition: Definition) -> str:
    parts = (definition.name, definition.title, definition.question, definition.decision, definition.caveat)
    return " ".join((*parts, definition.source, definition.entities, definition.sql)).casefold()


def _names(names: Sequence[str | None]) -> str:
    return ", ".join(f"`{name}`" for name in names if name)
