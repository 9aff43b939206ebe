"""The list of the stack's processes: complete, consistent, and settings that the services know."""

import importlib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from devstack.environment import service_environments
from devstack.folder import StackFolder
from devstack.processes import Process
from devstack.servers import keep_ports, make_servers
from devstack.stack import build_stack
from pydantic_settings import BaseSettings

SETTINGS = {
    "catalog": "Settings",
    "imagery": "ImagerySettings",
    "trainer": "TrainerSettings",
    "gateway": "Settings",
}


@pytest.fixture
def folder(tmp_path: Path) -> StackFolder:
    made = StackFolder(tmp_path / ".devstack")
    made.create()
    # So that root's PostgreSQL, which could not enter here, is not given a folder of its own.
    (made.root / "postgres-folder").write_text(str(made.root / "postgres"))
    return made


@pytest.fixture
def stack(folder: StackFolder) -> list[Process]:
    ports = keep_ports(folder)
    return build_stack(folder, make_servers(folder, ports), ports, 8080, demo=True)


def test_every_order_can_be_kept(stack: list[Process]) -> None:
    names = [p.name for p in stack]
    assert len(set(names)) == len(names)
    starts = list(TopologicalSorter({p.name: p.needs for p in stack}).static_order())
    stops = list(TopologicalSorter({p.name: (*p.needs, *p.uses) for p in stack}).static_order())
    assert sorted(starts) == sorted(stops) == sorted(names)
    for name in ("catalog", "imagery", "trainer"):
        assert stops.index("postgres") < stops.index(name) < stops.index("gateway")


def test_the_demo_comes_once(folder: StackFolder, stack: list[Process]) -> None:
    assert {"demo-data", "demo", "people", "demo-patches"} <= {p.name for p in stack}
    folder.demo_mark.touch()
    ports = keep_ports(folder)
    again = build_stack(folder, make_servers(folder, ports), ports, 8080, demo=True)
    assert {p.name for p in again} & {"demo-data", "demo"} == set()


def test_ports_and_passwords_are_kept(folder: StackFolder) -> None:
    first, second = keep_ports(folder), keep_ports(folder)
    assert first == second
    assert len(set(first.values())) == len(first)
    assert make_servers(folder, first) == make_servers(folder, second)


@pytest.mark.parametrize("service", sorted(SETTINGS))
def test_a_service_knows_every_setting_it_is_given(
    service: str, folder: StackFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = keep_ports(folder)
    given = service_environments(folder, make_servers(folder, ports), ports)[service]
    known: type[BaseSettings] = getattr(
        importlib.import_module(f"{service}.settings"), SETTINGS[service]
    )
    wanted = {f"{service.upper()}_{name.upper()}" for name in known.model_fields}
    assert given.keys() - wanted == set()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert known().model_fields_set  # complete: nothing required is missing


def test_no_secret_stands_in_an_argument(folder: StackFolder, stack: list[Process]) -> None:
    secrets = folder.secrets("postgres", "broker", "cache", "s3_secret_access_key").values()
    arguments = [argument for p in stack for argument in p.command.argv]
    assert not [a for a in arguments if any(secret in a for secret in secrets)]
