"""Particles' positions become frames of palette indices."""
