"""Slides of a lecture: each act of a clip is a step that plays, waits, and goes on."""
