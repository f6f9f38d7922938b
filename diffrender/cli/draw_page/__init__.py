"""The page on which a target is drawn by hand."""
