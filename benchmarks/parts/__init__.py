"""The parts of the benchmark; each is a row of ``parts.table.PARTS``."""
