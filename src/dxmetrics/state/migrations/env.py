"""What Alembic runs for every upgrade: the files in `versions`, in the transaction that `schema` has begun."""

from alembic import context

from dxmetrics.state.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
