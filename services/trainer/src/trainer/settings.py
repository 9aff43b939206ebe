"""Settings of the trainer: one class for the API, the worker and the training process."""

import ipaddress
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from chassis.settings import InternalServiceSettings, S3Settings, settings_config
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from trainer.probe import SCRATCH


class TrainerSettings(InternalServiceSettings, S3Settings):
    """Everything the trainer can be told, read once per process."""

    model_config = settings_config("TRAINER_")

    database_url: str = Field(description="PostgreSQL of the schema `trainer`")
    broker_url: str = Field(description="Valkey that carries wake-ups (`noeviction`)")
    signing_key: Path = Field(description="Private key that signs a job's identity")
    artifact_bucket: str = Field(description="Bucket for checkpoints, weights and reports")
    catalog_url: str = Field(description="Base URL of the catalog")
    imagery_url: str = Field(description="Base URL of imagery")

    scratch: Path = Field(
        default=SCRATCH,
        description="Folder of a worker for pixel arrays and checkpoints being written",
    )
    weights: Path | None = Field(
        default=None, description="Folder of pretrained weights (`<model>.safetensors` or `.pth`)"
    )
    weights_hub: bool = Field(
        default=False, description="Whether pretrained weights may be fetched from their hub"
    )
    arrays: Path | None = Field(
        default=None, description="Folder of labelled array datasets; unset: none are offered"
    )

    worker_name: str | None = Field(default=None, description="Name of a worker; unset: host-pid")
    worker_slots: int = Field(
        default=0, ge=0, description="Jobs one worker trains at a time; 0: one per GPU, or one"
    )
    threads: int = Field(default=0, ge=0, description="Threads of a training process; 0: all cores")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where to train; `auto` takes a GPU where there is one"
    )

    lease_s: PositiveFloat = Field(
        default=30.0, description="Seconds without a heartbeat after which a job is taken back"
    )
    heartbeat_s: PositiveFloat = Field(default=1.0, description="Seconds between heartbeats")
    stop_grace_s: PositiveFloat = Field(
        default=10.0, description="Seconds a training process may take to end when asked to"
    )
    sweep_s: PositiveFloat = Field(
        default=2.0, description="Seconds between sweeps for expired leases and forgotten jobs"
    )
    max_attempts: PositiveInt = Field(
        default=5, description="Attempts in a row without an epoch before a job is quarantined"
    )
    retry_delay_s: float = Field(
        default=2.0, ge=0, description="Seconds before the second attempt; doubles with each"
    )
    stall_s: PositiveFloat = Field(
        default=1800.0,
        description="Seconds without any progress after which an attempt is given up",
    )
    patience_s: PositiveFloat = Field(
        default=300.0,
        description="Seconds that a training process waits for a store or database that is away",
    )
    max_running: int = Field(
        default=0, ge=0, description="Jobs of one person that run at the same time; 0: any number"
    )
    max_queued: PositiveInt = Field(default=1000, description="Jobs one person may have queued")
    pixels_budget: PositiveInt = Field(
        default=200 << 30, description="Bytes of pixel arrays that a worker's scratch keeps"
    )
    fetch_concurrency: PositiveInt = Field(
        default=8, description="Images that one job fetches at the same time"
    )
    retention_days: int = Field(
        default=0,
        ge=0,
        description="Days after its end that a job's weights and predictions are kept; 0: for ever",
    )
    artifact_quota: int = Field(
        default=0, ge=0, description="Bytes of artifacts one person may keep; 0: any number"
    )
    webhook_hosts: str = Field(
        default="",
        description="Hosts that a job's end may be told to, by commas; `*.lab.example` for all of",
    )
    webhook_networks: str = Field(
        default="", description="Networks beside public ones that such hosts may be in, by commas"
    )
    webhook_secret: str | None = Field(
        default=None, description="Key that signs what they are told; needed with hosts"
    )
    models_kept: PositiveInt = Field(
        default=4, description="Networks that a worker's predictor keeps in memory"
    )
    token_lifetime_s: PositiveInt = Field(
        default=300,
        le=600,
        description="Seconds a job's identity is valid; renewed under its lease",
    )

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.webhook_hosts and not self.webhook_secret:
            raise ValueError("webhook_secret is needed where webhook_hosts are set")
        for network in self.webhook_networks.split(","):
            if network.strip():
                ipaddress.ip_network(network.strip())
        return self

    @cached_property
    def own_gpus(self) -> list[str]:
        """UUIDs of the GPUs that a worker may train on."""
        from trainer.devices import list_gpus

        return [] if self.device == "cpu" else [gpu["uuid"] for gpu in list_gpus()]

    @cached_property
    def own_slots(self) -> int:
        """Jobs that a worker trains at a time, resolved."""
        return self.worker_slots or len(self.own_gpus) or 1

    @cached_property
    def own_threads(self) -> int:
        """Threads of a training process, resolved: the cores are shared by the slots."""
        import os

        return self.threads or max(1, len(os.sched_getaffinity(0)) // (self.worker_slots or 1))


def settings_from_environment() -> TrainerSettings:
    """Settings of this process, from its environment; pydantic names what is missing."""
    return TrainerSettings()  # type: ignore[call-arg]
