"""Runs of a sampler, and their recording."""
