"""Flows that follow a velocity."""
