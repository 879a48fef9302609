"""Files: read within limits, written whole or not at all, and kept for a while."""
