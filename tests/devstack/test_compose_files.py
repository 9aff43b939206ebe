"""The compose files say what the services can be told, and nothing may write beside its volumes."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from catalog.settings import Settings as CatalogSettings
from gateway.settings import Settings as GatewaySettings
from imagery.settings import ImagerySettings
from pydantic_settings import BaseSettings
from trainer.settings import TrainerSettings

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "docker-compose.worker.yml")
SETTINGS: dict[str, type[BaseSettings]] = {
    "CATALOG_": CatalogSettings,
    "GATEWAY_": GatewaySettings,
    "IMAGERY_": ImagerySettings,
    "TRAINER_": TrainerSettings,
}
TRAINERS = [(FILES[0], "trainer"), (FILES[0], "worker"), (FILES[0], "worker-gpu")]
ELSEWHERE = [(FILES[1], "worker"), (FILES[1], "worker-gpu")]


def read(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_variable_and_secret_is_a_setting_of_its_service(file: str) -> None:
    told = [
        variable.upper()
        for service in read(file)["services"].values()
        for variable in (*service.get("environment", ()), *service.get("secrets", ()))
    ]
    ours = [(v, prefix) for v in told for prefix in SETTINGS if v.startswith(prefix)]
    assert ours
    unknown = {
        variable
        for variable, prefix in ours
        if variable.removeprefix(prefix).lower() not in SETTINGS[prefix].model_fields
    }
    assert not unknown


@pytest.mark.parametrize("file", FILES)
def test_our_containers_have_read_only_file_systems(file: str) -> None:
    services = read(file)["services"]
    ours = {name: s for name, s in services.items() if s["image"].startswith("embedlab/")}
    running = {name: service for name, service in ours.items() if name != "keys"}
    assert running
    for name, service in running.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name


@pytest.mark.parametrize(("file", "service"), [*TRAINERS, *ELSEWHERE])
def test_api_and_workers_read_one_folder_of_arrays(file: str, service: str) -> None:
    told = read(file)
    container = told["services"][service]
    assert container["environment"]["TRAINER_ARRAYS"] == "/arrays"
    assert "${ARRAYS:-arrays}:/arrays:ro" in container["volumes"]
    assert "arrays" in told["volumes"]


@pytest.mark.parametrize("file", FILES)
def test_every_named_volume_is_declared(file: str) -> None:
    told = read(file)
    sources = [
        volume.rpartition(":/")[0]
        for service in told["services"].values()
        for volume in service.get("volumes", ())
        if not volume.startswith("./")
    ]
    assert {source.rpartition(":-")[2].rstrip("}") for source in sources} == set(told["volumes"])


def test_only_the_gateway_and_the_proxy_before_it_are_published() -> None:
    services = read(FILES[0])["services"]
    assert {name for name, service in services.items() if "ports" in service} == {
        "gateway", "caddy",
    }  # fmt: skip


def test_workers_of_other_hosts_are_let_in_at_one_address() -> None:
    for name, service in read("docker-compose.hosts.yml")["services"].items():
        assert name in read(FILES[0])["services"]
        assert list(service) == ["ports"]
        assert all(port.startswith("${PRIVATE_ADDRESS") for port in service["ports"])


def run(script: str, home: Path, *arguments: object) -> None:
    """Run a copy of a script whose repository is ``home``, with a Docker that says "said"."""
    docker = home / "bin" / "docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text("#!/bin/sh\necho said\n")
    docker.chmod(0o755)
    (home / "scripts").mkdir(exist_ok=True)
    copied = shutil.copy(ROOT / "scripts" / script, home / "scripts" / script)
    environment = {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
    subprocess.run([copied, *map(str, arguments)], env=environment, check=True)


def secret_files(file: str) -> set[str]:
    """Names that a compose file has secrets under."""
    return {Path(secret["file"]).name for secret in read(file)["secrets"].values()}


def test_every_secret_is_written_once(tmp_path: Path) -> None:
    run("secrets", tmp_path)
    written = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert secret_files(FILES[0]) <= set(written)
    assert all(written.values())
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    run("secrets", tmp_path)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == written


def test_a_worker_s_host_gets_what_its_compose_file_reads(tmp_path: Path) -> None:
    run("secrets", tmp_path)
    made = tmp_path / "made"
    run("worker-host", tmp_path, "10.0.0.5", made)
    assert {file.name for file in (made / "secrets").iterdir()} == secret_files(FILES[1])
    assert "@10.0.0.5:5432/" in (made / "secrets" / "trainer_database_url").read_text()
    assert "@10.0.0.5:6379/" in (made / "secrets" / "trainer_broker_url").read_text()
    told = dict(line.split("=", 1) for line in (made / ".env").read_text().splitlines())
    assert told["CATALOG_URL"] == "http://10.0.0.5:8001"
    assert made.stat().st_mode & 0o077 == 0
