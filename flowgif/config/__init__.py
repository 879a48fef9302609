"""Settings: schema, reading and merging."""
