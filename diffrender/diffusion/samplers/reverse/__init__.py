"""Samplers that walk from noise to data, a family a file."""
