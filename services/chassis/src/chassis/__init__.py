"""What every EMBED Lab service shares. No word of the domain in it; it imports no service."""
