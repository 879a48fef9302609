"""The styles of drawing, a module each."""
