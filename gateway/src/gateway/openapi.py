"""One OpenAPI document out of the gateway's own and each service's. Pure functions over JSON.

Only public paths that the route table sends to a service are taken from it. Components of the
same name that mean the same are shared; where they differ, each gets its service's name in front.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chassis.problems import problem_responses

from gateway.routes import RouteTable

Document = dict[str, Any]
Components = dict[tuple[str, str], Any]  # (section, name) to the component

OWN = "gateway"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_prefix = "#/components/"

SECURITY_SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": "embedlab_session"},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "elab_..."},
}
DESCRIPTION = (
    "Filter EMBED by clinical findings, look at the images, freeze cohorts, train models. "
    "Sign in with `POST /api/v1/session` (a cookie; send its `csrf_token` as `X-CSRF-Token` with "
    "POST, PUT, PATCH and DELETE), or send an API token as `Authorization: Bearer elab_...`."
)
# What the door refuses in a path, whatever the service behind it would take.
IN_PATHS = r"^[^\\\x00]+$"
OWN_ANSWERS = (400, 401, 403, 429, 431, 503, 504)
OF_BODIES = (408, 413)
_open_operations = frozenset(
    {
        ("post", "/api/v1/session"),
        ("post", "/api/v1/setup"),
        ("put", "/api/v1/password"),
        ("get", "/api/openapi.json"),
    }
)


def merge_openapi(documents: Mapping[str, Document]) -> Document:
    """The merged OpenAPI 3.1 document of services by name; `gateway` is our own.

    Raises ValueError where two services declare one path and method.
    """
    table = RouteTable()
    public = {name: _public_paths(name, document, table) for name, document in documents.items()}
    used = {
        name: _reachable(public[name], _components_of(document))
        for name, document in documents.items()
    }
    renamed = _renamed(used)
    paths: dict[str, dict[str, Any]] = {}
    operation_ids = _repeated_operation_ids(public)
    for name in documents:
        own_paths = _with_references(public[name], name, renamed)
        for path, item in own_paths.items():
            _mark_operations(name, path, item, operation_ids)
            _add_path(paths, path, item, name)
    for operation in _operations(paths):
        _declare_paths(operation)
    components = _merged_components(used, renamed)
    if "Problem" in components.get("schemas", {}):
        for operation in _operations(paths):
            _declare_own_answers(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "EMBED Lab", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"session": []}, {"token": []}],
        "tags": _tags(paths),
        "paths": dict(sorted(paths.items())),
        "components": components,
    }


def _public_paths(name: str, document: Document, table: RouteTable) -> dict[str, Any]:
    found = {}
    for path, item in document.get("paths", {}).items():
        route = table.find(path)
        if path.startswith("/internal/"):
            continue
        if (route.service if route else OWN) == name:
            found[path] = item
    return found


def _components_of(document: Document) -> Components:
    return {
        (section, name): component
        for section, members in document.get("components", {}).items()
        if section != "securitySchemes"
        for name, component in members.items()
    }


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Every component that ``value`` refers to."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key in ("$ref", "mapping"):
                for target in [part] if isinstance(part, str) else part.values():
                    section, _, name = target.removeprefix(_prefix).partition("/")
                    yield section, name
            else:
                yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def _reachable(paths: Mapping[str, Any], components: Components) -> Components:
    """The components that the public paths need, and no others."""
    found: Components = {}
    waiting = list(_references(paths))
    while waiting:
        key = waiting.pop()
        if key not in found and key in components:
            found[key] = components[key]
            waiting += _references(components[key])
    return found


def _renamed(used: Mapping[str, Components]) -> dict[tuple[str, str, str], str]:
    """(service, section, name) to its new name, for names that do not mean the same everywhere.

    A component that refers to a renamed one is another component too, so this spreads.
    """
    holders: dict[tuple[str, str], list[str]] = {}
    for service, components in used.items():
        for key in components:
            holders.setdefault(key, []).append(service)
    shared = {key: names for key, names in holders.items() if len(names) > 1}
    differing = {
        key for key, names in shared.items() if len({_text(used[n][key]) for n in names}) > 1
    }
    while True:
        spread = {
            key
            for key, names in shared.items()
            if any(part in differing for part in _references(used[names[0]][key]))
        }
        if spread <= differing:
            break
        differing |= spread
    return {
        (service, *key): f"{service.title()}{key[1]}"
        for key in differing
        for service in shared[key]
    }


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _with_references(value: Any, service: str, renamed: Mapping[tuple[str, str, str], str]) -> Any:
    """A copy of ``value`` that refers to components by their new names."""
    if isinstance(value, list):
        return [_with_references(part, service, renamed) for part in value]
    if not isinstance(value, dict):
        return value
    copy: Document = {}
    for key, part in value.items():
        if key == "$ref" and isinstance(part, str):
            copy[key] = _new_reference(part, service, renamed)
        elif key == "mapping" and isinstance(part, dict):
            copy[key] = {k: _new_reference(v, service, renamed) for k, v in part.items()}
        else:
            copy[key] = _with_references(part, service, renamed)
    return copy


def _new_reference(
    reference: str, service: str, renamed: Mapping[tuple[str, str, str], str]
) -> str:
    section, _, name = reference.removeprefix(_prefix).partition("/")
    new = renamed.get((service, section, name))
    return f"{_prefix}{section}/{new}" if new else reference


def _merged_components(
    used: Mapping[str, Components], renamed: Mapping[tuple[str, str, str], str]
) -> Document:
    merged: dict[str, dict[str, Any]] = {}
    for service, components in used.items():
        for (section, name), component in components.items():
            new = renamed.get((service, section, name), name)
            merged.setdefault(section, {})[new] = _with_references(component, service, renamed)
    ordered = {section: dict(sorted(members.items())) for section, members in merged.items()}
    return {**ordered, "securitySchemes": SECURITY_SCHEMES}


def _operations(paths: Mapping[str, Any]) -> Iterator[Document]:
    for item in paths.values():
        yield from (item[method] for method in METHODS if method in item)


def _repeated_operation_ids(public: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    seen: set[str] = set()
    repeated: set[str] = set()
    for paths in public.values():
        for operation in _operations(paths):
            identifier = operation.get("operationId", "")
            (repeated if identifier in seen else seen).add(identifier)
    return frozenset(repeated)


def _mark_operations(service: str, path: str, item: Document, repeated_ids: frozenset[str]) -> None:
    for method in METHODS:
        operation = item.get(method)
        if operation is None:
            continue
        operation.setdefault("tags", [service])
        if operation.get("operationId") in repeated_ids:
            operation["operationId"] = f"{service}_{operation['operationId']}"
        if (method, path) in _open_operations:
            operation["security"] = []
        _write_as_3_1(operation)


def _declare_paths(operation: dict[str, Any]) -> None:
    """Say what texts a path may hold, where the service says nothing of it."""
    for parameter in operation.get("parameters", ()):
        schema = parameter.get("schema", {})
        if parameter["in"] == "path" and schema.get("type") == "string":
            schema.setdefault("pattern", IN_PATHS)


def _declare_own_answers(operation: Document) -> None:
    """What the gateway may say in the place of any service: see `door.py` and `proxy.py`."""
    statuses = (*OWN_ANSWERS, *(OF_BODIES if "requestBody" in operation else ()))
    for status, answer in problem_responses(*statuses).items():
        operation.setdefault("responses", {}).setdefault(str(status), answer)


def _write_as_3_1(operation: Document) -> None:
    """`itemSchema` (what each event of a stream holds) is OpenAPI 3.2; 3.1 allows extensions."""
    for answer in operation.get("responses", {}).values():
        for media in answer.get("content", {}).values():
            if "itemSchema" in media:
                media["x-item-schema"] = media.pop("itemSchema")


def _add_path(paths: dict[str, dict[str, Any]], path: str, item: Document, service: str) -> None:
    known = paths.setdefault(path, {})
    for key, part in item.items():
        if key in known and key in METHODS:
            raise ValueError(f"{key.upper()} {path} is declared twice, also by {service}")
        known[key] = part


def _tags(paths: Mapping[str, Any]) -> list[dict[str, str]]:
    names = {tag for operation in _operations(paths) for tag in operation.get("tags", ())}
    return [{"name": name} for name in sorted(names)]
