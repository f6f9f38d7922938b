"""Points drawn by formula."""
