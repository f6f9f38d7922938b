"""Config files: their sections, how they are read, and where they are found."""
