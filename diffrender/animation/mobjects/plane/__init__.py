"""Bulk mobjects of two-dimensional data."""
