"""What a page asks of whoever wants to change something: an API token with the page's scope.

The token stays in the session's memory and nowhere else, and is looked at again with every change.
"""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dxmetrics.errors import DxError, TokenRefused
from dxmetrics.state import State


@dataclass(frozen=True)
class Lock:
    """The lock of a page's changes: what opens it is a token with `scope`."""

    scope: str

    @property
    def key(self) -> str:
        """Where the session keeps the token."""
        return f"{self.scope}_token"

    @property
    def command(self) -> str:
        """What makes such a token."""
        return f"dxmetrics tokens create {self.scope}-page --scope {self.scope} --days 90"

    def refusal(self, state: State) -> str | None:
        """Why the token of this session allows no changes; None where it does."""
        typed = str(st.session_state.get(self.key) or "").strip()
        if not typed:
            return "no token was typed"
        try:
            token = state.tokens.check(typed)
        except TokenRefused as error:
            return str(error)
        if self.scope not in token.scopes:
            return f"API token {token.name!r} has no scope {self.scope}: create one with `{self.command}`"
        return None

    def is_clicked(self, state: State, title: str, icon: str, key: str, *, is_on: bool) -> bool:
        """Draws a button that changes something; whether it was clicked by somebody who may.

        The token is looked at again: it may have been revoked meanwhile, and only browsers hold back a disabled button.
        """
        if not st.button(title, icon=f":material/{icon}:", key=key, disabled=not is_on):
            return False
        refused = self.refusal(state)
        if refused is not None:
            st.error(refused)
        return refused is None

    def show(self, state: State) -> None:
        """Where the token is typed, with the command that makes one; once it allows changes, what takes it away."""
        refused = self.refusal(state)
        if refused is None:
            st.button("Lock changes again", icon=":material/lock:", type="tertiary", key="lock", on_click=self._forget)
            return
        said = f"Changes need an API token with the scope {self.scope}"
        st.html(f'<div class="dx-head"><b>Locked</b><span>{said}</span></div>')
        st.text_input(
            "API token", type="password", key=self.key, placeholder="dx_…", autocomplete="off",
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        if st.session_state.get(self.key):
            st.error(refused)
        st.code(self.command, language="bash", wrap_lines=True)

    def _forget(self) -> None:
        st.session_state[self.key] = ""


def change(make: Callable[[], object]) -> None:
    """Make a change and draw the page anew; or say why it cannot be made."""
    try:
        make()
    except DxError as error:
        st.error(str(error))
    else:
        st.rerun()
