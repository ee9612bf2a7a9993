"""What the benches have in common as commands: what they need, and how they end."""

import sys
from collections.abc import Callable

from config.errors import FouleError, ServiceError
from tests.services.real_kafka import RealKafka


def require_kafka() -> None:
    """Raise ServiceError unless Apache Kafka can be started here."""
    absent = RealKafka.absent()
    if absent is not None:
        raise ServiceError(f"the bench needs Apache Kafka, which cannot be started here: {absent}")


def end(main: Callable[[], int]) -> None:
    """End the process with the exit status of ``main``; with 2, and the error, if the bench cannot run."""
    try:
        sys.exit(main())
    except FouleError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
