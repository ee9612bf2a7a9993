"""Apache Kafka from Maven Central as a process of the tests and the bench: one KRaft node, no Docker."""

import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path

from config.errors import ServiceError
from foule.embedded import brokers_of
from foule.server_process import LOOPBACK, ServerProcess, free_port

ROOT = Path(__file__).resolve().parents[2]
POM = ROOT / "tests" / "kafka" / "pom.xml"

_OLDEST_JAVA = 11
_DOWNLOAD_SECONDS = 600
_CLUSTER_ID = "Zm91bGUtdGVzdHMtb25lLQ"  # any 16 bytes in base64; one node is the cluster

_SERVER_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms={first_rebalance_ms}
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
log.retention.check.interval.ms=10000
"""

_LOG_PROPERTIES = """\
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %c: %m%n
"""


class RealKafka(ServerProcess):
    """An Apache Kafka broker and controller in one process, with its data in a temporary folder.

    Needs Java 11 or newer and, for the first start, Maven; see ``absent()``. ``kill()`` and ``start()``
    restart it with the same data; it then takes some 15 s to be let back in by its own controller.
    """

    name = "Apache Kafka"
    start_within = 60.0
    stop_within = 20.0

    def __init__(self, port: int | None = None, *, heap: str = "1g", first_rebalance_ms: int = 0) -> None:
        """``first_rebalance_ms``: how long a new group waits for more members before it gets its partitions."""
        super().__init__(port)
        self._heap = heap
        self._first_rebalance_ms = first_rebalance_ms

    @staticmethod
    def absent() -> str | None:
        """Why Apache Kafka cannot be started here, in plain words; None if it can be tried."""
        return _java_missing() or _libraries_missing()

    @property
    def bootstrap(self) -> str:
        """``HOST:PORT`` for Kafka clients."""
        return f"{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        places = {"host": LOOPBACK, "port": self.port, "controller_port": free_port(), "folder": self.folder}
        properties = _SERVER_PROPERTIES.format(**places, first_rebalance_ms=self._first_rebalance_ms)
        (self.folder / "server.properties").write_text(properties)
        (self.folder / "log4j.properties").write_text(_LOG_PROPERTIES)
        arguments = ["format", "--cluster-id", _CLUSTER_ID, "--config", "server.properties"]
        command = self._java("256m", "kafka.tools.StorageTool", *arguments)
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServiceError(f"Apache Kafka's storage cannot be formatted:\n{done.stdout}{done.stderr}")

    def command(self) -> list[str]:
        return self._java(self._heap, "kafka.Kafka", "server.properties")

    def answers(self) -> bool:
        return brokers_of(self.bootstrap) > 0

    def _java(self, heap: str, *arguments: str) -> list[str]:
        # the parallel collectors would take both cores of a small machine from the program that is tested
        options = [f"-Xmx{heap}", "-XX:+UseSerialGC", "-Dlog4j.configuration=file:log4j.properties"]
        return ["java", *options, "-cp", f"{libraries()}/*", *arguments]


def version() -> str:
    """The version of Apache Kafka that the pom asks for."""
    names = {"m": "http://maven.apache.org/POM/4.0.0"}
    for dependency in ElementTree.parse(POM).iterfind("m:dependencies/m:dependency", names):
        if dependency.findtext("m:artifactId", namespaces=names) == "kafka_2.13":
            return dependency.findtext("m:version", default="", namespaces=names)
    raise ServiceError(f"{POM.relative_to(ROOT)} does not name the artifact kafka_2.13")


@cache
def libraries() -> Path:
    """The folder with Apache Kafka's jars; downloaded by Maven when first asked for.

    Raises ServiceError if Maven cannot fetch them.
    """
    folder = _libraries_folder()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n")
    fresh = Path(tempfile.mkdtemp(prefix="kafka-", dir=folder.parent))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
    try:
        command = ["mvn", "-q", "-B", "-f", str(POM), *goal]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_SECONDS)
        if done.returncode != 0:
            raise ServiceError(f"Maven cannot fetch Apache Kafka:\n{(done.stdout + done.stderr)[-2000:]}")
        try:
            fresh.rename(folder)  # at once, so that a run beside this one never sees half of it
        except OSError:
            if not folder.is_dir():
                raise
    except subprocess.TimeoutExpired as error:
        raise ServiceError(f"Maven did not fetch Apache Kafka within {_DOWNLOAD_SECONDS} s") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _libraries_folder() -> Path:
    return ROOT / ".cache" / f"kafka-{version()}"


def _libraries_missing() -> str | None:
    if _libraries_folder().is_dir() or shutil.which("mvn"):
        return None
    return "Maven (mvn), which fetches Apache Kafka, is not installed"


@cache
def _java_missing() -> str | None:
    java = shutil.which("java")
    if java is None:
        return "Java is not installed"
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": ""}
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, env=environment)
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    if done.returncode != 0 or found is None:
        return "java -version fails"
    if int(found[1]) < _OLDEST_JAVA:
        return f"Java {found[1]} is too old: Apache Kafka needs {_OLDEST_JAVA} or newer"
    return None
