"""The page beside the editor, on which a scene is seen as it is written."""
