"""Cohorts: who is in, under which label, in which split; frozen and hashed. Pure."""
