"""Many at once: one fetch and one decode of one image, and a bounded queue for many images."""

import asyncio
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
import redis
from conftest import Lab, StartLab
from dicom_files import JPEG_LOSSLESS_SV1, Made, breast, dicom_bytes
from imagery import shared_cache
from numpy.typing import NDArray

from devstack import throwaway

WINDOW = {"WindowCenter": 2047, "WindowWidth": 4096}


def picture(response: httpx.Response) -> NDArray[np.generic]:
    assert response.status_code == 200, response.text
    found = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return np.asarray(found)


async def test_64_cold_requests_to_two_services_are_one_fetch_and_one_decode(
    start_lab: StartLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share Valkey and nothing else, as two machines do."""
    # Without Valkey's turns each fetches for itself; a busy machine is not to pass for that.
    monkeypatch.setattr(shared_cache, "TIMEOUT_S", 60.0)
    one = await start_lab(disk_cache_dir=tmp_path / "one")
    other = await start_lab(disk_cache_dir=tmp_path / "other")
    content = dicom_bytes(breast(1024, 768), Made(JPEG_LOSSLESS_SV1, elements=WINDOW))
    one.put(1, content)
    answers = await asyncio.gather(*(lab.get("/1/thumbnail") for lab in (one, other) * 32))
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert one.counter("fetched_bytes") + other.counter("fetched_bytes") == len(content)
    assert one.counter("decodes") + other.counter("decodes") == 1


async def test_300_cold_requests_for_300_images_are_pictures_or_503(start_lab: StartLab) -> None:
    lab = await start_lab(queue=32)
    expected = breast()
    for image_id in range(1, 301):
        lab.put(image_id, dicom_bytes(expected, Made(elements=WINDOW)))
    answers = await asyncio.gather(*(lab.get(f"/{n}/rendered") for n in range(1, 301)))
    assert {a.status_code for a in answers} <= {200, 503}
    assert sum(a.status_code == 200 for a in answers) >= 32
    for answer in answers:
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
        else:
            assert np.abs(picture(answer) - expected / 4095 * 255).max() <= 1
    assert (await lab.client.get("/readyz")).json()["state"] == "ready"
    assert (await lab.get("/300/rendered")).status_code == 200


async def test_a_flushed_valkey_costs_nothing_but_time(lab: Lab, valkey: redis.Redis) -> None:
    images = {n: breast(seed=n) for n in range(1, 9)}
    for n, values in images.items():
        lab.put(n, dicom_bytes(values, Made(elements=WINDOW)))

    async def flush() -> None:
        for _ in range(20):
            await asyncio.to_thread(valkey.flushall)
            await asyncio.sleep(0.01)

    answers, _ = await asyncio.gather(
        asyncio.gather(*(lab.get(f"/{n}/rendered") for n in list(images) * 4)), flush()
    )
    for n, answer in zip(list(images) * 4, answers, strict=True):
        assert np.abs(picture(answer) - images[n] / 4095 * 255).max() <= 1


async def test_a_full_valkey_that_evicts_nothing(start_lab: StartLab, valkey: redis.Redis) -> None:
    policy = valkey.config_get("maxmemory-policy")["maxmemory-policy"]
    valkey.config_set("maxmemory-policy", "noeviction")
    valkey.config_set("maxmemory", valkey.info("memory")["used_memory"] // 2)
    try:
        with pytest.raises(redis.RedisError):
            valkey.set("full", "?")
        lab = await start_lab(answer_cache_bytes=0)
        values = breast()
        lab.put(1, dicom_bytes(values, Made(elements=WINDOW)))
        for _ in range(2):
            found = picture(await lab.get("/1/rendered"))
            assert np.abs(found - values / 4095 * 255).max() <= 1
    finally:
        valkey.config_set("maxmemory", 0)
        valkey.config_set("maxmemory-policy", policy)


async def test_a_valkey_that_goes_away_between_two_requests(start_lab: StartLab) -> None:
    with throwaway.valkey() as server:
        lab = await start_lab(cache_url=server.url, answer_cache_bytes=0)
        values = breast()
        lab.put(1, dicom_bytes(values, Made(elements=WINDOW)))
        first = await lab.get("/1/rendered")
    assert (await lab.get("/1/rendered")).content == first.content
    assert np.abs(picture(first) - values / 4095 * 255).max() <= 1
