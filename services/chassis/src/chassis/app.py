"""The application factory that every service builds on."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)

from chassis.health import Check, health_router
from chassis.identity import Verifier
from chassis.middleware import HttpMetrics, IdentityMiddleware, LoopLag, RequestMiddleware
from chassis.parameters import refuse_repeats
from chassis.problems import ProblemBody, install_problem_handlers, problem_responses
from chassis.tasks import beside

OPEN_PATHS = ("/livez", "/readyz", "/metrics")

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_service_app(
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    lifespan: Lifespan,
    checks: dict[str, Check],
    identity_jwks: Path | None,
) -> FastAPI:
    """A service: routes, health, metrics, problems, and identity where a key set is given.

    ``lifespan`` opens what the service needs and puts it on ``app.state``; ``checks`` (name to
    coroutine function) may be filled by it. ``identity_jwks`` None leaves identity to the routes,
    which only the gateway does.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    lag = LoopLag(registry)

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app), beside(lag.watch(), "event loop lag"):
            yield

    app = FastAPI(
        title=title,
        description=description,
        version="1",
        lifespan=opened,
        dependencies=[Depends(refuse_repeats)],
        docs_url=None,
        redoc_url=None,
        responses=problem_responses(400, 401, 403, 404, 422, 503),
        generate_unique_id_function=lambda route: route.name,
        # Measured here already; whether someone listens is looked up at every request otherwise.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.registry = registry
    for router in (health_router(checks), _metrics_router(registry), *routers):
        app.include_router(router)
    install_problem_handlers(app)
    _describe_problems(app)
    if identity_jwks is not None:
        app.add_middleware(
            IdentityMiddleware, verifier=Verifier(identity_jwks), open_paths=OPEN_PATHS
        )
    app.add_middleware(RequestMiddleware, metrics=HttpMetrics(registry), quiet=OPEN_PATHS)
    return app


def _metrics_router(registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _describe_problems(app: FastAPI) -> None:
    """Put the problem schema into the OpenAPI document, where all responses refer to it."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        return document

    app.openapi = described  # type: ignore[method-assign]
