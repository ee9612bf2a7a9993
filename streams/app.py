"""The Faust application: which agent reads which topic, when the timers fire, and what a rebalance does."""

from __future__ import annotations

import asyncio
import atexit
import logging
import shutil
import ssl
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import faust
from faust.types.auth import AuthProtocol

from anonymizer.keys import EpochKeys, KeyStore
from config.settings import Settings
from sinks.prometheus import Metrics
from streams.crowd import CrowdAgent, ShuffledCrowdAgent
from streams.epoch_register import EpochRegister
from streams.fetch import Fetch
from streams.folding import fold
from streams.link import Link
from streams.membership import group_options, share_by_number
from streams.outage import Outage, wait_at_start
from streams.parts import ShardParts
from streams.releaser import ReleaseAgent, Sink
from streams.shuffle import ShuffleAgent
from streams.topics import MAX_TALLY_BYTES
from zones import Places

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_WATCH_SECONDS = 5.0
_REQUEST_SECONDS = 30.0
_LAST_CHECKPOINTS = 6.0
_LAST_SENDS = 1.0
_POLLED_FETCHES = 200
_BUFFERED_FETCHES = 16
#: What of a backlog may be in memory, as Kafka has it, if all partitions are one worker's; shared out among them.
_BACKLOG_BYTES = 128 << 20
_LEAST_FETCH, _LARGEST_FETCH = 1 << 20, 4 << 20
_Take = Callable[[Fetch], Coroutine[Any, Any, None]]
_RAW: dict[str, Any] = {"key_type": bytes, "value_type": None, "key_serializer": "raw", "value_serializer": "raw"}


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's application and its agents."""

    app: faust.App
    link: Link
    feed: CrowdAgent | ShuffleAgent
    shuffled: ShuffledCrowdAgent | None
    release: ReleaseAgent

    @property
    def partitioned(self) -> list[CrowdAgent | ShuffleAgent | ShuffledCrowdAgent]:
        """The agents that have a part for each partition of theirs."""
        return [self.feed] if self.shuffled is None else [self.feed, self.shuffled]

    async def watch(self, place: str, metrics: Metrics) -> None:
        """Say when Kafka, at ``place``, is away and when it is back, or does not let the worker into its group."""
        outage = Outage(place)
        while True:
            answers = await self.link.answers()
            if answers is not None:
                metrics.kafka_up.set(answers)
                outage.notice(answers, self.link.elapsed())
            error = None if answers is None else await self.link.group_error()
            if error is not None:
                log.error("the group does not take this worker: %s; it tries again", error)
            await asyncio.sleep(_WATCH_SECONDS)


def build(
    settings: Settings,
    places: Places,
    store: KeyStore,
    sinks: Callable[[Link], Sequence[Sink]],
    metrics: Metrics,
    now: Callable[[], int],
) -> Worker:
    """The application of one worker. ``sinks`` gets the worker's link to Kafka; ``now``: the wall clock in ms."""
    topics = settings.topics
    for topic in (topics.events, topics.frontier, topics.tallies, topics.shuffled):
        fold(topic)
    share_by_number()
    wait_at_start()
    app = _application(settings)
    link = Link(app, settings.kafka, _connection(settings))
    register = EpochRegister(link, topics.epochs, settings.keys.lost_after)
    parts = ShardParts.of(settings, places, EpochKeys(store, settings.keys.max_age, now, register))
    shared = (settings, parts, link, metrics, register)
    feed = ShuffleAgent(*shared) if settings.events.shuffle else CrowdAgent(*shared)
    shuffled = ShuffledCrowdAgent(*shared) if settings.events.shuffle else None
    release = ReleaseAgent(settings, parts, link, sinks(link), metrics, register)
    worker = Worker(app, link, feed, shuffled, release)
    _add_agents(worker, settings)
    _add_timers(worker, settings)
    _add_rebalancing(worker, settings)
    return worker


def _add_agents(worker: Worker, settings: Settings) -> None:
    app, topics = worker.app, settings.topics
    _add_agent(app, "feed", topics.events, topics.partitions, worker.feed.take)
    _add_agent(app, "frontier", topics.frontier, topics.partitions, worker.feed.advance)
    _add_agent(app, "release", topics.tallies, 1, worker.release.take)
    if worker.shuffled is not None:
        _add_agent(app, "shuffled", topics.shuffled, topics.partitions, worker.shuffled.take)


def _add_agent(app: faust.App, name: str, topic: str, partitions: int, take: _Take) -> None:
    @app.agent(app.topic(topic, partitions=partitions, acks=False, **_RAW), name=name)
    async def agent(stream: Any) -> None:
        async for event in stream.events():
            await _fatal(app, take(event.value))


async def _fatal(app: faust.App, work: Coroutine[Any, Any, None]) -> None:
    """Do an agent's work; if it fails, the worker ends, and a new process goes on from the checkpoint.

    Faust would start the agent again as if nothing had been: what it was about to send would be lost, and a later seal
    would vouch for it.
    """
    try:
        await work
    except Exception as error:
        if not app.should_stop:
            await app.crash(error)
        raise


def _add_timers(worker: Worker, settings: Settings) -> None:
    stream = settings.stream

    timer = worker.app.timer
    for agent in worker.partitioned:
        timer(stream.seal_every / 1000)(agent.seal)
        timer(stream.checkpoint_every / 1000)(agent.checkpoint)
    timer(_TICK_SECONDS)(worker.release.tick)
    timer(stream.seal_every / 1000)(worker.release.prod)
    timer(stream.checkpoint_every / 1000)(worker.release.bookmark)


def _add_rebalancing(worker: Worker, settings: Settings) -> None:
    app = worker.app
    # a worker that takes longer than the group waits is thrown out
    before_moving = settings.kafka.rebalance_timeout / 1000 * 2 / 3

    @app.on_partitions_revoked.connect(weak=False)
    async def revoked(sender: Any, *args: Any, **kwargs: Any) -> None:
        await worker.release.stop()
        await asyncio.gather(*[agent.release(before_moving) for agent in worker.partitioned])

    @app.on_rebalance_complete.connect(weak=False)
    async def assigned(sender: Any, *args: Any, **kwargs: Any) -> None:
        for agent in worker.partitioned:
            await agent.assign()
        await worker.release.assign()

    @app.on_before_shutdown.connect(weak=False)
    async def shutdown(sender: Any, *args: Any, **kwargs: Any) -> None:
        await worker.release.stop()
        await asyncio.gather(*[agent.release(_LAST_CHECKPOINTS) for agent in worker.partitioned])
        await worker.link.stop_sending(_LAST_SENDS)


def _application(settings: Settings) -> faust.App:
    kafka = settings.kafka
    return faust.App(
        kafka.group,
        broker=[f"kafka://{host}" for host in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(settings),
        store="memory://",
        datadir=_scratch_folder(),
        topic_partitions=settings.topics.partitions,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        web_enabled=False,
        broker_max_poll_records=_POLLED_FETCHES,
        stream_buffer_maxsize=_BUFFERED_FETCHES,
        # an agent that waits, for a broker or a Redis that is away, would be waited for; its shards are locked instead
        stream_wait_empty=False,
        producer_request_timeout=_REQUEST_SECONDS,
        producer_max_request_size=MAX_TALLY_BYTES,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=fetch_bytes(settings.topics.partitions),
        **group_options(kafka),
    )


def fetch_bytes(partitions: int) -> int:
    """How much to fetch of a partition at a time: a large fetch costs a fifth less an event than one of a megabyte."""
    return min(_LARGEST_FETCH, max(_LEAST_FETCH, _BACKLOG_BYTES // partitions))


def _scratch_folder() -> str:
    """A folder that Faust insists on; nothing is kept in it, and it goes with the process."""
    folder = tempfile.mkdtemp(prefix="foule-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    if "SSL" not in settings.kafka.security_protocol:
        return None
    ca_file = settings.kafka.ca_file
    return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


def _credentials(settings: Settings) -> Any:
    kafka, context = settings.kafka, _ssl_context(settings)
    if kafka.security_protocol.startswith("SASL"):
        credentials = faust.SASLCredentials(
            mechanism=kafka.sasl_mechanism, username=kafka.username, password=kafka.password.reveal(),
            ssl_context=context,
        )  # fmt: skip
        credentials.protocol = AuthProtocol(kafka.security_protocol)
        return credentials
    return None if context is None else faust.SSLCredentials(context)


def _connection(settings: Settings) -> dict[str, Any]:
    kafka = settings.kafka
    connection: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": kafka.security_protocol,
        "ssl_context": _ssl_context(settings),
    }
    if kafka.security_protocol.startswith("SASL"):
        connection |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.username,
            "sasl_plain_password": kafka.password.reveal(),
        }
    return connection
