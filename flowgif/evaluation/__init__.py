"""Evaluation: measures and draws how well a flow fits."""
