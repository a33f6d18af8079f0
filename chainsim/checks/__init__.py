"""Properties of a run, one file each, reading the trace only."""
