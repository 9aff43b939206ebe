"""What a worker's host has to train on, and how busy it is."""

from typing import Any

import psutil


def list_gpus() -> list[dict[str, Any]]:
    """Each NVIDIA GPU with its load, by NVML; none where there is no driver or no binding."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_describe(pynvml, n) for n in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def _describe(nvml: Any, number: int) -> dict[str, Any]:
    handle = nvml.nvmlDeviceGetHandleByIndex(number)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return {
        "uuid": nvml.nvmlDeviceGetUUID(handle),
        "name": nvml.nvmlDeviceGetName(handle),
        "utilisation": nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100,
        "memory_used": memory.used,
        "memory_total": memory.total,
    }


def measure_usage(process: psutil.Process) -> dict[str, Any]:
    """Load of the host, and memory of this worker with what it trains."""
    memory = psutil.virtual_memory()
    return {
        "cpu": psutil.cpu_percent() / 100,
        "memory_used": memory.total - memory.available,
        "memory_total": memory.total,
        "memory_own": sum(_resident(p) for p in [process, *process.children(recursive=True)]),
        "gpus": list_gpus(),
    }


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
