"""Formats that are made of frames."""
