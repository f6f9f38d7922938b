"""The torch wing: targets, denoisers, samplers, recordings, training. It never imports Manim."""
