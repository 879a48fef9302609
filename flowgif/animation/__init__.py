"""Animates trained flows."""
