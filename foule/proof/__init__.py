"""What the stream left, read back and held against the oracle."""
