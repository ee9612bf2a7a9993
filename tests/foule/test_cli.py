"""The command line: commands load when used, errors end it in plain words with the right status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.errors import ServiceError, ZonesError
from config.settings import load
from foule import cli
from foule.cli import main
from foule.server_process import free_port

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env=dict(environment))


def run_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_help_names_every_command_and_loads_none() -> None:
    program = (
        "import sys\n"
        "from foule.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "loaded = {'faust', 'numpy', 'kafka', 'redis', 'pyarrow', 'shapely'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = run_process("-c", program)
    assert (done.returncode, done.stderr) == (0, "")
    for name in (
        "demo",
        "worker",
        "topics",
        "replay",
        "simulate",
        "batch",
        "export",
        "watch",
        "explain",
        "doctor",
        "privacy-report",
        "settings",
    ):
        assert f"\n  {name} " in done.stdout


def test_python_m_foule_is_the_same_command() -> None:
    done = run_process("-m", "foule", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: foule [OPTIONS] COMMAND")


def test_the_version_is_printed() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.output.startswith("foule ")


def test_an_unknown_command_is_a_usage_error() -> None:
    result = run("counts")
    assert result.exit_code == 2
    assert "No such command 'counts'" in result.stderr


def test_every_problem_of_the_settings_is_printed_and_the_status_is_2(tmp_path: Path) -> None:
    file = tmp_path / "foule.toml"
    file.write_text("[privacy]\nk = 3\n\n[topics]\npartitions = 0\n")
    result = run("settings", "--settings", str(file))
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"foule: {file}: ") for line in lines)
    assert any("privacy.k = 3" in line for line in lines)
    assert any("topics.partitions = 0" in line for line in lines)


def test_another_error_of_foule_is_one_message_without_traceback_and_the_status_is_1() -> None:
    address = f"127.0.0.1:{free_port()}"
    result = run("topics", "--check", FOULE_KAFKA__BOOTSTRAP=address)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"foule: Kafka does not answer at {address}: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("error", [ZonesError("zones.csv: no column cell"), ServiceError("no answer")])
def test_errors_that_are_not_of_the_settings_end_with_status_1(error: ServiceError | ZonesError) -> None:
    assert cli.Failure(error).exit_code == 1


def test_the_settings_file_may_come_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "foule.toml"
    file.write_text('[kafka]\ngroup = "from-the-file"\n')
    shown = json.loads(run("settings", "--json", FOULE_SETTINGS=str(file)).stdout)
    assert shown["kafka"]["group"] == "from-the-file"


def test_printed_settings_mask_secrets_and_load_again(tmp_path: Path) -> None:
    file = tmp_path / "foule.toml"
    file.write_text('[kafka]\npassword = "correct horse"\n\n[redis]\nurl = "redis://:battery@127.0.0.1:1/0"\n')
    for arguments in (["settings"], ["settings", "--json"]):
        result = run(*arguments, "--settings", str(file))
        assert result.exit_code == 0
        assert "horse" not in result.output
        assert "battery" not in result.output
    printed = tmp_path / "printed.toml"
    printed.write_text(run("settings", "--settings", str(file)).stdout)
    assert load(printed, environ={}).kafka.password.reveal() == "***"
