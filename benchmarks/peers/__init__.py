"""Other libraries' flows, trained and measured for comparison."""
