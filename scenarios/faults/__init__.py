"""What a scenario injects: one file per fault."""
