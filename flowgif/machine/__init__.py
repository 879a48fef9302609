"""What the machine has and does: processors, threads, devices and signals."""
