"""Encoders, containers and GIFs."""
