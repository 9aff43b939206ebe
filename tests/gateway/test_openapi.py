"""Merging descriptions: nothing lost, nothing confused, nothing internal."""

from typing import Any

import pytest
from gateway.openapi import merge_openapi
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.gateway.conftest import Gateway


def _document(paths: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}}


def _get(name: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    content = {"application/json": {"schema": reference}}
    return {
        "get": {"operationId": name, "responses": {"200": {"description": "", "content": content}}}
    }


def _schema_of(document: dict[str, Any], path: str) -> str:
    answer = document["paths"][path]["get"]["responses"]["200"]
    return answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]


TEXT = {"type": "object", "properties": {"a": {"type": "string"}}}
NUMBER = {"type": "object", "properties": {"a": {"type": "number"}}}


def test_equal_components_are_shared() -> None:
    merged = merge_openapi(
        {
            "catalog": _document({"/api/v1/filters": _get("list_filters", "Thing")}, Thing=TEXT),
            "trainer": _document({"/api/v1/jobs": _get("list_jobs", "Thing")}, Thing=dict(TEXT)),
        }
    )
    assert list(merged["components"]["schemas"]) == ["Thing"]


def test_different_components_of_one_name_get_their_service_s() -> None:
    merged = merge_openapi(
        {
            "catalog": _document({"/api/v1/filters": _get("list_filters", "Thing")}, Thing=TEXT),
            "trainer": _document({"/api/v1/jobs": _get("list_jobs", "Thing")}, Thing=NUMBER),
        }
    )
    assert _schema_of(merged, "/api/v1/filters") == "CatalogThing"
    assert _schema_of(merged, "/api/v1/jobs") == "TrainerThing"
    schemas = merged["components"]["schemas"]
    assert (schemas["CatalogThing"], schemas["TrainerThing"]) == (TEXT, NUMBER)


def test_a_component_that_refers_to_different_ones_is_different_too() -> None:
    page = {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}
    merged = merge_openapi(
        {
            "catalog": _document(
                {"/api/v1/filters": _get("list_filters", "List")}, List=page, Thing=TEXT
            ),
            "trainer": _document(
                {"/api/v1/jobs": _get("list_jobs", "List")}, List=dict(page), Thing=NUMBER
            ),
        }
    )
    schemas = merged["components"]["schemas"]
    assert schemas["CatalogList"]["items"] == {"$ref": "#/components/schemas/CatalogThing"}
    assert schemas["TrainerList"]["items"] == {"$ref": "#/components/schemas/TrainerThing"}


def test_cyclic_components_come_through() -> None:
    tree = {"type": "object", "properties": {"in": {"$ref": "#/components/schemas/Tree"}}}
    merged = merge_openapi(
        {"catalog": _document({"/api/v1/filters": _get("list_filters", "Tree")}, Tree=tree)}
    )
    assert merged["components"]["schemas"] == {"Tree": tree}


def test_internal_paths_and_what_only_they_use_are_left_out() -> None:
    document = _document(
        {
            "/api/v1/filters": _get("list_filters", "Thing"),
            "/internal/v1/image-sources": _get("find_sources", "Secret"),
            "/openapi.json": _get("describe", "Secret"),
        },
        Thing=TEXT,
        Secret=NUMBER,
    )
    merged = merge_openapi({"catalog": document})
    assert list(merged["paths"]) == ["/api/v1/filters"]
    assert list(merged["components"]["schemas"]) == ["Thing"]


def test_a_path_of_another_service_is_left_out() -> None:
    document = _document({"/api/v1/jobs": _get("list_jobs", "Thing")}, Thing=TEXT)
    assert merge_openapi({"catalog": document})["paths"] == {}


def test_operation_ids_stay_unique() -> None:
    merged = merge_openapi(
        {
            "catalog": _document({"/api/v1/filters": _get("list_all", "Thing")}, Thing=TEXT),
            "trainer": _document({"/api/v1/jobs": _get("list_all", "Thing")}, Thing=TEXT),
        }
    )
    identifiers = {item["get"]["operationId"] for item in merged["paths"].values()}
    assert identifiers == {"catalog_list_all", "trainer_list_all"}


def test_what_a_stream_holds_is_kept_as_an_extension() -> None:
    content = {"text/event-stream": {"itemSchema": {"$ref": "#/components/schemas/Thing"}}}
    answers = {"200": {"description": "", "content": content}}
    document = _document(
        {"/api/v1/jobs/events": {"get": {"operationId": "watch_jobs", "responses": answers}}},
        Thing=TEXT,
    )
    merged = merge_openapi({"trainer": document})
    OpenAPIV31SpecValidator(merged).validate()
    kept = merged["paths"]["/api/v1/jobs/events"]["get"]["responses"]["200"]["content"]
    assert list(kept["text/event-stream"]) == ["x-item-schema"]
    assert list(merged["components"]["schemas"]) == ["Thing"]


def test_the_documents_given_are_left_as_they_are() -> None:
    given = _document({"/api/v1/filters": _get("list_filters", "Thing")}, Thing=TEXT)
    merge_openapi({"catalog": given})
    assert "tags" not in given["paths"]["/api/v1/filters"]["get"]


def test_our_own_description_is_valid(gateway: Gateway) -> None:
    merged = merge_openapi({"gateway": gateway.app.openapi()})
    OpenAPIV31SpecValidator(merged).validate()
    assert {"/api/v1/session", "/api/v1/me", "/api/v1/tokens", "/api/v1/audit"} <= set(
        merged["paths"]
    )
    sign_in = merged["paths"]["/api/v1/session"]["post"]
    assert sign_in["security"] == []
    assert "security" not in merged["paths"]["/api/v1/me"]["get"]


def test_the_description_names_the_service_that_is_away(start_gateway: Any) -> None:
    gateway = start_gateway(imagery_url="http://127.0.0.1:9")
    answer = gateway.anonymous().get("/api/openapi.json")
    assert answer.status_code == 503
    assert "imagery" in answer.json()["title"]


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/docs.js", "/api/docs/docs.css"])
def test_the_docs_load_nothing_from_elsewhere(gateway: Gateway, path: str) -> None:
    answer = gateway.anonymous().get(path)
    assert answer.status_code == 200
    assert "https://" not in answer.text
    assert "http://" not in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
