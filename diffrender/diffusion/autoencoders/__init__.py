"""Autoencoders: images to a few numbers and back."""
