"""Who trains."""

from chassis.identity import Caller
from chassis.pages import Page
from fastapi import APIRouter

from trainer import store
from trainer.context import InContext
from trainer.worker_schemas import Worker

router = APIRouter(prefix="/api/v1/workers", tags=["training"])


@router.get("")
async def list_workers(caller: Caller, context: InContext) -> Page[Worker]:
    """Workers of the last day: what they are, what they do, and which of them are lost."""
    async with context.database.transaction() as session:
        items = await store.list_workers(session)
    return Page(items=items, total=len(items))
