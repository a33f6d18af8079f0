"""What can be asked for: scenario files, faults, workloads, the shipped library."""
