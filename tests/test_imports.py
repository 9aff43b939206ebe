"""Imports point one way: service to chassis, never sideways; torch only below the worker."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SOURCES = {
    "chassis": ROOT / "services/chassis/src/chassis",
    "catalog": ROOT / "services/catalog/src/catalog",
    "imagery": ROOT / "services/imagery/src/imagery",
    "trainer": ROOT / "services/trainer/src/trainer",
    "gateway": ROOT / "gateway/src/gateway",
    "embedlab": ROOT / "client/src/embedlab",
    "devstack": ROOT / "devstack/src/devstack",
}

MAY_IMPORT = {
    "chassis": set[str](),
    "catalog": {"chassis"},
    "imagery": {"chassis"},
    "trainer": {"chassis"},
    "gateway": {"chassis"},
    "embedlab": set[str](),
    "devstack": {"chassis"},
}

WITHOUT_TORCH = [
    "catalog.app",
    "imagery.app",
    "trainer.app",
    "gateway.app",
    "embedlab.cli",
    "devstack.cli",
]


def imported_packages(path: Path) -> Iterator[str]:
    """Top-level names that a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", SOURCES)
def test_imports_point_one_way(package: str) -> None:
    modules = list(SOURCES[package].rglob("*.py"))
    assert modules, f"{package} has no modules"
    forbidden = set(SOURCES) - MAY_IMPORT[package] - {package}
    wrong = [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules
        for name in imported_packages(module)
        if name in forbidden
    ]
    assert not wrong


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_only_the_worker_imports_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
