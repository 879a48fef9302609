"""Normalizing flows in the plane: with what a target is fitted."""
