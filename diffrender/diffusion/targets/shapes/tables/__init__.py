"""Tables of points as people have them."""
