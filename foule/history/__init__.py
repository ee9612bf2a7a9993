"""Released numbers read back from Kafka, as files for those who look at the past."""
