"""What Alembic executes around the steps: they share the transaction that was opened for them.

The caller holds the lock and the transaction, so that either all steps happened or none.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
