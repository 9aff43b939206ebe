"""What tests of a running trainer share: processes, data to learn from, and patience."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from devstack.ports import choose_ports
from trainer.settings import TrainerSettings


def environment(settings: TrainerSettings) -> dict[str, str]:
    """The environment of a process with these settings."""
    values = settings.model_dump(mode="json", exclude_none=True)
    named = {f"TRAINER_{name.upper()}": str(value) for name, value in values.items()}
    return {**os.environ, **named}


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """``app`` on a free port; its base URL."""
    port = choose_ports(1)[0]
    config = uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
            if task.done():
                await task
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


class WorkerProcess:
    """A worker as a process of its own session."""

    def __init__(self, settings: TrainerSettings) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trainer.worker"],
            env=environment(settings),
            start_new_session=True,
        )

    def kill(self) -> None:
        """As a power cut would: no time to say anything."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill()
                raise


def write_blobs(folder: Path, patients: int = 60, side: int = 32, seed: int = 3) -> None:
    """Two images of each patient, half of the patients with a spot at a random place."""
    generator = np.random.default_rng(seed)
    count = 2 * patients
    people = np.arange(count) // 2
    labels = people % 2
    images = generator.integers(0, 90, (count, side, side)).astype(np.uint8)
    for place in np.flatnonzero(labels):
        y, x = generator.integers(2, side - 8, 2)
        images[place, y : y + 6, x : x + 6] += 120
    names = np.array(["train"] * 7 + ["validation"] + ["test"] * 2)
    splits = names[(people // 2) % 10]
    folder.mkdir(parents=True)
    np.save(folder / "images.npy", images)
    described = {
        "classes": ["plain", "spot"],
        "labels": labels.tolist(),
        "splits": splits.tolist(),
        "patients": [f"p{person}" for person in people],
    }
    (folder / "samples.json").write_text(json.dumps(described))


def training_processes(scratch: Path, job_id: str = "") -> list[int]:
    """PIDs of the living processes that train a job (or any) in ``scratch``."""
    found = []
    for file in scratch.glob(f"jobs/{job_id}*/pid"):
        with suppress(OSError, ValueError):
            pid = int(file.read_text())
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                found.append(pid)
    return found


async def follow(
    api: httpx.AsyncClient,
    job_id: str,
    until: Callable[[dict[str, Any]], bool] = lambda job: job["finished_at"] is not None,
    seconds: float = 200,
) -> dict[str, Any]:
    """Poll a job until a condition holds; fails with its last state where it never does."""
    job: dict[str, Any] = {}
    for _ in range(int(seconds / 0.1)):
        job = (await api.get(f"/api/v1/jobs/{job_id}")).json()
        if until(job):
            return job
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {job}")


async def submit(api: httpx.AsyncClient, array: str, **overrides: Any) -> dict[str, Any]:
    """Submit a job on an array dataset with small, quick settings."""
    settings = {"input_size": 32, "epochs": 4, "batch_size": 16} | overrides
    body = {"experiment": "labelled-array", "array": array, "overrides": settings}
    answer = await api.post("/api/v1/jobs", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
