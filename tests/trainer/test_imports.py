"""Only the training process pays for torch."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "timm", "sklearn", "scipy")


@pytest.mark.parametrize("module", ["trainer.app", "trainer.worker", "trainer.migrate"])
def test_api_and_worker_import_no_torch(module: str) -> None:
    code = f"import sys, {module}; print([n for n in {HEAVY!r} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_torchvision_and_timm_can_be_imported_beside_this_torch() -> None:
    code = (
        "from trainer.training.torch_compat import torchvision; import timm;"
        "print(torchvision.models.get_model('resnet18').fc.out_features)"
    )
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == "1000"
