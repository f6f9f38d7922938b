"""Films joined from clips."""
