"""Plays an animation in the terminal."""
