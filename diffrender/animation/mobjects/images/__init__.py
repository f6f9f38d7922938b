"""Pictures, pixel-true."""
