"""Training: fits a flow to a target."""
