"""Predictions that somebody waits for: asked of the workers through the broker.

The API has no torch, and a network at work would starve it: each worker keeps a process beside
those that train (`predictor.py`), which any host may have and which takes no training slot. A
request is a message on one list of the broker, its answer on another that only it names. Both are
gone within seconds: nobody waits for them after `DEADLINE_S`.
"""

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from chassis.problems import Problem, unavailable
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

REQUESTS = "trainer:predict"
DEADLINE_S = 100
MOST_IMAGES = 256


def answers_of(request_id: str) -> str:
    """The list that an answer is put on."""
    return f"trainer:predicted:{request_id}"


def connect(broker_url: str, *, wait_s: float = 0.0) -> Redis:
    """A connection whose calls may block for ``wait_s``."""
    return Redis.from_url(
        broker_url, socket_connect_timeout=2, socket_timeout=wait_s + 2, retry=Retry(NoBackoff(), 0)
    )


@dataclass
class Predictors:
    """The processes that predict, as the API sees them."""

    broker_url: str

    async def ask(self, request: dict[str, Any], deadline_s: float = DEADLINE_S) -> dict[str, Any]:
        """What a predictor answers.

        Raises Problem: what it found wrong, or 503 where the broker is away or nobody answers.
        """
        request_id = str(uuid.uuid4())
        body = json.dumps(request | {"id": request_id, "until": time.time() + deadline_s})
        redis = connect(self.broker_url, wait_s=deadline_s)
        try:
            await redis.rpush(REQUESTS, body)
            found = await redis.blpop([answers_of(request_id)], timeout=deadline_s)
            if found is None:
                await redis.lrem(REQUESTS, 1, body)
        except (RedisError, OSError) as error:
            raise unavailable(
                "The broker cannot be reached", detail="Try again shortly."
            ) from error
        finally:
            await redis.aclose()
        if found is None:
            detail = f"No worker answered within {deadline_s:.0f} s."
            raise unavailable("Nobody predicts", retry_after=30, detail=detail)
        answer: dict[str, Any] = json.loads(found[1])
        if problem := answer.get("problem"):
            raise Problem(**problem)
        return answer
