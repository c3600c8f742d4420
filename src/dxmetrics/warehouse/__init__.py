"""The warehouse: one DuckDB file that one process writes, and read-only publications of it.

`open_writer` opens it, `Loader` commits pages of a source, `replay` maps kept payloads again, `publish` makes a
publication and `latest` finds the newest.
"""

from dxmetrics.warehouse.connection import FILE_NAME, open_writer, transaction
from dxmetrics.warehouse.copies import copy_source
from dxmetrics.warehouse.load import Counts, Loader
from dxmetrics.warehouse.publish import Publication, latest, publish
from dxmetrics.warehouse.pushed import RUN, forget_healed, known_until, note_pushes, payloads
from dxmetrics.warehouse.replay import replay
from dxmetrics.warehouse.scopes import forget_scope, history_left, known_scopes, miss_scope, unmiss_scopes
from dxmetrics.warehouse.state import (
    facts,
    finish_run,
    finish_scope,
    read_cursor,
    set_fact,
    start_run,
    start_scope,
)

__all__ = [
    "FILE_NAME", "RUN", "Counts", "Loader", "Publication", "copy_source", "facts", "finish_run", "finish_scope",
    "forget_healed", "forget_scope", "history_left", "known_scopes", "known_until", "latest", "miss_scope",
    "note_pushes", "open_writer", "payloads", "publish", "read_cursor", "replay", "set_fact", "start_run",
    "start_scope", "transaction", "unmiss_scopes",
]  # fmt: skip
