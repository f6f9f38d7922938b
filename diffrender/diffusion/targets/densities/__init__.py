"""Densities in closed form."""
