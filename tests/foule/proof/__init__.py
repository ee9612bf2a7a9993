"""Tests of foule/proof: what is read back, and what is found where it is not as it must be."""
