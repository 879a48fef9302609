"""Normalizing flows in the plane."""
