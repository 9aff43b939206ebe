"""The catalog's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.app import create_service_app
from chassis.database import Database, install_database_handlers
from chassis.health import Check
from chassis.logs import configure_logging
from fastapi import FastAPI

from catalog.curation import Curation
from catalog.holder import ModelHolder
from catalog.routes import (
    cohorts,
    compat,
    datasets,
    exports,
    flags,
    freezing,
    internal,
    internal_dicom,
    purge,
    queries,
    recipes,
    records,
    search,
    statistics,
)
from catalog.settings import Settings
from catalog.supervisor import IngestSupervisor

ROUTES = (
    search,
    records,
    datasets,
    purge,
    freezing,  # its `preview` is no cohort's id
    cohorts,
    recipes,
    exports,
    flags,
    queries,
    statistics,
    compat,
    internal,
    internal_dicom,
)


def create_app(settings: Settings) -> FastAPI:
    """The catalog: EMBED's tables, joined right, answered at once."""
    checks: dict[str, Check] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings.database_url)
        holder = ModelHolder(database, settings.default_dataset, settings.refresh_s)
        supervisor = IngestSupervisor(settings, database, holder)
        app.state.settings = settings
        app.state.database = database
        app.state.holder = holder
        app.state.supervisor = supervisor
        app.state.curation = Curation(database)
        app.state.export_digests = {}
        checks["database"] = database.check
        try:
            async with holder.running(), supervisor.running():
                yield
        finally:
            await database.close()

    app = create_service_app(
        title="EMBED Lab catalog",
        description="EMBED's tables: ingest, filters, facets, records, cohorts.",
        routers=[module.router for module in ROUTES],
        lifespan=lifespan,
        checks=checks,
        identity_jwks=settings.identity_jwks,
    )
    install_database_handlers(app)
    return app


def app_from_environment() -> FastAPI:
    """For ``uvicorn --factory catalog.app:app_from_environment``."""
    settings = Settings()  # type: ignore[call-arg]  # from the environment
    configure_logging("catalog", settings.log_level)
    return create_app(settings)
