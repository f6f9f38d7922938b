"""Samplers: generators of steps."""
