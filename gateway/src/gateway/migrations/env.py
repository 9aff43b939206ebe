"""Alembic's entry: the connection and the schema come from `gateway.migrate`."""

from chassis.migrations import run_environment

run_environment()
