"""A broker that is away: told in one line when it goes and one when it is back; its clients' many are held back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

log = logging.getLogger(__name__)

_REPEAT_AFTER = 60.0
_START_AGAIN_AFTER = 1.0
_ONE_EACH = 60.0

#: What aiokafka says, many times a second, while it cannot reach a broker: :class:`Outage` says it once.
_UNREACHABLE = (
    "Unable connect to",
    "Unable to update metadata",
    "Unable to request metadata",
    "Error sending %s to node",
    "Failed fetch messages from",
    "Got error produce response",
    "Group Coordinator Request failed",
    "Heartbeat send request failed",
    "Heartbeat session expired",
    "Marking the coordinator dead",
    "LeaveGroup request failed",
)


_bootstrap_once = AIOKafkaClient.bootstrap


def wait_at_start() -> None:
    """From now on a client of aiokafka that starts while Kafka is away waits for it, as one that has started does.

    Replaces ``AIOKafkaClient.bootstrap``, which gives up at once: a worker would end if Kafka went away between its
    first look at the topics and the start of its consumer.
    """
    AIOKafkaClient.bootstrap = _bootstrap


async def _bootstrap(client: AIOKafkaClient) -> None:
    while True:
        try:
            await _bootstrap_once(client)
        except KafkaConnectionError:
            await asyncio.sleep(_START_AGAIN_AFTER)
        else:
            return


class Outage:
    """Whether Kafka answers, as it was last told; the log has a line for each change, and for each minute away."""

    def __init__(self, place: str) -> None:
        """``place``: where Kafka is, as the settings name it."""
        self._place = place
        self._since: float | None = None
        self._said = 0.0

    def notice(self, answers: bool, now: float) -> None:
        """Take note that Kafka answers or does not at ``now`` (s, on a clock that never goes back)."""
        if answers:
            if self._since is not None:
                log.warning("Kafka at %s is back after %.0f s: the worker goes on", self._place, now - self._since)
            self._since = None
        elif self._since is None:
            self._since = self._said = now
            log.error("Kafka at %s does not answer: the worker waits, and goes on when it is back", self._place)
        elif now - self._said >= _REPEAT_AFTER:
            self._said = now
            log.error("Kafka at %s has not answered for %.0f s: the worker waits", self._place, now - self._since)


class Quiet(logging.Filter):
    """Holds back what the clients of Kafka repeat: nothing about an unreachable broker, of the rest each message once a
    minute. Records of foule's own loggers pass."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record goes to the log."""
        if record.name.partition(".")[0] not in ("aiokafka", "kafka", "faust", "mode", "asyncio"):
            return True
        text = str(record.msg)
        if record.name.startswith("aiokafka") and text.startswith(_UNREACHABLE):
            return False
        now, source = self._clock(), (record.name, text[:80])
        if now - self._said.get(source, -_ONE_EACH) < _ONE_EACH:
            return False
        self._said[source] = now
        return True
