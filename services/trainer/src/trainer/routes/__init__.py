"""HTTP routes, one file per resource. Thin: they check, call, and commit."""
