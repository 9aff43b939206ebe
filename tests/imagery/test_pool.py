"""Worker processes: crashes, hangs, hunger and bombs stay in them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import asdict
from io import BytesIO

import numpy as np
import pytest
from dicom_files import (
    BIG_ENDIAN,
    JPEG_LOSSLESS_SV1,
    Made,
    breast,
    dicom_bytes,
    slow_file,
)
from imagery.answers import Answer, Refusal
from imagery.decoding import pool as pool_module
from imagery.decoding.pool import BusyError, DecoderPool, DecodeTimeoutError, WorkerDiedError
from imagery.descriptors import Descriptor, memory_file
from imagery.dicom.limits import Limits
from imagery.objects.types import SourceFile
from imagery.rendering.request import Region, Rendering
from imagery.sources import ImageSource
from imagery.studio import Studio

GIB = 1 << 30
RENDER = {"task": "render", "rendering": asdict(Rendering())}


def file_of(content: bytes) -> Descriptor:
    memory = memory_file("test")
    os.pwrite(memory.number, content, 0)
    return memory


@pytest.fixture
async def pool() -> AsyncIterator[DecoderPool]:
    pool = DecoderPool(1, 8, 2 * GIB, Limits())
    await pool.start()
    yield pool
    await pool.close()


def image(sop_instance_uid: str = "image-1") -> ImageSource:
    named = {"dataset": "d", "patient_id": "1", "exam_id": "1", "source": "s3://b/k"}
    return ImageSource(
        image_id=1, restricted=False, revision_id=1, sop_instance_uid=sop_instance_uid, **named
    )


async def test_what_is_true_of_all_values_is_told_once(pool: DecoderPool) -> None:
    """Tiles that follow look at their own part alone, and are the same pictures."""
    values = breast()
    for content, native in (
        (dicom_bytes(values), True),
        (dicom_bytes(values | 0xA000), False),  # something else lies above Bits Stored
        (dicom_bytes(values, Made(BIG_ENDIAN)), False),
        (dicom_bytes(values, Made(JPEG_LOSSLESS_SV1)), False),
    ):
        file = SourceFile(file_of(content), len(content), "1")
        studio, fresh = (Studio(pool, GIB, 20, check_instances=True) for _ in range(2))
        tile = Rendering(format="npy", region=Region(10, 20, 64, 64))
        for rendering in (Rendering(format="npy", region=Region(0, 0, 32, 32)), tile):
            answer = await studio.render(image(), rendering, file)
        assert answer == await fresh.render(image(), tile, file)
        assert isinstance(answer, Answer)
        found = np.load(BytesIO(answer.body))
        expected = values[20:84, 10:74] / values.max() * 255
        assert np.abs(found - expected).max() <= 1
        assert (studio.pixel_bytes == 0) == native


def pids(pool: DecoderPool) -> list[int]:
    return [worker.process.pid for worker in pool._workers]


async def test_a_killed_worker_is_replaced(pool: DecoderPool) -> None:
    before = pids(pool)
    file = file_of(slow_file())
    running = asyncio.create_task(pool.run(RENDER, [file], 20))
    await asyncio.sleep(0.1)
    os.kill(before[0], signal.SIGKILL)
    with pytest.raises(WorkerDiedError) as died:
        await running
    assert died.value.attempt == "imagecodecs.jpeg2k"
    answer = await pool.run(RENDER, [file_of(dicom_bytes(breast()))], 20)
    assert answer.document["ok"]
    assert pids(pool) != before


async def test_an_idle_worker_that_died_costs_one_answer(pool: DecoderPool) -> None:
    os.kill(pids(pool)[0], signal.SIGKILL)
    file = file_of(dicom_bytes(breast()))
    with pytest.raises(WorkerDiedError):
        await pool.run(RENDER, [file], 20)
    assert (await pool.run(RENDER, [file], 20)).document["ok"]


async def test_the_studio_asks_again_without_the_decoder_that_crashed(pool: DecoderPool) -> None:
    studio = Studio(pool, 0, 20, check_instances=True)
    content = slow_file()
    descriptor = file_of(content)
    source = SourceFile(descriptor, len(content), "1")
    asked = asyncio.create_task(studio.render(image(), Rendering(), source))
    await asyncio.sleep(0.1)
    os.kill(pids(pool)[0], signal.SIGKILL)
    answer = await asked
    assert isinstance(answer, Answer)


async def test_past_the_deadline_the_worker_is_replaced(pool: DecoderPool) -> None:
    before = pids(pool)
    file = file_of(slow_file())
    with pytest.raises(DecodeTimeoutError):
        await pool.run(RENDER, [file], 0.1)
    assert (await pool.run(RENDER, [file_of(dicom_bytes(breast()))], 20)).document["ok"]
    assert pids(pool) != before


async def test_too_many_are_refused(pool: DecoderPool) -> None:
    file = file_of(dicom_bytes(breast(2048, 1664), Made(JPEG_LOSSLESS_SV1)))
    tasks = [asyncio.create_task(pool.run(RENDER, [file], 20)) for _ in range(12)]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [one for one in found if isinstance(one, BusyError)]
    assert len(refused) == 12 - (8 + 1)  # one is at work, eight wait
    assert sum(not isinstance(one, BaseException) for one in found) == 9


async def test_who_leaves_does_not_break_the_next(pool: DecoderPool) -> None:
    before = pids(pool)
    large = file_of(dicom_bytes(breast(2048, 1664), Made(JPEG_LOSSLESS_SV1)))
    leaving = asyncio.create_task(pool.run(RENDER, [large], 20))
    await asyncio.sleep(0.02)
    leaving.cancel()
    answer = await pool.run({"task": "elements"}, [file_of(dicom_bytes(breast()))], 20)
    assert b'"elements"' in answer.payload
    assert pids(pool) == before


async def test_a_long_task_that_nobody_waits_for_is_ended(
    pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "ABANDONED_S", 0.01)
    before = pids(pool)
    bomb = file_of(slow_file())
    leaving = asyncio.create_task(pool.run(RENDER, [bomb], 60))
    await asyncio.sleep(0.05)
    leaving.cancel()
    answer = await pool.run(RENDER, [file_of(dicom_bytes(breast()))], 60)
    assert answer.document["ok"]
    assert pids(pool) != before


async def test_memory_is_bounded() -> None:
    pool = DecoderPool(1, 8, 64 << 20, Limits())
    await pool.start()
    try:
        content = dicom_bytes(np.zeros((6000, 6000), np.uint16), Made(JPEG_LOSSLESS_SV1))
        file = SourceFile(file_of(content), len(content), "1")
        studio = Studio(pool, 0, 20, check_instances=True)
        answer = await studio.render(image(), Rendering(), file)
        assert isinstance(answer, Refusal)
        small = await pool.run(RENDER, [file_of(dicom_bytes(breast()))], 20)
        assert small.document["ok"]
    finally:
        await pool.close()


async def test_an_empty_file_is_refused(pool: DecoderPool) -> None:
    answer = await pool.run(RENDER, [memory_file("empty")], 20)
    assert answer.document == {"ok": False, "reason": "the file is empty", "element": None}


async def test_no_process_is_left_behind() -> None:
    pool = DecoderPool(2, 8, 2 * GIB, Limits())
    await pool.start()
    started = pids(pool)
    await pool.close()
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
