"""What all parts of the benchmark share: measuring a command, describing the machine, keeping results."""
