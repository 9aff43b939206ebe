"""Alembic tree of the schema `gateway`."""
