"""A worker's predictor: a process beside those that train, started when somebody first asks.

`python -m trainer.training.predictor PARENT` takes requests itself; this thread only sees to it
that one lives as long as requests wait. It ends by itself when nobody has asked for a while, which
gives back the memory of torch and of the networks it keeps.
"""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass

from chassis.logs import get_logger
from redis import Redis
from redis.exceptions import RedisError

from trainer.predictions import REQUESTS
from trainer.settings import TrainerSettings
from trainer.standby import training_environment

LOOK_S = 0.5

log = get_logger(__name__)


@dataclass
class PredictorHost:
    """Use in a thread that outlives the process: the kernel kills a child with its thread."""

    settings: TrainerSettings
    closing: threading.Event

    def run(self) -> None:
        """Until the worker closes."""
        broker = Redis.from_url(
            self.settings.broker_url, socket_connect_timeout=2, socket_timeout=2
        )
        process: subprocess.Popen[bytes] | None = None
        while not self.closing.wait(LOOK_S):
            if process is not None and process.poll() is None:
                continue
            try:
                waiting = broker.llen(REQUESTS)
            except (RedisError, OSError) as error:
                log.warning("predictor without broker", extra={"error": type(error).__name__})
                continue
            if waiting:
                process = self._start()
        if process is not None:
            process.kill()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "trainer.training.predictor", str(os.getpid())],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            env=training_environment(os.environ),
        )
