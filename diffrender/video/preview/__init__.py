"""Frames drawn as they are looked at: what `diffrender watch` shows."""
