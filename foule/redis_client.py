"""A Redis client for a look: it answers within seconds, or raises."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.settings import Secret

_SECONDS = 3.0


def client(url: Secret) -> Redis:
    """A client that tries once; a context manager. Raises ValueError for an address that it does not understand."""
    limits = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS}
    return Redis.from_url(url.reveal(), retry=Retry(NoBackoff(), 0), **limits)
