"""The styles, a module each, and the table of them."""
