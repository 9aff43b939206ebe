"""The trainer's API: experiments, jobs and what comes of them. It never imports torch."""

import functools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from chassis.app import Lifespan, create_service_app
from chassis.database import Database, install_database_handlers
from chassis.health import Check
from chassis.identity import Signer
from chassis.logs import configure_logging
from chassis.s3 import s3_client
from chassis.tasks import beside
from fastapi import FastAPI

from trainer import store
from trainer.catalog import open_http
from trainer.context import Context
from trainer.events import JobEvents
from trainer.gauges import QueueGauges, refresh_forever
from trainer.objects import Objects
from trainer.predictions import Predictors
from trainer.routes import artifacts, evaluations, experiments, jobs, models, purge, workers
from trainer.settings import TrainerSettings, settings_from_environment
from trainer.sweeper import sweep_forever
from trainer.wakeups import Wakeups
from trainer.webhooks import deliver_forever

DESCRIPTION = "Experiments as queued jobs: submit, follow, stop, and read what came of them."


def create_app(settings: TrainerSettings) -> FastAPI:
    """The application; connections open when it starts."""
    checks: dict[str, Check] = {}
    app = create_service_app(
        title="EMBED Lab trainer",
        description=DESCRIPTION,
        routers=[
            evaluations.router,
            experiments.router,
            jobs.router,
            artifacts.router,
            models.router,
            purge.router,
            workers.router,
        ],
        lifespan=_lifespan(settings, checks),
        checks=checks,
        identity_jwks=settings.identity_jwks,
    )
    install_database_handlers(app)
    return app


def app_from_environment() -> FastAPI:
    """The application with settings from the environment."""
    settings = settings_from_environment()
    configure_logging("trainer", settings.log_level)
    return create_app(settings)


def _lifespan(settings: TrainerSettings, checks: dict[str, Check]) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            context = await _open(settings, stack)
            app.state.context = context
            checks["database"] = context.database.check
            checks["broker"] = context.wakeups.check
            checks["objects"] = context.objects.check
            checks["worker"] = functools.partial(_find_worker, context.database)
            await stack.enter_async_context(beside(context.events.run(), "events"))
            sweeping = sweep_forever(context.database, context.wakeups, context.objects, settings)
            await stack.enter_async_context(beside(sweeping, "sweeper"))
            watching = refresh_forever(QueueGauges(app.state.registry), context.database)
            await stack.enter_async_context(beside(watching, "gauges"))
            telling = deliver_forever(context.database, settings)
            await stack.enter_async_context(beside(telling, "webhooks"))
            yield

    return lifespan


async def _open(settings: TrainerSettings, stack: AsyncExitStack) -> Context:
    database = Database(settings.database_url)
    stack.push_async_callback(database.close)
    wakeups = Wakeups(settings.broker_url)
    stack.push_async_callback(wakeups.close)
    client = await stack.enter_async_context(s3_client(settings))
    return Context(
        settings=settings,
        database=database,
        wakeups=wakeups,
        events=JobEvents(database, settings.database_url),
        objects=Objects(client, settings.artifact_bucket),
        http=await stack.enter_async_context(open_http()),
        signer=Signer(settings.signing_key, "trainer"),
        predictors=Predictors(settings.broker_url),
    )


async def _find_worker(database: Database) -> None:
    async with database.transaction() as session:
        await store.require_worker(session)
