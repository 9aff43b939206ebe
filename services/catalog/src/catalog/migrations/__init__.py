"""Alembic tree of schema ``catalog``."""
