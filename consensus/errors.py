"""Errors are the caller's mistakes; what a peer does wrong is data (see misbehaviour)."""

from __future__ import annotations


class ConsensusError(Exception):
    """Base of this package's errors."""


class ConfigurationError(ConsensusError):
    """A protocol parameter that can't work, named with its remedy."""
