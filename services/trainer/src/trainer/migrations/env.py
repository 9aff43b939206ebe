"""Alembic environment of schema `trainer`."""

from chassis.migrations import run_environment

run_environment()
