"""BI-RADS assessments from whole images: all seven, and 4, 5 and 6 of diagnostic exams."""

from trainer.experiments.declared import Declared
from trainer.experiments.embed import PUBLISHED, QUICK_MANY, expect, figures

SEVEN = ("A", "N", "B", "P", "S", "M", "K")
DIAGNOSTIC = {"exam_type": ["diagnostic"]}

EMBED_BIRADS7 = Declared(
    name="embed-birads7",
    version=1,
    title="All seven BI-RADS assessments",
    description=(
        "Tells the assessments 0 to 6 (`asses` A, N, B, P, S, M, K) apart on whole images, up to "
        "100 of each."
    ),
    task="classification",
    dataset_kind="cohort",
    classes=SEVEN,
    models=("resnet18", "resnet34", "convnext_tiny"),
    profiles={"quick": QUICK_MANY, "published": PUBLISHED.model_copy(update={"epochs": 10})},
    default_profile="quick",
    cohort=expect("asses", SEVEN, per_class=100),
    published=figures(
        {
            "convnext_tiny": {5: (0.5167, 0.8683), 10: (0.5917, 0.8857), 15: (0.5667, 0.8132)},
            "resnet18": {5: (0.55, 0.8590), 10: (0.6571, 0.9123), 15: (0.6214, 0.8983)},
            "resnet34": {
                5: (0.4429, 0.8485),
                10: (0.5571, 0.8769),
                15: (0.5929, 0.8849),
                20: (0.5643, 0.8792),
            },
        }
    ),
)

EMBED_DIAGNOSTIC456 = Declared(
    name="embed-diagnostic456",
    version=1,
    title="BI-RADS 4, 5 and 6 of diagnostic exams",
    description=(
        "Tells suspicious (S), highly suggestive of malignancy (M) and biopsy-proven (K) apart on "
        "images of diagnostic exams. The published test set held 92 images."
    ),
    task="classification",
    dataset_kind="cohort",
    classes=("S", "M", "K"),
    models=("resnet34", "resnet18", "convnext_tiny"),
    profiles={
        "quick": QUICK_MANY,
        "published": PUBLISHED.model_copy(update={"model": "resnet34", "epochs": 5}),
    },
    default_profile="quick",
    cohort=expect("asses", ("S", "M", "K"), per_class=None, filter=DIAGNOSTIC),
    published=figures(
        {"resnet34": {5: (0.8804, 0.9457), 10: (0.8804, 0.9430), 15: (0.8696, 0.9332)}}
    ),
)

_LAST = ("dense_out", "dense_1", "dense")
_DDSM = PUBLISHED.model_copy(
    update={"model": "mammo_model", "weights": "ddsm", "epochs": 5, "normalisation": "dataset"}
)
_DDSM_FIGURES = {1: (0.30, 0.5078), 2: (0.40, 0.6135), 3: (0.25, 0.5352)}

EMBED_DIAGNOSTIC456_DDSM = Declared(
    name="embed-diagnostic456-ddsm",
    version=1,
    title="BI-RADS 4, 5 and 6 by a network from DDSM",
    description=(
        "The same classes by a network that was trained on DDSM in TensorFlow, rebuilt layer by "
        "layer, with its 1, 2 or 3 last layers trained. Its weights are read from "
        "`mammo_model.npz` in the workers' weights folder; without it, start from none."
    ),
    task="classification",
    dataset_kind="cohort",
    classes=("S", "M", "K"),
    models=("mammo_model",),
    profiles={
        "quick": QUICK_MANY.model_copy(update={"model": "mammo_model"}),
        "published": _DDSM.model_copy(update={"trainable_blocks": _LAST[:1]}),
        "published-2-layers": _DDSM.model_copy(update={"trainable_blocks": _LAST[:2]}),
        "published-3-layers": _DDSM.model_copy(update={"trainable_blocks": _LAST}),
    },
    default_profile="quick",
    cohort=expect(
        "asses", ("S", "M", "K"), per_class=None, filter=DIAGNOSTIC, shares=(0.7, 0.15, 0.15)
    ),
    published=tuple(
        figure
        for layers, row in _DDSM_FIGURES.items()
        for figure in figures({"mammo_model": {None: row}}, f"{layers} last layers trained")
    ),
)
