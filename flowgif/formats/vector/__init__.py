"""Files that are made of particles' positions."""
