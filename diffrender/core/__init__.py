"""Errors, validation, registries, provenance and files: what every room uses."""
