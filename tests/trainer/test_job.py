"""A job from submit to report, through every real part."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.trainer.running import follow, submit


async def test_a_job_runs_from_submit_to_report(
    api: httpx.AsyncClient, start_worker: Callable[..., Any], blobs: str
) -> None:
    start_worker()
    job = await submit(api, blobs, epochs=6)
    assert job["state"] == "queued"
    assert job["queue_position"] == 1
    done = await follow(api, job["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    assert [e["epoch"] for e in done["epochs"]] == [1, 2, 3, 4, 5, 6]
    assert done["progress"] == {"phase": "done", "epoch": 6, "epochs": 6, "fraction": 1.0}
    assert done["metrics"]["test"]["roc_auc"]["low"] > 0.5
