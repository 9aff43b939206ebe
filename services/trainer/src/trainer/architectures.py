"""What is known of each architecture without torch: where its weights are, how fast it is."""

from dataclasses import dataclass
from pathlib import Path

from trainer.settings import TrainerSettings

HUB = "https://download.pytorch.org/models/"
SUFFIXES = (".safetensors", ".pth")


@dataclass(frozen=True)
class Architecture:
    """``rate``: training images per second at 224 x 224 in float32 on two CPU cores."""

    parameters: int
    rate: float
    hub_file: str | None


ARCHITECTURES = {
    "resnet18": Architecture(11_177_538, 21.0, "resnet18-f37072fd.pth"),
    "convnext_tiny": Architecture(27_821_666, 7.5, "convnext_tiny-983f1562.pth"),
    "tiny_cnn": Architecture(19_154, 400.0, None),
}


def local_weights(settings: TrainerSettings, model: str) -> Path | None:
    """The file of pretrained weights in the configured folder, if it is there."""
    if settings.weights is None:
        return None
    files = (settings.weights / f"{model}{suffix}" for suffix in SUFFIXES)
    return next((file for file in files if file.is_file()), None)


def weights_refusal(settings: TrainerSettings, model: str) -> str | None:
    """Why pretrained weights of ``model`` cannot be had; None where they can."""
    known = ARCHITECTURES[model].hub_file
    if local_weights(settings, model) is not None:
        return None
    if known is None:
        return f"there are no ImageNet weights of {model}"
    if settings.weights_hub:
        return None
    where = (
        f"no {model}{SUFFIXES[0]} in TRAINER_WEIGHTS" if settings.weights else "no TRAINER_WEIGHTS"
    )
    return f"ImageNet weights of {model} cannot be had: {where}, and TRAINER_WEIGHTS_HUB is off"
