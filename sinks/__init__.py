"""Where released numbers go: Redis, Kafka and Prometheus. Only what passed the gate comes in."""
