"""The tokenised-asset state machine."""
