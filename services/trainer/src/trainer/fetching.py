"""Fills a pixel array from imagery: concurrent, patient with a busy server, honest about gaps."""

import asyncio
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp
import numpy as np
from numpy.typing import NDArray

from trainer.catalog import Authorize, UpstreamError
from trainer.pixels import BadPixelsError, Geometry, PixelArray, PixelWriter

TRIES = 8
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 8.0
# After this many tries an image that only ever fails on the server's side counts as unreadable.
BROKEN_TRIES = 3
_gone = (404, 406, 410, 413, 415, 422)
_lasting = ("source-missing", "source-not-allowed", "source-forbidden", "source-too-large")

Progress = Callable[[int, int], None]


@dataclass
class ImageryClient:
    """Reads pixels as the identity that ``authorize`` names."""

    http: aiohttp.ClientSession
    base_url: str
    authorize: Authorize
    tries: int = TRIES

    async def retrieve_pixels(self, image_id: int, geometry: Geometry) -> NDArray[np.uint8]:
        """Grey values (height, width) of an image.

        Raises:
            BadPixelsError: there is no such picture, or it cannot be read.
            UpstreamError: imagery refuses, or was away for all tries.
        """
        error = UpstreamError("imagery", 0, "not tried")
        for attempt in range(self.tries):
            try:
                return await self._once(image_id, geometry)
            except UpstreamError as found:
                error = found
            if is_lasting(error) or (error.status == 500 and attempt + 1 >= BROKEN_TRIES):
                raise BadPixelsError(str(error)) from error
            if not error.is_transient:
                raise error
            longest = min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S)
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter
        raise error

    async def _once(self, image_id: int, geometry: Geometry) -> NDArray[np.uint8]:
        url = f"{self.base_url}/api/v1/images/{image_id}/pixels"
        headers = {"Authorization": f"Bearer {self.authorize()}", "Accept": "application/x-npy"}
        try:
            async with self.http.get(url, params=geometry.query, headers=headers) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UpstreamError("imagery", 0, f"{type(error).__name__}: {error}") from error
        if answer.status != 200:
            raise _refusal(answer.status, body)
        try:
            picture: NDArray[np.uint8] = np.load(io.BytesIO(body), allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise BadPixelsError(f"not an array: {error}") from error
        return picture


def is_lasting(error: UpstreamError) -> bool:
    """Whether imagery says that this picture will not be had later either."""
    return error.status in _gone or error.kind.rpartition(":")[2] in _lasting


def _refusal(status: int, body: bytes) -> UpstreamError:
    try:
        problem = json.loads(body)
        return UpstreamError("imagery", status, problem["title"], problem.get("type", ""))
    except (ValueError, KeyError, TypeError):
        return UpstreamError("imagery", status, "no problem document")


async def fetch_pixels(
    client: ImageryClient,
    array: PixelArray,
    image_ids: Sequence[int],
    geometry: Geometry,
    concurrency: int,
    progress: Progress,
) -> None:
    """Fetch what ``array`` lacks; ``image_ids[i]`` goes to place ``i``."""
    places = iter(array.waiting().tolist())
    total, done = len(image_ids), len(image_ids) - len(array.waiting())
    writer = array.writer()
    progress(done, total)

    async def work() -> None:
        nonlocal done
        for place in places:
            await _fetch_one(client, writer, place, image_ids[place], geometry)
            done += 1
            progress(done, total)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        writer.flush()


async def _fetch_one(
    client: ImageryClient, writer: PixelWriter, place: int, image_id: int, geometry: Geometry
) -> None:
    try:
        picture = await client.retrieve_pixels(image_id, geometry)
        square = geometry.square(picture)
    except BadPixelsError:
        writer.put_missing(place)
    else:
        writer.put(place, picture, square)
