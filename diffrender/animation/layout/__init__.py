"""The page a scene is laid out on: its frame, its baselines, its views of data."""
