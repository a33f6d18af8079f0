"""Roles on the network: validators, clients, the ledger that validators replicate."""
