"""A page of a command, served on the loopback address to one browser."""
