"""Frames drawn by several processes."""
