"""Cohorts as ZIP archives, in parts, streamed."""
