"""Targets: what is learned or sampled."""
