"""Samplers that follow a density."""
