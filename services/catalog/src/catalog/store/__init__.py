"""Everything that executes SQL."""
