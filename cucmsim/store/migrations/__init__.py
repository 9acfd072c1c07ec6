"""The steps that build the tables, one revision a file in `versions`; run by `store/migrate.py`."""
