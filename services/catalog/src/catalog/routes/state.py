"""What the routes find on the application."""

from typing import Annotated, Any

import orjson
from chassis.database import Database
from fastapi import Depends, Query, Request, Response

from catalog.curation import Curation
from catalog.holder import ModelHolder
from catalog.settings import Settings
from catalog.supervisor import IngestSupervisor


async def get_holder(request: Request) -> ModelHolder:
    """The read models."""
    holder: ModelHolder = request.app.state.holder
    return holder


async def get_database(request: Request) -> Database:
    """PostgreSQL."""
    database: Database = request.app.state.database
    return database


async def get_settings(request: Request) -> Settings:
    """The settings."""
    settings: Settings = request.app.state.settings
    return settings


async def get_supervisor(request: Request) -> IngestSupervisor:
    """Runs the ingests."""
    supervisor: IngestSupervisor = request.app.state.supervisor
    return supervisor


async def get_curation(request: Request) -> Curation:
    """Runs the recipes."""
    curation: Curation = request.app.state.curation
    return curation


# Coroutines, though they wait for nothing: FastAPI runs plain functions in a thread, which costs
# more than most queries.
Holder = Annotated[ModelHolder, Depends(get_holder)]
Db = Annotated[Database, Depends(get_database)]
Config = Annotated[Settings, Depends(get_settings)]
Curations = Annotated[Curation, Depends(get_curation)]
Supervisor = Annotated[IngestSupervisor, Depends(get_supervisor)]
DatasetQuery = Annotated[
    str | None, Query(max_length=63, description="Dataset; default: the server's")
]


def answer(body: Any, status: int = 200) -> Response:
    """JSON without another look by pydantic: the body is made of plain values already."""
    return Response(
        orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY),
        status_code=status,
        media_type="application/json",
    )
