"""From a scene to frames, segments, files and films."""
