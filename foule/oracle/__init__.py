"""The oracle: every count computed again from the partition logs, plainly and slowly (docs/architecture.md)."""
