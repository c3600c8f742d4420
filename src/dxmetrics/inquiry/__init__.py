"""What others may ask of the metrics API, and how they are answered: over HTTP, in a badge, by an assistant's tools.

A question is read and kept within limits, the metrics API answers it, and the answer becomes a document or a table.
"""

from importlib.util import find_spec

from dxmetrics.errors import SettingsError


def require_sdk() -> None:
    """Raise SettingsError where the SDK of the Model Context Protocol is not there: only who wants it installs it."""
    if find_spec("mcp_types") is None:
        raise SettingsError('the Model Context Protocol needs its SDK, which is not installed: pip install "mcp>=2.3"')
