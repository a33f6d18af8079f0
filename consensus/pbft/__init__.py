"""Castro and Liskov's PBFT, the signed-message variant."""
