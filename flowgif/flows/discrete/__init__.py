"""Discrete flows, which are made of layers."""
