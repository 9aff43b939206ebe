"""What the routes work with, opened once by the application."""

from dataclasses import dataclass
from typing import Annotated

import aiohttp
from chassis.database import Database
from chassis.identity import Signer
from fastapi import Depends, Request

from trainer.events import JobEvents
from trainer.objects import Objects
from trainer.predictions import Predictors
from trainer.settings import TrainerSettings
from trainer.wakeups import Wakeups


@dataclass(frozen=True)
class Context:
    """The open connections of one API process."""

    settings: TrainerSettings
    database: Database
    wakeups: Wakeups
    events: JobEvents
    objects: Objects
    http: aiohttp.ClientSession
    signer: Signer
    predictors: Predictors


def current_context(request: Request) -> Context:
    """Dependency: the application's connections."""
    context: Context = request.app.state.context
    return context


InContext = Annotated[Context, Depends(current_context)]
