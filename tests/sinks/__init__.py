"""Tests of the sinks, on a real Redis."""
