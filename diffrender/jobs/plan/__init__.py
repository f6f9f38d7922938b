"""Plans: the jobs of a config or a clip, from names and settings."""
