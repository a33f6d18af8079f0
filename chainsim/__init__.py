"""A permissioned-blockchain simulator: what runs it."""
