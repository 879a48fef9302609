"""Reads pictures of any kind, and draws texts, as upright pixels."""
