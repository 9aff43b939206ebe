"""What the services declare, what the gateway forwards, and what is written down are one thing."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from gateway.openapi import OWN, merge_openapi
from gateway.routes import ROUTES, RouteTable
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contract.conftest import Documents
from tests.gateway.conftest import Gateway

SERVICES = ("catalog", "imagery", "trainer", OWN)
TABLE = RouteTable()
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of a document."""
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield method, path, item[method]


@pytest.mark.parametrize("service", SERVICES)
def test_each_public_path_is_routed_to_the_service_that_declares_it(
    documents: Documents, service: str
) -> None:
    paths = list(documents[service]["paths"])
    assert paths, f"{service} declares no paths"
    for path in paths:
        route = TABLE.find(path)
        if path.startswith("/internal/"):
            assert route is None, f"{path} of {service} is for services only"
        else:
            assert (route.service if route else OWN) == service, path


@pytest.mark.parametrize("service", ["catalog", "imagery", "trainer"])
def test_a_service_has_routes_that_it_answers(documents: Documents, service: str) -> None:
    used = {TABLE.find(path) for path in documents[service]["paths"]}
    assert used & {route for route in ROUTES if route.service == service}


@pytest.mark.parametrize("service", ["catalog", "imagery", "trainer"])
def test_public_paths_stand_under_the_public_prefixes(documents: Documents, service: str) -> None:
    allowed = ("/api/v1/", "/iiif/3", "/dicomweb", "/compat/embed-server", "/internal/v1/")
    for path in documents[service]["paths"]:
        assert path.startswith(allowed), f"{service} declares {path}"


def test_the_merged_document_is_valid(documents: Documents) -> None:
    merged = merge_openapi(documents)
    OpenAPIV31SpecValidator(merged).validate()
    declared = {
        (method, path)
        for document in documents.values()
        for method, path, _ in operations(document)
        if not path.startswith("/internal/")
    }
    assert {(method, path) for method, path, _ in operations(merged)} == declared


def test_operation_ids_are_verb_noun_and_unique(documents: Documents) -> None:
    merged = merge_openapi(documents)
    identifiers = [operation["operationId"] for _, _, operation in operations(merged)]
    assert len(identifiers) == len(set(identifiers))
    for identifier in identifiers:
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", identifier), identifier
        assert identifier.split("_")[0] not in SERVICES, f"{identifier} stands in two services"


def test_every_failure_is_described_as_a_problem(documents: Documents) -> None:
    merged = merge_openapi(documents)
    for method, path, operation in operations(merged):
        for status, answer in operation["responses"].items():
            if status.startswith(("4", "5")):
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (method, path, status)


def test_the_running_gateway_serves_the_same_document(lab: Gateway, documents: Documents) -> None:
    served = lab.anonymous().get("/api/openapi.json")
    assert served.status_code == 200
    assert served.json() == merge_openapi(documents)
