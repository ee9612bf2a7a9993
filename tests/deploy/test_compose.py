"""The compose file has what production needs, and its parts fit each other and the settings."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import load, require_layers

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("kafka", "redis", "keys", "topics", "worker-1", "worker-2", "prometheus")
WORKERS = ("worker-1", "worker-2")


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    compose: dict[str, Any] = read("docker-compose.yml")
    return dict(compose["services"])


def compose_client() -> list[str] | None:
    """The compose client of this machine, if there is one; it needs no engine to check a file."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            answer = subprocess.run([*command, "version"], capture_output=True, check=False)
            if answer.returncode == 0:
                return command
    return None


def test_the_compose_client_accepts_the_file() -> None:
    client = compose_client()
    if client is None:
        pytest.skip("neither docker compose nor docker-compose is installed")
    answer = subprocess.run(
        [*client, "-f", "docker-compose.yml", "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def test_every_part_is_there(services: dict[str, Any]) -> None:
    assert sorted(services) == sorted(SERVICES)
    assert services["worker-1"] == services["worker-2"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_few_rights(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert str(service["user"]).partition(":")[0] not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged", False)


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "topics"])
def test_a_service_that_stays_says_whether_it_is_well(services: dict[str, Any], name: str) -> None:
    check = services[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize("name", SERVICES)
def test_no_port_is_open_to_the_network(services: dict[str, Any], name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services[name].get("ports", []))


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ("topics", *WORKERS)])
def test_an_image_is_pinned_to_a_version(services: dict[str, Any], name: str) -> None:
    version = services[name]["image"].partition(":")[2]
    assert any(character.isdigit() for character in version)


def test_kafka_runs_without_zookeeper_and_makes_no_topic_by_accident(services: dict[str, Any]) -> None:
    environment = services["kafka"]["environment"]
    assert environment["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert not any("ZOOKEEPER" in name for name in environment)
    assert environment["KAFKA_LOG_DIRS"] in [mount.split(":")[1] for mount in services["kafka"]["volumes"]]


def test_the_released_numbers_outlive_a_restart(services: dict[str, Any]) -> None:
    command = services["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert "/data" in [mount.split(":")[1] for mount in services["redis"]["volumes"]]


def test_the_keys_reach_no_disk_and_nobody_but_the_workers(services: dict[str, Any]) -> None:
    keys = services["keys"]
    command = keys["command"]
    assert command[command.index("--save") + 1] == ""
    assert command[command.index("--appendonly") + 1] == "no"
    # the image declares a volume at /data, which must not become one on disk
    assert keys["tmpfs"] == ["/data"]
    assert keys["read_only"] is True
    assert "volumes" not in keys
    assert "ports" not in keys
    # as much swap in all as memory: none
    assert keys["memswap_limit"] == keys["mem_limit"]
    assert keys["networks"] == ["keys"]
    assert {name for name in SERVICES if "keys" in services[name].get("networks", [])} == {"keys", *WORKERS}
    assert read("docker-compose.yml")["networks"]["keys"] == {"internal": True}


def test_topics_are_made_once_before_a_worker_starts(services: dict[str, Any]) -> None:
    topics = services["topics"]
    assert topics["command"][0] == "topics"
    assert topics["restart"] in ("no", "on-failure")
    assert topics["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert services["worker-1"]["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "topics": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
        "keys": {"condition": "service_healthy"},
    }


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_is_in_the_repository(services: dict[str, Any], name: str) -> None:
    named = set(read("docker-compose.yml")["volumes"])
    for mount in services[name].get("volumes", []):
        source, _, target = mount.partition(":")
        if source not in named:
            assert (ROOT / source).exists(), mount
            assert target.endswith(":ro"), mount


def test_the_mounted_settings_load_and_their_zones_are_mounted_beside_them(services: dict[str, Any]) -> None:
    worker = services["worker-1"]
    mounts = {target.split(":")[0]: source for source, _, target in map(_parts, worker["volumes"])}
    path = worker["command"][worker["command"].index("--settings") + 1]
    settings = load(ROOT / mounts[path], worker["environment"])
    require_layers(settings)
    folder = ROOT / mounts[f"{Path(path).parent}/zones"]
    files = [settings.zones.cells, *(layer.file for layer in settings.zones.layers)]
    for file in files:
        assert file is not None
        assert file.parent == ROOT / "deploy" / "zones"
        assert (folder / file.name).is_file()
    assert settings.kafka.bootstrap.partition(":")[0] == "kafka"
    assert settings.redis.url.reveal() == "redis://redis:6379/0"
    assert settings.keys.url.reveal() == "redis://keys:6379/0"
    assert settings.metrics.host == "0.0.0.0"


def test_prometheus_reads_every_worker(services: dict[str, Any]) -> None:
    jobs = read("deploy/prometheus.yml")["scrape_configs"]
    targets = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    port = load(ROOT / "deploy" / "foule.toml", {}).metrics.port
    assert sorted(targets) == [f"{worker}:{port}" for worker in WORKERS]
    assert set(services["prometheus"]["depends_on"]) == set(WORKERS)
    assert f":{port}/metrics" in str(services["worker-1"]["healthcheck"]["test"])


def _parts(mount: str) -> tuple[str, str, str]:
    return mount.partition(":")
