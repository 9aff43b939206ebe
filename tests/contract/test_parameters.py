"""Query parameters as the merged OpenAPI declares them: one value once, times with their zone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import Gateway

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
METHODS = ("get", "post", "put", "patch", "delete")


def declared() -> Iterator[tuple[str, str, str, list[dict[str, Any]]]]:
    """(method, path, name, schemas it may fit) of each query parameter."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            for parameter in item.get(method, {}).get("parameters", ()):
                if parameter["in"] == "query":
                    schema = parameter["schema"]
                    yield method, path, parameter["name"], schema.get("anyOf", [schema])


ONE = [d[:3] for d in declared() if not any(s.get("type") == "array" for s in d[3])]
TIMES = [d[:3] for d in declared() if any(s.get("format") == "date-time" for s in d[3])]


@pytest.fixture(scope="module")
def admin(lab: Gateway) -> httpx.Client:
    return lab.with_token("admin")


def faults(admin: httpx.Client, method: str, path: str, query: str) -> list[str]:
    """The fields at fault, as the answer names them."""
    answer = admin.request(method, f"{path.replace('{', '').replace('}', '')}?{query}")
    assert answer.status_code == 422, answer.text
    return [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(("method", "path", "name"), ONE)
def test_a_parameter_of_one_value_is_refused_when_repeated(
    admin: httpx.Client, method: str, path: str, name: str
) -> None:
    assert faults(admin, method, path, f"{name}=1&{name}=1") == [name]


@pytest.mark.parametrize(("method", "path", "name"), TIMES)
@pytest.mark.parametrize("given", ["0", "1e9", "2026-11-22", "2026-11-22T09:30:00", "T"])
def test_times_are_rfc_3339(
    admin: httpx.Client, method: str, path: str, name: str, given: str
) -> None:
    assert faults(admin, method, path, f"{name}={given}") == [name]


@pytest.mark.parametrize("given", ["2026-11-22T09:30:00Z", "2026-11-22t09:30:00.5%2B02:00"])
def test_a_time_with_its_zone_is_taken(admin: httpx.Client, given: str) -> None:
    assert admin.get(f"/api/v1/audit?since={given}").status_code == 200
