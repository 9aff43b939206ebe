"""The severity of what pathology found, from whole images, with and without their assessment."""

from trainer.experiments.declared import Declared
from trainer.experiments.embed import PUBLISHED, QUICK_MANY, expect, figures

SEVERITIES = ("0", "1", "2", "3", "4", "5")
FORMS = ("late", "late_embedding", "late_mlp", "late_transformer", "mid", "early")
_cohort = expect("path_severity", SEVERITIES, per_class=200, filter={"asses": {"not": [None]}})
_published = PUBLISHED.model_copy(
    update={"model": "resnet34", "epochs": 5, "normalisation": "dataset"}
)
_before = {
    "resnet34": {5: (0.4170, 0.787)},
    "resnet18": {5: (0.3872, 0.7531)},
    "convnext_tiny": {5: (0.3616, 0.7321)},
}
_with = {
    "resnet34": {5: (0.5064, 0.8011)},
    "resnet18": {5: (0.5404, 0.8297)},
    "convnext_tiny": {5: (0.4809, 0.7968)},
}
_longer = {
    "resnet34": {5: (0.5617, 0.8476), 10: (0.5106, 0.8232)},
    "resnet18": {5: (0.5064, 0.8234), 10: (0.5277, 0.8227)},
    "convnext_tiny": {5: (0.4723, 0.8125), 10: (0.4851, 0.8013)},
}

EMBED_PATHOLOGY = Declared(
    name="embed-pathology",
    version=1,
    title="Severity of pathology",
    description=(
        "Tells `path_severity` 0 (invasive cancer) to 5 apart on whole images with an assessment, "
        "up to 200 of each. Grey values are normalised by the training split, or by ImageNet as "
        "the report did before. The published test set held 235 images."
    ),
    task="classification",
    dataset_kind="cohort",
    classes=SEVERITIES,
    models=("resnet34", "resnet18", "convnext_tiny"),
    profiles={
        "quick": QUICK_MANY,
        "published": _published,
        "published-imagenet-normalisation": _published.model_copy(
            update={"normalisation": "imagenet"}
        ),
    },
    default_profile="quick",
    cohort=_cohort,
    published=(
        *figures(_before, "ImageNet's normalisation"),
        *figures(_with, "the dataset's normalisation"),
        *figures(_longer, "the dataset's normalisation, second table"),
    ),
)

_vit = QUICK_MANY.model_copy(update={"schedule": "cosine"})

EMBED_PATHOLOGY_BIRADS_VIT = Declared(
    name="embed-pathology-birads-vit",
    version=1,
    title="Severity of pathology, told the BI-RADS assessment",
    description=(
        "A vision transformer that sees the image and is told its assessment (A 0, N 1, B 2, P 3, "
        "S 4, M 5, K 6): joined late as published, by a learned embedding, before two layers or a "
        "second transformer, half way, or with the patches. BI-RADS 6 means proven by biopsy: each "
        "result stands beside the assessment alone and beside the result without it. The published "
        "40 epochs went on from a saved model on a new random split, so that its test images had "
        "been trained on."
    ),
    task="classification",
    dataset_kind="cohort",
    classes=SEVERITIES,
    models=(
        *(f"vit_b16_{form}" for form in FORMS),
        *(f"vit_ti16_{form}" for form in FORMS),
        "birads_only",
    ),
    profiles={
        "quick": _vit.model_copy(update={"model": "vit_ti16_late"}),
        "published": PUBLISHED.model_copy(
            update={
                "model": "vit_b16_late",
                "weights": "none",
                "epochs": 40,
                "optimiser": "adamw",
                "weight_decay": 1e-4,
                "normalisation": "dataset",
            }
        ),
    },
    default_profile="quick",
    cohort=_cohort,
    published=(
        *figures({"vit_b16_late": {10: (0.2936, 0.6195), 20: (0.4771, None), 30: (0.4862, None)}}),
        *figures(
            {"vit_b16_late": {40: (0.8509, 0.9670)}},
            "went on from 30 epochs on a new split: its test images had been trained on",
        ),
    ),
)
