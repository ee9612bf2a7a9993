"""The metrics: their names, labels and the address they are read from."""

from __future__ import annotations

import re
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from config.errors import ServiceError
from foule.server_process import free_port
from sinks.prometheus import Metrics

EXPECTED = {
    "foule_records_read_total",
    "foule_records_accepted_total",
    "foule_records_late_total",
    "foule_records_rejected_total",
    "foule_lag_records",
    "foule_lag_seconds",
    "foule_watermark_delay_seconds",
    "foule_unpublished_cells_total",
    "foule_released_windows_total",
    "foule_checkpoint_age_seconds",
    "foule_checkpoint_seconds_count",
    "foule_release_delay_seconds_count",
    "foule_recovery_seconds",
    "foule_offset_gaps_total",
    "foule_seeks_total",
    "foule_sink_errors_total",
    "foule_late_tallies_total",
}


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of which each was used once."""
    metrics = Metrics()
    for counter in (metrics.read, metrics.accepted, metrics.late, metrics.unpublished_cells):
        counter.inc(3)
    metrics.rejected.labels("bad_time").inc()
    for gauge in (metrics.lag_records, metrics.lag_seconds, metrics.watermark_delay_seconds):
        gauge.labels(0).set(1.5)
    metrics.checkpoint_age_seconds.labels(0).set(2)
    metrics.released_windows.labels("5m").inc()
    metrics.sink_errors.labels("redis").inc()
    metrics.checkpoint_seconds.observe(0.2)
    metrics.release_delay_seconds.observe(130)
    return metrics


def samples(metrics: Metrics) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def test_every_metric_is_there_under_its_name(metrics: Metrics) -> None:
    assert samples(metrics).keys() >= EXPECTED
    assert all(name.startswith("foule_") for name in samples(metrics))


def test_every_reason_is_there_from_the_start() -> None:
    reasons = {labels["reason"] for labels in samples(Metrics())["foule_records_rejected_total"]}
    assert reasons == {"malformed", "missing_field", "bad_time", "future", "unknown_cell", "machine"}


def test_no_label_can_hold_a_zone_a_cell_or_a_person(metrics: Metrics) -> None:
    labels = {label for found in samples(metrics).values() for of_sample in found for label in of_sample}
    assert labels == {"partition", "reason", "width", "sink", "le"}


def test_two_workers_in_one_process_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()
    first.read.inc(5)
    assert second.registry.get_sample_value("foule_records_read_total") == 0


def test_a_given_registry_is_used() -> None:
    registry = CollectorRegistry()
    Metrics(registry).seeks.inc()
    assert registry.get_sample_value("foule_seeks_total") == 1


def test_prometheus_reads_from_the_port_until_it_is_closed(metrics: Metrics) -> None:
    port = free_port()
    metrics.serve("127.0.0.1", port)
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert re.search(r"^foule_records_read_total 3\.0$", answer.read().decode(), re.MULTILINE)
        with pytest.raises(ServiceError, match=rf"127\.0\.0\.1:{port} \(metrics\.host, metrics\.port\)"):
            Metrics().serve("127.0.0.1", port)
    finally:
        metrics.close()
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)


def test_port_zero_is_off(metrics: Metrics) -> None:
    metrics.serve("an address that does not exist", 0)
    metrics.close()
