"""A window on the steps of one chain."""
