"""Flows that are made of layers."""
