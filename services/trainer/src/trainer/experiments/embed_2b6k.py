"""Benign against biopsy-proven malignant: `asses` B and K, 100 images each."""

from trainer.experiments.declared import Declared
from trainer.experiments.embed import PUBLISHED, QUICK, expect, figures

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
    profiles={"quick": QUICK, "published": PUBLISHED},
    default_profile="quick",
    cohort=expect("asses", "BK", per_class=100),
    published=figures(_figures),
)
