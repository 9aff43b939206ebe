"""Benign against biopsy-proven malignant: `asses` B and K, 100 images each."""

from trainer.experiments.declared import Declared, ExpectedCohort, Published
from trainer.spec import TrainingSettings

SOURCE = "EMBED Viewer report, 2025: 80/20 by image, epoch chosen on the test set"

_figures = {
    "convnext_tiny": {5: (0.90, 0.9349), 10: (0.95, 0.985), 15: (0.95, 0.985), 20: (0.875, 0.9105)},
    "resnet18": {5: (0.875, 0.9449), 10: (0.90, 0.913), 15: (0.925, 0.9635)},
}

EMBED_2B6K = Declared(
    name="embed-2b6k",
    version=1,
    title="BI-RADS 2 against 6",
    description=(
        "Tells benign findings (BI-RADS 2, `asses` B) from biopsy-proven malignancy (BI-RADS 6, "
        "`asses` K) on whole images. Splits are by patient; the epoch is chosen on validation and "
        "the test split is used once."
    ),
    task="binary classification",
    dataset_kind="cohort",
    classes=("B", "K"),
    models=("resnet18", "convnext_tiny"),
    profiles={
        "quick": TrainingSettings(
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
        ),
        "published": TrainingSettings(
            model="resnet18",
            weights="imagenet",
            input_size=224,
            epochs=15,
            batch_size=8,
            learning_rate=1e-4,
            optimiser="adam",
        ),
    },
    default_profile="quick",
    cohort=ExpectedCohort(
        label={
            "field": "asses",
            "classes": [{"name": "B", "values": ["B"]}, {"name": "K", "values": ["K"]}],
            "policy": "worst",
        },
        sampling={"per_class": 100},
        split={"by": "patient", "train": 0.7, "validation": 0.1, "test": 0.2},
    ),
    published=tuple(
        Published(model=model, epochs=epochs, accuracy=accuracy, roc_auc=roc_auc, source=SOURCE)
        for model, rows in _figures.items()
        for epochs, (accuracy, roc_auc) in rows.items()
    ),
)
