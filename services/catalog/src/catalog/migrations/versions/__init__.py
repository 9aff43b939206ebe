"""Alembic scripts of schema ``catalog``, dated."""
