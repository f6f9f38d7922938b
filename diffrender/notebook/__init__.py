"""Recordings and clips in notebooks and browsers: a player without Manim, as a widget or as one HTML file."""
