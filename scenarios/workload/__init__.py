"""Who submits what, and when: one file per workload."""
