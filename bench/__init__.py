"""Benches: ``python -m bench`` runs the job on a real Kafka, beside plain Faust and raw aiokafka."""
