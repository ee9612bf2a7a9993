"""A Redis that is empty at the test's start, as its consumers see it, and a sink that writes to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from config.secret import Secret
from config.sections import RedisSettings
from sinks.redis import RedisSink
from tests.sinks.clients import consumer


@pytest.fixture
def redis_settings(redis_url: str) -> RedisSettings:
    """Settings for the run's Redis."""
    return RedisSettings(url=Secret(redis_url))


@pytest.fixture
def redis(redis_url: str) -> Iterator[Any]:
    """A client that gives text."""
    with consumer(redis_url) as client:
        yield client


@pytest.fixture
async def sink(redis_settings: RedisSettings) -> AsyncIterator[RedisSink]:
    """A sink that writes to the run's Redis."""
    async with RedisSink(redis_settings) as sink:
        yield sink
