"""The bar: aiokafka alone. Fetches a whole topic with ``getmany`` and does nothing with the records."""

import argparse
import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.figures import Figures, Stopwatch


async def read(bootstrap: str, topic: str, events: int) -> Figures:
    """Read this many records."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        await consumer._client.force_metadata_update()
        consumer.assign([TopicPartition(topic, each) for each in sorted(consumer.partitions_for_topic(topic) or ())])
        stopwatch, seen = Stopwatch(), 0
        while seen < events:
            fetched = await consumer.getmany(timeout_ms=1000)
            seen += sum(map(len, fetched.values()))
        return stopwatch.figures("aiokafka", seen)
    finally:
        await consumer.stop()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("events", type=int)
    arguments = parser.parse_args()
    print(asyncio.run(read(arguments.bootstrap, arguments.topic, arguments.events)).line())


if __name__ == "__main__":
    main()
