"""From a trained flow to a file that moves."""
