"""What the commands write to stdout, and what they hold against bounds."""
