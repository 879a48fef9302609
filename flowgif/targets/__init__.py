"""Targets: Gaussian mixtures made from pictures and data sets."""
