"""Everything on one machine without Docker: real servers, the services, and the synthetic EMBED."""
