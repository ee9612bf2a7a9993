"""Errors that end when the broker is back, and asking until they have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.errors import KafkaError, KafkaTimeoutError
from faust.exceptions import ProducerSendError

#: Seconds between attempts.
RETRY_AFTER = 0.5

_T = TypeVar("_T")


def passes(error: BaseException | None) -> bool:
    """Whether an error is of the kind that ends when the broker is back."""
    return isinstance(error, OSError | KafkaTimeoutError) or bool(getattr(error, "retriable", False))


async def until_answered(ask: Callable[[], Awaitable[_T]], patience: float = float("inf")) -> _T:
    """Ask until there is an answer, or an error that does not pass, or ``patience`` seconds are over."""
    begun = time.monotonic()
    while True:
        try:
            return await ask()
        except (KafkaError, ProducerSendError, OSError) as error:
            cause = error.__cause__ if isinstance(error, ProducerSendError) else error
            if not passes(cause) or time.monotonic() - begun > patience:
                raise
        await asyncio.sleep(RETRY_AFTER)
