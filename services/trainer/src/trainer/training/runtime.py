"""Where and how exactly a job computes. All of it goes into the manifest."""

import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainer.spec import TrainingSettings


@dataclass(frozen=True)
class Runtime:
    """Device, threads and arithmetic. Equal runtimes give equal bits."""

    device: str
    threads: int
    precision: str
    instructions: str

    def apply(self, settings: TrainingSettings) -> None:
        """Set up torch for this process."""
        torch.set_num_threads(self.threads)
        if settings.deterministic:
            # cuBLAS repeats itself only with a fixed workspace.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
            torch.backends.cudnn.benchmark = False

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def choose_runtime(settings: TrainingSettings, device: str, threads: int) -> Runtime:
    """What this machine offers for ``settings``."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    flags = _processor_flags()
    precision = settings.precision
    if precision == "auto":
        gains = torch.cuda.is_bf16_supported() if device == "cuda" else "amx_bf16" in flags
        precision = "bfloat16" if gains else "float32"
    capability = torch.backends.cpu.get_cpu_capability()
    matrix = "+AMX" if "amx_bf16" in flags else ""
    return Runtime(device, threads, precision, f"{platform.machine()} {capability}{matrix}")


def describe_versions() -> dict[str, str]:
    """Versions that may change a result; of CUDA and the GPU where there are any."""
    found = {
        "python": sys.version.split()[0],
        "torch": str(torch.__version__),
        "torchvision": version("torchvision"),
        "timm": version("timm"),
        "numpy": np.__version__,
        "scikit-learn": version("scikit-learn"),
    }
    if not torch.cuda.is_available():
        return found
    cudnn = str(torch.backends.cudnn.version())
    return found | {
        "cuda": str(torch.version.cuda), "cudnn": cudnn, "gpu": torch.cuda.get_device_name(),
    }  # fmt: skip


def _processor_flags() -> frozenset[str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return frozenset()
    lines = path.read_text().splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())
