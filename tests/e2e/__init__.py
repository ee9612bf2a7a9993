"""The whole flow on a real Kafka and Redis: files in, workers as processes, published numbers out."""
