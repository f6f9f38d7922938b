"""From names and settings to jobs."""
