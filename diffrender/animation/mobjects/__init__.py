"""Mobjects drawn in bulk. Each is an ordinary Manim mobject, drawn by a `BulkCamera`."""
