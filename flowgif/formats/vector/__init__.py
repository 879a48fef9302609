"""Formats that are made of particles' positions."""
