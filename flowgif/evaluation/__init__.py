"""How well a flow fits."""
