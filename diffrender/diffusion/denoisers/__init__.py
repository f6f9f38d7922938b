"""Denoisers: one contract for closed forms and networks."""
