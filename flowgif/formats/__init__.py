"""Writes frames and particles as files; ``table.py`` lists the formats. Nothing here knows torch."""
