"""Panels, legends, sliders, arrows and colour bars."""
