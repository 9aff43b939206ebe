"""PostgreSQL for a service: engine, sessions, and driver errors as problems."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from chassis.logs import get_logger
from chassis.problems import Problem, problem_response, unavailable

log = get_logger(__name__)

WAIT_S = 5  # for a connection


class Database:
    """An engine and its sessions. Commit stands at the edge: one ``transaction()`` per request."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        statement_timeout_ms: int = 30_000,
        application_name: str = "embedlab",
    ) -> None:
        server = {
            "statement_timeout": str(statement_timeout_ms),
            "application_name": application_name,
        }
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_pre_ping=True,
            json_deserializer=orjson.loads,  # a job has six such columns, and a page fifty jobs
            connect_args={"timeout": WAIT_S, "server_settings": server},
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=WAIT_S,
        )
        # A lookup by key: to plan it for its values each time takes twice as long as to run it.
        # Nothing is changed on these connections, so that there is nothing to reset.
        self._readers = asyncpg.create_pool(
            asyncpg_url(url),
            min_size=0,
            max_size=2 * pool_size,
            timeout=WAIT_S,
            server_settings={**server, "plan_cache_mode": "force_generic_plan"},
            init=_read_documents,
            reset=_leave,
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end, or rolled back on an error."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection, each statement by itself: a third of the time of a session.

        For lookups by key that people wait for (plans are made once, for any value); what is
        written goes through ``transaction()``.
        """
        await self._readers  # opens the pool, once
        try:
            connection = await self._readers.acquire(timeout=WAIT_S)
        except TimeoutError as error:
            raise unavailable("The database has too much to do") from error
        try:
            yield connection
        finally:
            await self._readers.release(connection)

    async def check(self) -> None:
        """Readiness: one round trip."""
        async with self.engine.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        await (await self._readers).close()


async def driver(session: AsyncSession) -> asyncpg.Connection:
    """A session's own connection of the driver: what it reads is read in the transaction."""
    held = await (await session.connection()).get_raw_connection()
    return held.driver_connection


async def _read_documents(connection: asyncpg.Connection) -> None:
    """`jsonb` comes as what it says, as it does by a session."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )


async def _leave(_connection: asyncpg.Connection) -> None:
    """What comes back is as it went."""


def asyncpg_url(url: str) -> str:
    """The same database for asyncpg itself (no ``+asyncpg`` in the scheme)."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


def driver_error(error: Exception) -> BaseException | None:
    """What the driver raised, where SQLAlchemy raised it anew."""
    return error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error


def database_problem(error: Exception) -> Problem | None:
    """What a driver error means to the caller; None where it is a fault of ours."""
    cause = driver_error(error)
    if isinstance(cause, asyncpg.QueryCanceledError):
        return unavailable("The query took too long", detail="Narrow it and try again.")
    if isinstance(cause, asyncpg.DataError):
        return Problem(422, "Invalid value", detail="A value is outside what its column can hold.")
    gone = (
        OSError,
        TimeoutError,
        OperationalError,
        InterfaceError,
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
    )
    if isinstance(cause, gone) or isinstance(error, gone):
        return unavailable("The database cannot be reached", detail="Nothing was changed.")
    return None


def install_database_handlers(app: FastAPI) -> None:
    """Answer driver errors of ``app`` as problems: 503 where the server is gone, 422 for data.

    And 503 where a request refers to what another one removed meanwhile.
    """

    async def handle(request: Request, error: Exception) -> JSONResponse:
        problem = database_problem(error)
        if isinstance(driver_error(error), asyncpg.ForeignKeyViolationError):
            problem = unavailable("What it refers to is just being removed")
        if problem is None:
            raise error
        log.warning("database error", extra={"kind": type(error).__name__})
        return problem_response(problem, request.url.path)

    for kind in (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError):
        app.add_exception_handler(kind, handle)
