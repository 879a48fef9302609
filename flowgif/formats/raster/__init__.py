"""Files that are made of frames."""
