"""The gateway's own API: sign-in, people, tokens, agreements, audit."""
