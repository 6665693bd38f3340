"""What a person wants to know before deciding: pure questions to files and to what was read."""
