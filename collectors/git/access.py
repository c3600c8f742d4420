"""How a host is reached: the configuration git is given in its environment, a token in it included."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_CONTENTS = {"remote.origin.promisor": "true", "remote.origin.partialCloneFilter": "blob:none"}


class Access(NamedTuple):
    """The configuration for one address, what to do where the host refuses, and the longest one fetch may take."""

    config: dict[str, str]
    remedy: str
    has_token: bool
    has_contents: bool
    timeout_seconds: float

    @property
    def address(self) -> str:
        """Where it is fetched from."""
        return self.config["remote.origin.url"]

    def at(self, address: str) -> Access:
        """The same for another address; a token still goes to the host it is for."""
        return self._replace(config=self.config | {"remote.origin.url": address})

    def with_contents(self) -> Access:
        """The same, file contents included."""
        config = {key: value for key, value in self.config.items() if key not in WITHOUT_CONTENTS}
        return self._replace(config=config, has_contents=True)


def access(
    address: str,
    token: str | None,
    username: str | None,
    *,
    remedy: str,
    has_contents: bool,
    timeout_seconds: float,
    proxy: str | None = None,
    ca_file: Path | None = None,
) -> Access:
    """The access for one address; a token goes to its own host only, as a header that stays in the environment."""
    config = {"http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60", "gc.autoDetach": "false"}
    config["remote.origin.url"] = address
    if not has_contents:
        # Known while fetching only: what reads the mirror later must never fetch missing contents one by one.
        config |= WITHOUT_CONTENTS
    if proxy:
        config["http.proxy"] = proxy
    if ca_file:
        config["http.sslCAInfo"] = str(ca_file.resolve())
    parts = urlsplit(address)
    is_sent = bool(token) and parts.scheme in {"http", "https"}
    if is_sent:
        user = username or ("x-token-auth" if "bitbucket" in (parts.hostname or "") else "x-access-token")
        header = base64.b64encode(f"{user}:{token}".encode()).decode()
        config[f"http.{parts.scheme}://{parts.netloc.rpartition('@')[2]}/.extraHeader"] = (
            f"Authorization: Basic {header}"
        )
        config["http.followRedirects"] = "false"  # git would take the header along to any host: see Mirror
        config["credential.helper"] = ""  # empty: no helper is asked, and none is told
    return Access(config, remedy, is_sent, has_contents, timeout_seconds)
