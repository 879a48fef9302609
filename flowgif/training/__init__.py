"""How a flow is fitted to a target."""
