"""Video: a scene drawn to frames, encoded in segments, joined to files and films."""
