"""Jobs: what must be made, what is up to date, and who makes it."""
