"""A real redis-server as a process of the tests."""

import shutil
from pathlib import Path

from config.errors import ServiceError
from foule.embedded import EmbeddedRedis


class RealRedis(EmbeddedRedis):
    """The machine's own redis-server, in the same way as the embedded one."""

    name = "redis-server"

    def __init__(self, port: int | None = None, *, persistent: bool = False) -> None:
        reason = self.absent()
        if reason is not None:
            raise ServiceError(reason)
        super().__init__(port, persistent=persistent, program=Path(shutil.which("redis-server") or ""))

    @staticmethod
    def absent() -> str | None:
        """Why no redis-server can be started here; None if one can."""
        return None if shutil.which("redis-server") else "redis-server is not installed"
