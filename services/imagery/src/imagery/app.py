"""The imagery service: S3 DICOM to pixels to pictures, through Valkey."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from chassis.app import create_service_app
from chassis.health import Check, disk_check
from chassis.logs import configure_logging
from chassis.s3 import s3_client
from fastapi import FastAPI
from starlette.middleware import Middleware

from imagery.archives.routes import router as archive_router
from imagery.audit import AuditSubject
from imagery.cache import router as cache_router
from imagery.catalog import CatalogSources
from imagery.cohorts import CohortMembers
from imagery.cross_origin import CrossOrigin
from imagery.decoding.pool import DecoderPool
from imagery.dicom.limits import Limits
from imagery.dicomweb import routes_rendered, routes_retrieve, routes_search
from imagery.dicomweb.directory import DicomDirectory
from imagery.faults import install_fault_handlers
from imagery.flow import Budgets, Imagery
from imagery.iiif.routes import router as iiif_router
from imagery.leaving import LeavingClients
from imagery.metrics import ImageryCollector
from imagery.objects.disk_cache import DiskCache
from imagery.objects.mirror import MirrorOrigin
from imagery.objects.ranged import object_session
from imagery.objects.s3 import S3Origin
from imagery.objects.store import ObjectStore
from imagery.purge import router as purge_router
from imagery.routes import router
from imagery.sending import SendingBudget
from imagery.settings import ImagerySettings
from imagery.shared_cache import SharedCache
from imagery.sources import SourceLookup
from imagery.studio import Studio
from imagery.warm import WarmPath, WarmUrls
from imagery.warming import Warming
from imagery.warming_routes import router as warming_router

# A file that hangs a decoder is found out, and remembered, before whoever asked is given up.
DECODE_SHARE = 0.5


DICOMWEB = (routes_search, routes_retrieve, routes_rendered)
ROUTERS = (
    router,
    warming_router,
    archive_router,
    purge_router,
    cache_router,
    iiif_router,
    *(m.router for m in DICOMWEB),
)


def create_app(settings: ImagerySettings, sources: SourceLookup | None = None) -> FastAPI:
    """The application. ``sources`` stands in for the catalog (imagery by itself)."""
    checks: dict[str, Check] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            shared = SharedCache(settings.cache_url)
            stack.push_async_callback(shared.close)
            pool = await _pool(settings, stack)
            studio = Studio(
                pool,
                settings.pixel_cache_bytes,
                settings.deadline_s * DECODE_SHARE,
                check_instances=settings.check_instances,
            )
            objects = await _objects(settings, shared, stack)
            checks["objects"] = objects.s3.check
            checks["disk"] = disk_check(settings.disk_cache_dir)
            imagery = Imagery(objects, studio, shared, _budgets(settings))
            app.state.settings, app.state.imagery = settings, imagery
            app.state.studio, app.state.shared = studio, shared
            app.state.sources = sources or await _catalog(settings, checks, stack)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            app.state.directory = DicomDirectory(
                session, settings.catalog_url, settings.image_source_ttl_s
            )
            app.state.members = members = CohortMembers(session, settings.catalog_url)
            app.state.warming = Warming(imagery, members, shared)
            stack.push_async_callback(app.state.warming.close)
            ImageryCollector(imagery, studio, pool).register(app.state.registry)
            checks.update({"cache": shared.check, "decoders": pool.check})
            yield

    app = create_service_app(
        title="EMBED Lab imagery",
        description="Thumbnails, rendered pictures, pixels, originals and headers of images.",
        routers=ROUTERS,
        lifespan=lifespan,
        checks=checks,
        identity_jwks=settings.identity_jwks,
    )
    install_fault_handlers(app)
    app.state.warm_urls = WarmUrls()
    # Behind identity and the request's record, which the factory has put in place.
    app.user_middleware += [
        Middleware(AuditSubject),
        Middleware(SendingBudget, budget=settings.sending_bytes),
        Middleware(WarmPath, urls=app.state.warm_urls),
        Middleware(LeavingClients),
    ]
    app.add_middleware(CrossOrigin)
    return app


def app_from_environment() -> FastAPI:
    """For ``uvicorn --factory imagery.app:app_from_environment``."""
    settings = ImagerySettings()  # type: ignore[call-arg]
    configure_logging("imagery", settings.log_level)
    return create_app(settings)


async def _pool(settings: ImagerySettings, stack: AsyncExitStack) -> DecoderPool:
    pool = DecoderPool(
        settings.workers,
        settings.queue,
        settings.worker_memory_bytes,
        Limits(pixels=settings.max_pixels),
    )
    stack.push_async_callback(pool.close)
    await pool.start()
    return pool


async def _objects(
    settings: ImagerySettings, shared: SharedCache, stack: AsyncExitStack
) -> ObjectStore:
    s3 = S3Origin(
        await stack.enter_async_context(s3_client(settings)),
        await stack.enter_async_context(object_session(settings.connections)),
        DiskCache(settings.disk_cache_dir, settings.disk_cache_bytes),
        fetches=settings.fetches,
        max_bytes=settings.max_source_bytes,
        deadline_s=settings.deadline_s,
    )
    return ObjectStore(
        s3,
        MirrorOrigin(settings.mirror_root, settings.max_source_bytes),
        shared,
        recheck_s=settings.source_recheck_s,
        failure_s=settings.failure_ttl_s,
    )


async def _catalog(
    settings: ImagerySettings, checks: dict[str, Check], stack: AsyncExitStack
) -> CatalogSources:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    catalog = CatalogSources(session, settings.catalog_url, settings.image_source_ttl_s)
    checks["catalog"] = catalog.check
    return catalog


def _budgets(settings: ImagerySettings) -> Budgets:
    return Budgets(
        at_once=settings.workers + settings.queue,
        recent_bytes=settings.answer_cache_bytes,
        picture_bytes=settings.rendered_max_bytes,
        picture_ttl_s=settings.rendered_ttl_s,
        failure_ttl_s=settings.failure_ttl_s,
    )
