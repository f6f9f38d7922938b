"""Sets of images: published ones, and folders of your own."""
