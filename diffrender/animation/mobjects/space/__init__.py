"""Bulk mobjects of three-dimensional data, and the camera that turns around them."""
