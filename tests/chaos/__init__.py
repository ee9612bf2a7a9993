"""Faults on purpose: real servers and workers are killed while events flow, then every number is checked."""
