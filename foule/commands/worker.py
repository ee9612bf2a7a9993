"""``foule worker``: the stream itself; any number of workers share the partitions of one group."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

import click
import faust

from config.errors import FouleError, KeyStoreError, ServiceError, TopicsError, UnreachableError
from config.settings import Settings, require_layers
from foule import dumps
from foule.options import settings_option
from foule.several_days import consequences
from indicators.calendar import DAY_MS, Calendar
from sinks.kafka import KafkaSink, Topics
from sinks.prometheus import Metrics
from sinks.redis import RedisSink
from sinks.values import Values
from streams.app import Worker, build
from streams.keystore import RedisKeyStore
from streams.link import Link
from streams.outage import Quiet
from streams.releaser import Sink
from streams.topics import check
from zones import Places, load

log = logging.getLogger("foule")

_STUCK_AFTER = 15.0
_STOP_WITHIN = 8.5
_STEP = 0.25

#: Seconds: between two attempts at the start, between two lines about them, and for a broker that is starting up.
_RETRY_AFTER, _REPEAT_AFTER, _STARTS_WITHIN = 1.0, 30.0, 60.0


@click.command()
@settings_option
def worker(settings: Settings) -> None:
    """Read events, count, and publish what may be published, until stopped (SIGTERM or Ctrl-C).

    The topics must be there (foule topics). Start as many workers as you like, with the same settings.
    """
    dumps.forbid()
    _start_log(settings.log.level)
    places = load_places(settings)
    warn_of_several_days(settings)
    metrics = Metrics()
    metrics.serve(settings.metrics.host, settings.metrics.port)
    require_topics(settings)
    store = RedisKeyStore(settings.keys)
    require_memory_only(store, settings)
    built = build(settings, places, store, _sinks(settings, places, metrics), metrics, _now)
    _run(built, settings, metrics)


def require_topics(settings: Settings) -> None:
    """Wait until Kafka is there, saying so from time to time; then raise ``TopicsError`` unless its topics are right.

    Raises ``ServiceError`` if something is there that does not answer as Kafka does, or lets nobody in.
    """
    said, reached = -_REPEAT_AFTER, 0.0
    failure: ServiceError
    while True:
        try:
            problems = check(settings)
            break
        except UnreachableError as error:
            failure, reached = error, 0.0
        except ServiceError as error:
            reached = reached or time.monotonic()
            if time.monotonic() - reached > _STARTS_WITHIN:
                raise
            failure = error
        if time.monotonic() - said >= _REPEAT_AFTER:
            said = time.monotonic()
            log.error("%s; the worker waits", failure)
        time.sleep(_RETRY_AFTER)
    if problems:
        raise TopicsError("\n".join([*problems, "create or mend the topics first: foule topics"]))


def require_memory_only(store: RedisKeyStore, settings: Settings) -> None:
    """Wait until the key store answers, saying so from time to time; then raise ``KeyStoreError`` if it may write to a
    disk in a way that ``keys.accept_risks`` does not name. What is accepted is said.
    """
    said = -_REPEAT_AFTER
    while True:
        try:
            ways = store.persistence()
            break
        except KeyStoreError as error:
            if time.monotonic() - said >= _REPEAT_AFTER:
                said = time.monotonic()
                log.error("%s; the worker waits", error)
        time.sleep(_RETRY_AFTER)
    place, accepted = settings.keys.url, settings.keys.accept_risks
    for way in ways:
        if way.risk in accepted:
            log.warning("the key store at %s %s: accepted (keys.accept_risks)", place, way.text)
    refused = [way for way in ways if way.risk not in accepted]
    if refused:
        lines = [f"the key store at {place} (keys.url) {way.text}: {way.remedy}" for way in refused]
        raise KeyStoreError("\n".join([*lines, "a key that is destroyed must not be left on a disk (docs/privacy.md)"]))


def load_places(settings: Settings) -> Places:
    """The zones of the settings, with what was repaired or counted at load in the log.

    Raises ``SettingsError`` without a layer, ``ZonesError`` if a file cannot be used.
    """
    require_layers(settings)
    places = load(settings.zones)
    for line in places.report:
        log.info("%s", line)
    return places


def warn_of_several_days(settings: Settings) -> None:
    """Say, with an epoch of several days, what a data protection officer must approve of it."""
    sentences = consequences(settings)
    if sentences:
        log.warning(
            "time.epoch_days is %d, not 1: a data protection officer must approve what follows (foule privacy-report)",
            settings.time.epoch_days,
        )
    for sentence in sentences:
        log.warning("time.epoch_days: %s", sentence)


def _sinks(settings: Settings, places: Places, metrics: Metrics) -> Callable[[Link], Sequence[Sink]]:
    values = Values.of(settings, places.layers)

    def make(link: Link) -> Sequence[Sink]:
        topics = settings.topics
        days = partial(Calendar.of(settings.time).window_of, DAY_MS)
        day_of = days if settings.indicators.occupancy else None
        return [
            RedisSink(settings.redis, refused=metrics.refused_windows.inc, values=values, day_of=day_of),
            KafkaSink(link.deliver, Topics(topics.presence, topics.flows, topics.indicators), values),
        ]

    return make


def _run(built: Worker, settings: Settings, metrics: Metrics) -> NoReturn:
    """Let Faust run the application; it stops it on SIGTERM and SIGINT, and then ends the process.

    Raises the ``FouleError`` that ended the application, if one did.
    """
    level = settings.log.level
    worker = faust.Worker(built.app, loglevel=level, quiet=True, redirect_stdouts=False, override_logging=False)
    worker.spinner = None
    threading.Thread(target=_end_if_stuck, args=(built.app,), daemon=True).start()
    built.app.add_future(built.watch(settings.kafka.bootstrap, metrics))
    try:
        worker.execute_from_commandline()
    except SystemExit:
        if isinstance(built.app.crash_reason, FouleError):
            raise built.app.crash_reason from None
        raise


def _end_if_stuck(app: faust.App) -> None:
    """End the process where Faust does not come to its end in time, after a signal or after a part of it has crashed.

    What is not done by then need not be: the last checkpoints hold.
    """
    while app.crash_reason is None and not app.should_stop:
        time.sleep(_STEP)
    if app.crash_reason is None:
        time.sleep(_STOP_WITHIN)
        log.warning("the worker has not stopped within %g s: it is ended; its last checkpoints hold", _STOP_WITHIN)
        os._exit(0)
    time.sleep(_STUCK_AFTER)
    log.critical("the worker has crashed and does not stop by itself: it is ended (%s)", app.crash_reason)
    os._exit(1)


class _NoTraceback(logging.Filter):
    """An error of foule says all that there is to say: no traceback with it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], FouleError):
            record.exc_info = None
        return True


def _start_log(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for handler in logging.root.handlers:
        handler.addFilter(_NoTraceback())
        if level != "debug":
            handler.addFilter(Quiet())
    for name in ("aiokafka", "kafka", "faust", "mode"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def _now() -> int:
    return time.time_ns() // 1_000_000
