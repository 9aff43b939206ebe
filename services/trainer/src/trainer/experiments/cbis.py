"""What the experiments on CBIS-DDSM patches have in common."""

from collections.abc import Mapping
from typing import Any

from trainer.composition import Composition
from trainer.experiments.declared import Declared, Published
from trainer.patches import LABELLINGS
from trainer.spec import Labelling, TrainingSettings

SOURCE = (
    "Mass and calcification on CBIS-DDSM patches, student report; what it calls AUC is probably "
    "balanced accuracy and stands as that"
)

SCRATCH = TrainingSettings(
    model="scratch_a",
    weights="none",
    input_size=150,
    epochs=100,
    batch_size=50,
    learning_rate=1e-3,
    optimiser="adam",
    normalisation="dataset",
    fit="pad",
    augment="affine",
    patience=50,
)
RIGHT_ANGLES = SCRATCH.model_copy(update={"augment": "right-angles", "model": "scratch_b"})
EXTRACTION = SCRATCH.model_copy(
    update={
        "model": "vgg16_dense",
        "weights": "imagenet",
        "normalisation": "imagenet",
        "learning_rate": 1e-5,
        "batch_size": 32,
        "patience": 10,
        "augmented_copies": 2,
        "output": "sigmoid",
        "trainable_blocks": ("dense", "out"),
    }
)
FINE_TUNING = EXTRACTION.model_copy(update={"trainable_blocks": ("base.block5", "dense", "out")})

QUICK = SCRATCH.model_copy(
    update={"input_size": 96, "epochs": 6, "augment": "none", "patience": None, "batch_size": 25}
)
QUICK_B = QUICK.model_copy(update={"model": "scratch_b", "input_size": 112})
QUICK_PRETRAINED = QUICK.model_copy(
    update={"model": "vgg16_dense", "input_size": 48, "epochs": 2, "learning_rate": 3e-4}
)


def changed(settings: TrainingSettings, **changes: Any) -> TrainingSettings:
    """The settings but for ``changes``, checked."""
    return TrainingSettings.model_validate(settings.model_dump() | changes)


def figure(
    model: str,
    variant: str,
    accuracy: float,
    balanced_accuracy: float | None,
    f1: float | None,
    log_loss: float | None = None,
) -> Published:
    """A row of the report."""
    return Published(
        model=model,
        variant=variant,
        accuracy=accuracy,
        balanced_accuracy=balanced_accuracy,
        f1=f1,
        log_loss=log_loss,
        source=SOURCE,
    )


def declare(
    name: str,
    title: str,
    description: str,
    labelling: Labelling,
    profiles: Mapping[str, TrainingSettings],
    published: tuple[Published, ...] = (),
    *,
    models: tuple[str, ...] | None = None,
    composition: Composition | None = None,
    version: int = 1,
) -> Declared:
    """An experiment on patches; ``models``: those of its profiles where nothing is said."""
    classes = LABELLINGS[labelling].classes
    named = tuple(dict.fromkeys(settings.model for settings in profiles.values()))
    return Declared(
        name=f"cbis-{name}",
        version=version,
        title=title,
        description=description,
        task="binary classification" if len(classes) == 2 else "classification",
        dataset_kind="patches",
        classes=classes,
        models=models or named,
        profiles=dict(profiles),
        default_profile="quick",
        labelling=labelling,
        published=published,
        composition=composition,
    )
