"""``python -m tests.chaos.trainer --kills 60 --seed 1``: kill everything a job needs, at random.

Jobs of several epochs run on two workers while worker, training process, API, Valkey, PostgreSQL
and SeaweedFS are killed one after the other (SIGKILL): after a random time, or at the moment that
a checkpoint is being written. Afterwards every job must have ended, succeeded or with a true
reason; a process beside looks all the time that no job has two training processes; and what
succeeded must equal an undisturbed job to the bit.
"""

import argparse
import random
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from devstack import throwaway
from tests.chaos.lab import PEOPLE, Lab, running
from tests.chaos.servers import kill_process
from tests.trainer.running import training_processes

TARGETS = ("worker", "child", "api", "valkey", "postgres", "s3")
# Settings that differ in what a resumed job must restore: momenta, schedule, augmentation.
VARIANTS: tuple[dict[str, Any], ...] = (
    {"epochs": 24, "optimiser": "adamw", "augment": "light", "schedule": "one-cycle"},
    {
        "epochs": 18,
        "optimiser": "adam",
        "learning_rate": 2e-3,
        "seed": 5,
        "augment": "strong",
    },
)
TRUE_REASONS = ("was lost", "was killed", "was away", "could not reach", "ended with", "cannot be")
QUIET_S = 240.0
ENDED = ("succeeded", "failed", "cancelled")


@dataclass
class Kill:
    """What was killed, when, and how long it stayed away."""

    target: str
    moment: str
    away_s: float


@dataclass
class Watch:
    """Looks for jobs with two training processes, as often as it can."""

    lab: Lab
    looks: int = 0
    doubles: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until told to stop."""
        while not self.stopping.wait(0.02):
            self.look()

    def look(self) -> None:
        """Once. A double is looked at twice: its folders are not read at the same moment."""
        self.looks += 1
        for job_id in self._doubled():
            if job_id in self._doubled():
                self.doubles.append(job_id)

    def _doubled(self) -> list[str]:
        files = [f for s in self.lab.scratches for f in s.glob("jobs/*/pid")]
        counts = Counter(f.parent.name.rpartition("-")[0] for f in files)
        suspects = [job_id for job_id, count in counts.items() if count > 1]
        alive = {
            j: sum(len(training_processes(s, j)) for s in self.lab.scratches) for j in suspects
        }
        return [job_id for job_id, count in alive.items() if count > 1]


@contextmanager
def watching(lab: Lab) -> Iterator[Watch]:
    """A watch meanwhile."""
    watch = Watch(lab)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.stopping.set()
        thread.join()


@dataclass
class Chaos:
    """One run: jobs go in as long as kills go on."""

    lab: Lab
    random: random.Random
    jobs: dict[str, int] = field(default_factory=dict)
    """job_id: its variant."""
    kills: list[Kill] = field(default_factory=list)

    def submit(self, variant: int) -> str:
        """Queue a job, however often the API has to be asked; one key, one job."""
        body = {
            "experiment": "labelled-array",
            "array": "blobs",
            "overrides": {"input_size": 32, "batch_size": 8, **VARIANTS[variant]},
        }
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        with self.lab.client(self.random.choice(PEOPLE)) as client:
            job = insist(lambda: client.post("/api/v1/jobs", json=body, headers=headers))
        self.jobs[job["job_id"]] = variant
        return str(job["job_id"])

    def list(self) -> dict[str, dict[str, Any]]:
        """All jobs as the API tells them."""
        with self.lab.client(PEOPLE[0]) as client:
            page = insist(lambda: client.get("/api/v1/jobs", params={"limit": 1000}))
        return {job["job_id"]: job for job in page["items"]}

    def wait(self, jobs: set[str], seconds: float) -> dict[str, dict[str, Any]]:
        """Until all have ended; whatever they are when the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.list()
            if all(found[j]["state"] in ENDED for j in jobs) or time.monotonic() > deadline:
                return found
            time.sleep(0.3)

    def kill(self, target: str, moment: str) -> None:
        """Kill a target at a moment and start it again after a while."""
        self._keep_busy()
        if moment == "checkpoint":
            self._await_checkpoint()
        else:
            time.sleep(self.random.uniform(0.1, 2.0))
        away_s = self.random.choice((0.0, self.random.uniform(0.2, 3.0)))
        self._strike(target, away_s)
        self.kills.append(Kill(target, moment, away_s))
        print(f"{len(self.kills):>3} {target:9} {moment:10} away {away_s:.1f} s", flush=True)

    def _strike(self, target: str, away_s: float) -> None:
        if target == "child":
            for pid in self.lab.training()[:1]:
                kill_process(pid)
            return
        busy = [s.name for s in self.lab.scratches if training_processes(s)]
        candidates = self.lab.named(target)
        program = next((p for p in candidates if p.name in busy), candidates[0])
        program.kill()
        time.sleep(away_s)
        program.start()

    def _keep_busy(self) -> None:
        """Two more jobs than workers, so that each kill finds something at work."""
        open_jobs = [j for j in self.list().values() if j["state"] not in ENDED]
        for _ in range(len(open_jobs), 3):
            self.submit(self.random.randrange(len(VARIANTS)))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.lab.training():
                return
            time.sleep(0.05)

    def _await_checkpoint(self) -> None:
        """Return at the moment that a checkpoint file appears or changes."""
        before = self._checkpoints()
        deadline = time.monotonic() + 20
        while self._checkpoints() <= before and time.monotonic() < deadline:
            time.sleep(0.001)

    def _checkpoints(self) -> set[tuple[str, int]]:
        found = set()
        for scratch in self.lab.scratches:
            for file in scratch.glob("jobs/*/checkpoint.pt"):
                try:
                    found.add((str(file), file.stat().st_mtime_ns))
                except OSError:
                    continue
        return found


def insist(ask: Callable[[], httpx.Response]) -> Any:
    """The JSON of a 2xx answer, asked for until there is one."""
    deadline = time.monotonic() + 90
    while True:
        try:
            answer = ask()
            if answer.is_success:
                return answer.json()
            if answer.status_code < 500:
                raise AssertionError(f"{answer.status_code}: {answer.text}")
            said = answer.text
        except httpx.TransportError as error:
            said = repr(error)
        if time.monotonic() > deadline:
            raise AssertionError(f"no answer for 90 s: {said}")
        time.sleep(0.2)


def essence(job: dict[str, Any]) -> dict[str, Any]:
    """What must repeat to the bit."""
    epochs = [{k: v for k, v in e.items() if k != "seconds"} for e in job["epochs"]]
    return {"metrics": job["metrics"], "epochs": epochs}


def artifacts(lab: Lab, job_id: str) -> dict[str, str]:
    """Digests of weights and predictions, as the store gives them."""
    with lab.client(PEOPLE[0]) as client:
        items = insist(lambda: client.get(f"/api/v1/jobs/{job_id}/artifacts"))["items"]
    return {
        i["name"]: i["sha256"] for i in items if i["name"].startswith(("weights", "predictions"))
    }


def judge(lab: Lab, job: dict[str, Any], calm: dict[str, Any]) -> str | None:
    """What is wrong with a job, beside its undisturbed twin."""
    if job["state"] == "failed":
        true = any(text in job["reason"] for text in TRUE_REASONS)
        return None if true else f"failed without a true reason: {job['reason']}"
    if job["state"] != "succeeded":
        return f"is {job['state']}: {job['reason'] or job['waiting']}"
    if essence(job) != essence(calm):
        return "differs from its undisturbed twin"
    if artifacts(lab, job["job_id"]) != artifacts(lab, calm["job_id"]):
        return "left other weights or predictions than its undisturbed twin"
    return None


def verdicts(chaos: Chaos, reference: list[str], watch: Watch) -> Iterator[str]:
    """What is wrong; nothing, if all is well."""
    mine = set(chaos.jobs)
    found = chaos.wait(mine, QUIET_S)
    if extra := set(found) - mine - set(reference):
        yield f"jobs nobody submitted: {extra}"
    if watch.doubles:
        yield f"trained twice at once: {watch.doubles}"
    for job_id in sorted(mine):
        calm = found[reference[chaos.jobs[job_id]]]
        said = judge(chaos.lab, found[job_id], calm) if job_id in found else "is lost"
        if said:
            yield f"{job_id} {said}"
    if left := chaos.lab.training():
        yield f"training processes outlived their jobs: {left}"


def run(kills: int, seed: int, targets: tuple[str, ...] = TARGETS) -> list[str]:
    """All of it; what was wrong."""
    with throwaway.scratch_folder() as folder, running(folder, workers=2) as lab:
        chaos = Chaos(lab, random.Random(seed))
        reference = [chaos.submit(v) for v in range(len(VARIANTS))]
        chaos.wait(set(reference), QUIET_S)
        chaos.jobs.clear()
        with watching(lab) as watch:
            for target, moment in plan(chaos.random, kills, targets):
                chaos.kill(target, moment)
            wrong = list(verdicts(chaos, reference, watch))
        print(summary(chaos, watch), flush=True)
        return wrong


def plan(chance: random.Random, kills: int, targets: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each target about equally often, in random order; half of the moments are checkpoints."""
    chosen = [targets[n % len(targets)] for n in range(kills)]
    chance.shuffle(chosen)
    return [(target, chance.choice(("checkpoint", "random"))) for target in chosen]


def summary(chaos: Chaos, watch: Watch) -> str:
    """What was done and what came of it, as Markdown."""
    jobs = [j for i, j in chaos.list().items() if i in chaos.jobs]
    killed = Counter((k.target, k.moment) for k in chaos.kills)
    lines = ["| killed | at a random moment | while a checkpoint was written |", "|---|---|---|"]
    lines += [f"| {t} | {killed[t, 'random']} | {killed[t, 'checkpoint']} |" for t in TARGETS]
    states = Counter(job["state"] for job in jobs)
    attempts = Counter(job["attempts"] for job in jobs)
    reasons = Counter(f["reason"] for job in jobs for f in job["failures"])
    lines += [
        "",
        f"{len(jobs)} jobs: {dict(states)}; attempts per job: {dict(sorted(attempts.items()))}",
    ]
    lines += [f"- {count} x {reason}" for reason, count in reasons.most_common()]
    lines += [f"{watch.looks} looks for a job trained twice at once: {len(watch.doubles)} found"]
    return "\n".join(lines)


def main() -> int:
    """The exit status: 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description="Kill everything a job needs, at random.")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    wrong = run(given.kills, given.seed)
    print(f"{given.kills} kills, seed {given.seed}, {time.monotonic() - began:.0f} s")
    for text in wrong:
        print(f"WRONG: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
