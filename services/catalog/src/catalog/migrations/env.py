"""Alembic environment of schema ``catalog``."""

from chassis.migrations import run_environment

run_environment()
