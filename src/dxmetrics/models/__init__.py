"""Models: the SQL files of `sql/`, built in the order of what they read, and only where something changed.

A file is a header in TOML and one select; its name is the table's, the first folder below `sql/` its schema:

    /*---
    grain       = "one row per change"
    description = "Pull and merge requests and direct pushes, with their team and service."
    key         = ["change_id"]

    [keys]
    "landing.changes" = "source || ':' || ext_id"
    "landing.reviews" = "source || ':' || change"
    ---*/
    select ...

Header of a file in `sql/core`:

- `grain`, `description`: for people.
- `materialize`: `"table"` (the default) or `"view"`. A table that reads a view is built whole whenever anything below
  the view changes, as a view's changed rows are not known.
- `key`: columns by which the model is *key-local*: its rows of one key depend only on input rows of the same key, for
  the inputs that have the key, and on all rows of the other inputs. Declare it only where that is true: no window, rank
  or aggregate may look over the border of a key. Then a change of some rows rebuilds only their keys; without it the
  model is built whole.
- `[keys]`: for an input whose columns have other names, its key as an SQL expression over its columns; a list of
  expressions where `key` has several columns. An input that has columns of the key's very names needs no entry. An
  input with neither is read whole, and a change in it rebuilds the model whole. Beware of columns that have the key's
  name and mean something else. `ext_id` names a row of its own record type, so in a key it stands for that column of
  the one landing table the model reads.
- `[affects]`: for an input that has no key in its own rows, a select of the keys that its changed rows affect; it
  reads them as `delta.changed`, which holds the old and the new version of each, and may join other tables:
  `"core.shipped" = "select c.change_id from delta.changed as d inner join core.changes as c on c.merge_sha = d.sha"`.
  The input itself is still read whole. The select must find every key whose rows could differ, also those that only
  the old version touched.

A change in columns that a model does not name is none to it, unless it has a `*` somewhere.

Deleted rows stay in `landing` with `deleted_at` set; a model reads `where deleted_at is null` itself.

Variables (`getvariable('name')`) are for core tables only; one that changes rebuilds the tables that use it.

Headers of metrics, checks and standards: `header.MetricHeader`, `header.CheckHeader`, `header.StandardHeader`. What the
files of `sql/standards` say of each service is pooled in `core.standard_verdicts`. A `Derivation` is a table made by
Python; it takes part in the same order with the same keys.
"""

from dxmetrics.models.build import BuildReport, ModelReport, build
from dxmetrics.models.checks import CheckResult, run_checks
from dxmetrics.models.nodes import Check, Content, Derivation, Model, read

__all__ = [
    "BuildReport", "Check", "CheckResult", "Content", "Derivation", "Model", "ModelReport", "build", "read",
    "run_checks",
]  # fmt: skip
