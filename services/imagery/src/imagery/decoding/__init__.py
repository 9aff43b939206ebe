"""Decoding and rendering in processes of their own, which may die and leave the service up."""
