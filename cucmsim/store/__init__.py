"""The memory: CUCM's tables, queries, migrations and change notification."""
