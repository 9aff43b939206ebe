"""Bodies of the API about workers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class Gpu(BaseModel):
    """A GPU of a worker's host and how busy it is."""

    uuid: str
    name: str
    utilisation: float = Field(description="Share, 0 to 1")
    memory_used: int
    memory_total: int


class Usage(BaseModel):
    """How busy a worker's host is; bytes, and shares from 0 to 1."""

    cpu: float
    memory_used: int
    memory_total: int
    memory_own: int = Field(description="Of the worker and what it trains")
    gpus: list[Gpu]


class Worker(BaseModel):
    """A worker process that trains jobs."""

    name: str
    host: str
    state: Literal["idle", "busy", "lost"]
    slots: int
    jobs: list[str] = Field(description="Jobs it trains now")
    usage: Usage | None = Field(default=None, description="At its last heartbeat")
    about: dict[str, Any] = Field(description="Threads, device, versions")
    started_at: datetime
    heartbeat_at: datetime
