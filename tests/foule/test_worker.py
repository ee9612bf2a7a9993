"""A worker that starts before its broker waits for it, and says so; one that finds no topics says what to do."""

from pathlib import Path

import pytest

from config.errors import KeyStoreError, ServiceError, TopicsError, UnreachableError
from config.sections import IndicatorsSettings, KeysSettings, TimeSettings
from config.settings import Settings, load
from foule.commands import worker
from foule.commands.worker import require_memory_only, require_topics
from foule.several_days import consequences
from streams.keystore import RedisKeyStore, Way
from tests.conftest import SettingsMaker


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_RETRY_AFTER", 0.001)


class Kafka:
    """In place of the check of the topics: raises each of the errors, then finds these problems."""

    def __init__(self, *errors: ServiceError, problems: tuple[str, ...] = ()) -> None:
        self.errors = list(errors)
        self.problems = list(problems)

    def __call__(self, settings: Settings) -> list[str]:
        if self.errors:
            raise self.errors.pop(0)
        return self.problems


def test_a_broker_that_is_not_there_is_waited_for_and_named_from_time_to_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = UnreachableError("Kafka does not answer at kafka:9092: Connection refused")
    kafka = Kafka(*[away] * 50, ServiceError("it is starting up"), away)
    monkeypatch.setattr(worker, "check", kafka)
    require_topics(Settings())
    assert kafka.errors == []
    assert [record.getMessage() for record in caplog.records] == [f"{away}; the worker waits"]
    kafka.errors, kafka.problems = [away] * 50, []
    monkeypatch.setattr(worker, "_REPEAT_AFTER", 0.0)
    caplog.clear()
    require_topics(Settings())
    assert len(caplog.records) == 50


def test_what_takes_connections_and_never_answers_as_kafka_does_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_STARTS_WITHIN", 0.05)
    monkeypatch.setattr(worker, "check", Kafka(*[ServiceError("does not let foule in")] * 100_000))
    with pytest.raises(ServiceError, match="does not let foule in"):
        require_topics(Settings())


def test_missing_topics_are_an_error_that_says_how_to_make_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "check", Kafka(problems=("topic events is missing",)))
    with pytest.raises(TopicsError, match=r"topic events is missing\n.*foule topics"):
        require_topics(Settings())


def test_a_worker_finds_the_run_s_broker(settings_for: SettingsMaker, tmp_path: Path) -> None:
    with pytest.raises(TopicsError, match="foule topics"):
        require_topics(load(settings_for(tmp_path)))


class Store(RedisKeyStore):
    """In place of a key store: does not answer so often, then is found to be so."""

    def __init__(self, *ways: Way, silent: int = 0) -> None:
        self.ways = list(ways)
        self.silent = silent

    def persistence(self) -> list[Way]:
        self.silent -= 1
        if self.silent >= 0:
            raise KeyStoreError("the key store does not answer")
        return self.ways


APPENDING = Way("append-only file", "writes every change to an append-only file", "set appendonly no")


def test_a_key_store_that_writes_to_disk_is_refused_unless_that_is_accepted_by_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    require_memory_only(Store(), Settings())
    with pytest.raises(
        KeyStoreError, match=r"6380/0 \(keys.url\) writes every change .*: set appendonly no, or accept"
    ):
        require_memory_only(Store(APPENDING), accepting("snapshots", "replicas", "unknown"))
    with pytest.raises(KeyStoreError, match="has replicas"):
        require_memory_only(
            Store(APPENDING, Way("replicas", "has replicas", "take them away")), accepting(APPENDING.risk)
        )
    caplog.clear()
    require_memory_only(Store(APPENDING), accepting(APPENDING.risk))
    [line] = caplog.records
    assert line.levelname == "WARNING"
    assert line.getMessage().endswith("writes every change to an append-only file: accepted (keys.accept_risks)")


def accepting(*risks: str) -> Settings:
    return Settings(keys=KeysSettings(accept_risks=risks))


def test_a_key_store_that_does_not_answer_is_waited_for_and_named_from_time_to_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    require_memory_only(Store(silent=50), Settings())
    assert [line.getMessage() for line in caplog.records] == ["the key store does not answer; the worker waits"]


class Stopping:
    """In place of an application that was told to stop, or has crashed, and never ends."""

    def __init__(self, crash_reason: Exception | None) -> None:
        self.crash_reason = crash_reason
        self.should_stop = True


@pytest.mark.parametrize(("reason", "code"), [(None, 0), (RuntimeError("x"), 1)])
def test_a_worker_that_does_not_come_to_its_end_is_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, reason: Exception | None, code: int
) -> None:
    ended: list[int] = []

    def end(code: int) -> None:
        ended.append(code)
        raise SystemExit

    monkeypatch.setattr("os._exit", end)
    monkeypatch.setattr(worker, "_STOP_WITHIN", 0.01)
    monkeypatch.setattr(worker, "_STUCK_AFTER", 0.01)
    with pytest.raises(SystemExit):
        worker._end_if_stuck(Stopping(reason))  # type: ignore[arg-type]
    assert ended == [code]
    assert len(caplog.records) == 1


def test_an_epoch_of_several_days_is_a_warning_that_names_what_is_to_be_approved(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker.warn_of_several_days(Settings())
    assert caplog.records == []
    settings = Settings(time=TimeSettings(epoch_days=7), indicators=IndicatorsSettings(usual=True))
    worker.warn_of_several_days(settings)
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    said = [record.getMessage() for record in caplog.records]
    assert said[0].startswith("time.epoch_days is 7, not 1: a data protection officer must approve")
    assert said[1:] == [f"time.epoch_days: {sentence}" for sentence in consequences(settings)]
