"""Real and embedded servers for the tests and the bench."""
