"""Lectures: many clips, one film."""
