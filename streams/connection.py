"""How kafka-python's clients reach Kafka: options from the settings, a connection for administration."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from config.errors import ServiceError, UnreachableError
from config.settings import KafkaSettings

_CONNECT_SECONDS = 3.0
_BOOTSTRAP_MS = 10_000
_REQUEST_MS = 30_000


def client_options(kafka: KafkaSettings) -> dict[str, object]:
    """Keyword arguments for any client of kafka-python: address, security protocol and login."""
    options: dict[str, object] = {
        "bootstrap_servers": kafka.bootstrap.split(","),
        "security_protocol": kafka.security_protocol,
    }
    if kafka.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.username
        options["sasl_plain_password"] = kafka.password.reveal()
    if kafka.security_protocol.endswith("SSL") and kafka.ca_file is not None:
        options["ssl_cafile"] = str(kafka.ca_file)
    return options


def require_listener(kafka: KafkaSettings) -> None:
    """Raise UnreachableError, in seconds, unless something takes connections at ``kafka.bootstrap``.

    A client of kafka-python tries for half a minute and cannot tell a wrong address from a wrong login.
    """
    reasons: list[str] = []
    for server in kafka.bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS):
                return
        except OSError as error:
            reasons.append(f"{server.strip()}: {error.strerror or error}")
    raise UnreachableError(
        f"Kafka does not answer at {'; '.join(reasons)}; start it, or set kafka.bootstrap to where it is"
    )


@contextmanager
def administration(kafka: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """A connection for administration. Raises ServiceError if Kafka does not answer or refuses."""
    require_listener(kafka)
    limits = {"bootstrap_timeout_ms": _BOOTSTRAP_MS, "request_timeout_ms": _REQUEST_MS}
    try:
        client = KafkaAdminClient(**client_options(kafka), **limits)
    except (KafkaError, OSError, ValueError) as error:
        raise ServiceError(
            f"Kafka at {kafka.bootstrap} takes connections but does not let foule in ({error});"
            " check kafka.security_protocol, kafka.sasl_mechanism, kafka.username, kafka.password and"
            " kafka.ca_file"
        ) from error
    try:
        yield client
    except KafkaError as error:
        raise ServiceError(f"Kafka at {kafka.bootstrap} failed to answer: {error}") from error
    finally:
        client.close()
