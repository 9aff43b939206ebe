"""``python -m trainer.training.predictor PARENT``: answers requests for predictions, one by one.

Networks stay in memory, the least recently used make way. It ends when it has been idle.
"""

import asyncio
import json
import os
import sys
import time
from collections import OrderedDict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import numpy as np
from botocore.exceptions import BotoCoreError, ClientError
from chassis.logs import configure_logging, get_logger
from chassis.s3 import s3_client
from redis.exceptions import RedisError

from trainer.catalog import UpstreamError, open_http
from trainer.fetching import ImageryClient
from trainer.objects import Objects
from trainer.parents import die_with_parent
from trainer.pixels import BadPixelsError, Geometry
from trainer.predictions import DEADLINE_S, REQUESTS, answers_of, connect
from trainer.settings import TrainerSettings, settings_from_environment
from trainer.spec import TrainingSettings
from trainer.training.explaining import explain_square
from trainer.training.prediction import ModelError, TrainedModel, load_model

IDLE_S = 900.0
WAIT_S = 5.0
TRIES = 3

log = get_logger("trainer.predictor")


@dataclass
class Predictor:
    """Open connections and the networks in memory, by digests of weights and preprocessing."""

    settings: TrainerSettings
    objects: Objects
    http: aiohttp.ClientSession
    models: OrderedDict[tuple[str, str], TrainedModel] = field(default_factory=OrderedDict)

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Predictions, or what stands against them."""
        try:
            model = await self._model(request["model"])
        except ModelError as error:
            return _problem(409, "The model cannot be used", str(error))
        except (BotoCoreError, ClientError) as error:
            return _problem(503, "The object store cannot be reached", type(error).__name__)
        try:
            found = await self._fetch(request["image_ids"], model.geometry, request["token"])
        except UpstreamError as error:
            status = error.status if error.status == 403 else 503
            return _problem(status, "The pictures cannot be had", str(error))
        if method := request.get("explain"):
            (square,) = found.values()
            return {} if square is None else explain_square(model, square, method)
        there = {image_id: square for image_id, square in found.items() if square is not None}
        probs = model.predict_squares(np.stack(list(there.values()))) if there else ()
        return {
            "predictions": [
                {"image_id": image_id, "probs": dict(zip(model.classes, row.tolist(), strict=True))}
                for image_id, row in zip(there, probs, strict=True)
            ],
            "missing": [image_id for image_id in found if image_id not in there],
        }

    async def _model(self, wanted: dict[str, Any]) -> TrainedModel:
        key = wanted["sha256"], wanted["preprocessing_sha256"]
        if key not in self.models:
            self.models[key] = await self._load(wanted)
        self.models.move_to_end(key)
        while len(self.models) > self.settings.models_kept:
            self.models.popitem(last=False)
        return self.models[key]

    async def _load(self, wanted: dict[str, Any]) -> TrainedModel:
        settings = self.settings
        with TemporaryDirectory() as folder:
            path = Path(folder) / "weights.safetensors"
            if not await self.objects.get_file(wanted["key"], path, wanted["sha256"]):
                raise ModelError("its weights are gone")
            return load_model(
                path, TrainingSettings.model_validate(wanted["settings"]), wanted["classes"],
                wanted["preprocessing_sha256"], settings.device, settings.own_threads,
            )  # fmt: skip

    async def _fetch(self, image_ids: list[int], geometry: Geometry, token: str) -> dict[int, Any]:
        """{image_id: its square, or None where there is no such picture}."""
        client = ImageryClient(self.http, self.settings.imagery_url, lambda: token, TRIES)

        async def fetch(image_id: int) -> Any:
            try:
                return geometry.square(await client.retrieve_pixels(image_id, geometry))
            except BadPixelsError:
                return None

        squares = await asyncio.gather(*map(fetch, image_ids))
        return dict(zip(image_ids, squares, strict=True))


def _problem(status: int, title: str, detail: str) -> dict[str, Any]:
    return {"problem": {"status": status, "title": title, "detail": detail}}


async def serve(settings: TrainerSettings) -> None:
    """Answer until nobody has asked for ``IDLE_S``; a broker that is away is waited for."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(s3_client(settings, connections=4))
        http = await stack.enter_async_context(open_http(settings.fetch_concurrency))
        predictor = Predictor(settings, Objects(client, settings.artifact_bucket), http)
        broker = connect(settings.broker_url, wait_s=WAIT_S)
        stack.push_async_callback(broker.aclose)
        asked_at = time.monotonic()
        while time.monotonic() - asked_at < IDLE_S:
            try:
                taken = await broker.blpop([REQUESTS], timeout=WAIT_S)
                if taken is None:
                    continue
                asked_at = time.monotonic()
                request = json.loads(taken[1])
                if request["until"] > time.time():
                    await _reply(broker, request["id"], await _answer(predictor, request))
            except (RedisError, OSError) as error:
                log.warning("predictor without broker", extra={"error": type(error).__name__})
                await asyncio.sleep(1)


async def _answer(predictor: Predictor, request: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    try:
        answer = await predictor.answer(request)
    except Exception as error:
        log.exception("prediction failed")
        return _problem(500, "Prediction failed", type(error).__name__)
    log.info("predicted", extra={"images": len(request["image_ids"]),
                                 "seconds": round(time.monotonic() - began, 3)})  # fmt: skip
    return answer


async def _reply(broker: Any, request_id: str, answer: dict[str, Any]) -> None:
    key = answers_of(request_id)
    await broker.rpush(key, json.dumps(answer))
    await broker.expire(key, DEADLINE_S)


def main(arguments: list[str]) -> None:
    """Serve for the worker whose PID is the argument."""
    die_with_parent(int(arguments[0]))
    settings = settings_from_environment()
    configure_logging("trainer.predictor", settings.log_level)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # torch takes seconds to take itself down
