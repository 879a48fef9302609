"""Draws particles at their positions as frames of palette indices."""
