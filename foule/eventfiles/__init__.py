"""Recorded files of events (CSV, JSON Lines, Parquet; gzip or not) as batches of Kafka records."""

from foule.eventfiles.eventfile import EventFile
from foule.eventfiles.records import Batch

__all__ = ["Batch", "EventFile"]
