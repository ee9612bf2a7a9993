"""Reads the output topics into a history, up to where they end when the reading begins."""

from __future__ import annotations

from contextlib import closing

from config.settings import Settings
from foule.history.history import History
from foule.history.values import FLOWS, PRESENCE
from foule.progress import Report
from foule.proof.topics import TopicReader
from streams.log_ends import log_ends

_INDICATORS = "indicators"
_EVERY = 10_000  # records


def read_topics(settings: Settings, history: History, report: Report) -> None:
    """Take all records of the topics of presence, flows and indicators; ``report`` is told shares of the whole.

    The ends of all three are looked up first: what is released meanwhile is for the next reading. The newest window may
    be in parts, if it is being sent just then. Raises ServiceError, TopicsError.
    """
    topics = {PRESENCE: settings.topics.presence, FLOWS: settings.topics.flows, _INDICATORS: settings.topics.indicators}
    ends = {name: log_ends(settings.kafka, topic) for name, topic in topics.items()}
    total = sum(end for of_topic in ends.values() for end in of_topic.values())
    done = 0
    for name, topic in topics.items():
        reached: dict[int, int] = {}
        with closing(TopicReader(settings, topic)) as reader:
            for record in reader.read(ends[name]):
                history.take(name, record)
                reached[record.partition] = record.offset + 1
                if history.read % _EVERY == 0:
                    report((done + sum(reached.values())) / total, f"{history.read:,} records of {topic}")
        done += sum(ends[name].values())
    history.settle()
