"""HTTP. Thin: parse, ask, answer."""
