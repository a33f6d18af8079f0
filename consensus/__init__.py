"""Sans-IO Byzantine-fault-tolerant protocols."""
