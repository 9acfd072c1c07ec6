"""What Alembic runs: the revisions, on the connection and in the transaction it is given."""

from alembic import context

from cucmsim.store.schema import METADATA

VERSION_TABLE = "cucmsim_schema"

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    compare_type=True,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
