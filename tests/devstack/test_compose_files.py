"""The compose files say what the services can be told, and nothing may write beside its volumes."""

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


@pytest.mark.parametrize(("file", "service"), [*TRAINERS, (FILES[1], "worker")])
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
    ]
    assert {source.rpartition(":-")[2].rstrip("}") for source in sources} == set(told["volumes"])
