"""Redis as its consumers see it; typed loosely, since the client's types leave open whether it is asynchronous."""

from __future__ import annotations

from typing import Any

from redis import Redis


def consumer(url: str) -> Any:
    """A client that gives text; a context manager."""
    return Redis.from_url(url, decode_responses=True)
