"""What the experiments on EMBED's whole images have in common."""

from collections.abc import Iterable, Mapping
from typing import Any

from trainer.experiments.declared import ExpectedCohort, Published
from trainer.spec import TrainingSettings

SOURCE = "EMBED Viewer report, 2025: 80/20 by image, epoch chosen on the test set"

Row = tuple[float, float | None]

QUICK = TrainingSettings(
    model="resnet18",
    weights="none",
    input_size=128,
    epochs=12,
    batch_size=16,
    learning_rate=1e-3,
    weight_decay=1e-2,
    optimiser="adamw",
    schedule="one-cycle",
    augment="light",
    normalisation="dataset",
)
QUICK_MANY = QUICK.model_copy(update={"input_size": 64, "epochs": 6})
"""For more classes, and so more images."""
PUBLISHED = TrainingSettings(
    model="resnet18",
    weights="imagenet",
    input_size=224,
    epochs=15,
    batch_size=8,
    learning_rate=1e-4,
    optimiser="adam",
)


def expect(
    field: str,
    classes: Iterable[str],
    *,
    per_class: int | None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the cohort's own word
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
) -> ExpectedCohort:
    """A cohort whose classes are values of ``field``, split by patient.

    ``shares``: of patients in training, validation and test.
    """
    named = [{"name": name, "values": [name]} for name in classes]
    train, validation, test = shares
    return ExpectedCohort(
        label={"field": field, "classes": named, "policy": "worst"},
        sampling=None if per_class is None else {"per_class": per_class},
        split={"by": "patient", "train": train, "validation": validation, "test": test},
        filter=dict(filter or {}),
    )


def figures(
    rows: Mapping[str, Mapping[int, Row] | Mapping[None, Row]],
    variant: str | None = None,
    source: str = SOURCE,
) -> tuple[Published, ...]:
    """``{model: {epochs: (accuracy, ROC-AUC)}}`` as figures of that report."""
    return tuple(
        Published(
            model=model,
            epochs=epochs,
            variant=variant,
            accuracy=accuracy,
            roc_auc=roc_auc,
            source=source,
        )
        for model, by_epochs in rows.items()
        for epochs, (accuracy, roc_auc) in by_epochs.items()
    )
