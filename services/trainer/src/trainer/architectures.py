"""What is known of each architecture without torch: where its weights are, how fast it is."""

from dataclasses import dataclass
from pathlib import Path

from trainer.settings import TrainerSettings

HUB = "https://download.pytorch.org/models/"
SUFFIXES = (".safetensors", ".pth")
TENSORFLOW = ".npz"


@dataclass(frozen=True)
class Architecture:
    """``rate``: training images per second at 224 x 224 in float32 on two CPU cores."""

    parameters: int
    """With two classes at ``published_size``."""
    rate: float
    hub_file: str | None = None
    weights_of: str | None = None
    """Whose pretrained weights its base takes; None: its own."""
    pretrained: str = "imagenet"
    """What those weights were trained on."""
    published_size: int = 224
    least_size: int = 32
    """Fewest pixels a side that leave something to see."""
    multiple_of: int = 1
    """The side is a multiple of so many pixels."""
    takes_birads: bool = False
    """Is told the image's assessment too."""
    takes_pairs: bool = False
    """Is shown an abnormality and the baseline beside it."""

    def size_refusal(self, size: int) -> str | None:
        """Why it takes no pictures of ``size`` pixels a side; None where it does."""
        if size < self.least_size:
            return f"takes {self.least_size} pixels a side or more"
        if size % self.multiple_of:
            return f"takes a multiple of {self.multiple_of} pixels a side"
        return None


def _dense(
    base: str, hub_file: str, parameters: int, rate: float, *, pairs: bool = False
) -> Architecture:
    return Architecture(
        parameters, rate, hub_file, weights_of=base, published_size=150, takes_pairs=pairs
    )


def _vit(name: str, parameters: int, rate: float) -> Architecture:
    return Architecture(parameters, rate, weights_of=name, multiple_of=16, takes_birads=True)


VGG16, VGG19 = "vgg16-397923af.pth", "vgg19-dcbb9e9d.pth"
BASE, TINY = "vit_base_patch16_224", "vit_tiny_patch16_224"

ARCHITECTURES = {
    "resnet18": Architecture(11_177_538, 21.0, "resnet18-f37072fd.pth"),
    "resnet34": Architecture(21_285_698, 13.0, "resnet34-b627a593.pth"),
    "convnext_tiny": Architecture(27_821_666, 7.5, "convnext_tiny-983f1562.pth"),
    "tiny_cnn": Architecture(19_154, 400.0),
    "mammo_model": Architecture(22_761_986, 25.0, pretrained="ddsm"),
    "scratch_a": Architecture(343_842, 60.0, published_size=150, least_size=78),
    "scratch_b": Architecture(360_354, 60.0, published_size=150, least_size=110),
    "vgg16_dense": _dense("vgg16", VGG16, 16_812_610, 4.0),
    "vgg19_dense": _dense("vgg19", VGG19, 22_122_306, 3.0),
    "resnet50_dense": _dense("resnet50", "resnet50-0676ba61.pth", 36_616_002, 9.0),
    "siamese_vgg16": _dense("vgg16", VGG16, 16_812_610, 2.0, pairs=True),
    "birads_only": Architecture(14, 1000.0, takes_birads=True),
    "vit_b16_late": _vit(BASE, 85_800_322, 3.0),
    "vit_b16_late_embedding": _vit(BASE, 85_800_482, 3.0),
    "vit_b16_late_mlp": _vit(BASE, 86_004_450, 3.0),
    "vit_b16_late_transformer": _vit(BASE, 99_982_850, 2.6),
    "vit_b16_mid": _vit(BASE, 85_805_570, 3.0),
    "vit_b16_early": _vit(BASE, 85_805_570, 3.0),
    "vit_ti16_late": _vit(TINY, 5_524_930, 30.0),
    "vit_ti16_late_embedding": _vit(TINY, 5_525_090, 30.0),
    "vit_ti16_late_mlp": _vit(TINY, 5_582_754, 30.0),
    "vit_ti16_late_transformer": _vit(TINY, 6_416_258, 26.0),
    "vit_ti16_mid": _vit(TINY, 5_526_146, 30.0),
    "vit_ti16_early": _vit(TINY, 5_526_146, 30.0),
}


def find_architecture(name: str) -> Architecture:
    """What is known of a network; of one of torchvision's or timm's that no experiment names, what
    a usual one is like."""
    return ARCHITECTURES.get(name) or Architecture(25_000_000, 8.0, weights_of=name)


def local_weights(settings: TrainerSettings, model: str) -> Path | None:
    """The file of pretrained weights in the configured folder, if it is there."""
    if settings.weights is None:
        return None
    files = (settings.weights / name for name in _files(model))
    return next((file for file in files if file.is_file()), None)


def weights_refusal(settings: TrainerSettings, model: str, kind: str = "imagenet") -> str | None:
    """Why pretrained weights of this kind cannot be had for ``model``; None where they can."""
    known = find_architecture(model)
    if kind != known.pretrained:
        return f"there are no {kind} weights of {model}"
    if local_weights(settings, model) is not None:
        return None
    if known.hub_file is None and known.weights_of is None and kind == "imagenet":
        return f"there are no ImageNet weights of {model}"
    if known.hub_file is not None and settings.weights_hub:
        return None
    wanted = " or ".join(_files(model)[:: len(SUFFIXES)])
    where = f"no {wanted} in TRAINER_WEIGHTS" if settings.weights else "no TRAINER_WEIGHTS"
    off = ", and TRAINER_WEIGHTS_HUB is off" if known.hub_file else ""
    return f"{NAMES[kind]} weights of {model} cannot be had: {where}{off}"


NAMES = {"imagenet": "ImageNet", "ddsm": "DDSM"}


def _files(model: str) -> list[str]:
    """What a file of its weights may be called."""
    known = find_architecture(model)
    suffixes = (*SUFFIXES, TENSORFLOW) if known.pretrained == "ddsm" else SUFFIXES
    return [f"{known.weights_of or model}{suffix}" for suffix in suffixes]
