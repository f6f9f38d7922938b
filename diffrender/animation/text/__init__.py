"""Type: Typst text and mathematics, running numbers, captions."""
