"""Decides how much ink each pixel of a picture holds."""
