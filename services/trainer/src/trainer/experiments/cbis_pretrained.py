"""CBIS-DDSM patches by networks with an ImageNet base: alone, as a pair, and in ensembles."""

from trainer.composition import Ensemble, EnsembleMember
from trainer.experiments.cbis import (
    EXTRACTION,
    FINE_TUNING,
    QUICK,
    QUICK_B,
    QUICK_PRETRAINED,
    RIGHT_ANGLES,
    SCRATCH,
    changed,
    declare,
    figure,
)
from trainer.experiments.declared import Declared
from trainer.spec import Labelling, TrainingSettings

HEAD = ("dense", "out")
WEIGHTS = (1.0, 1.25)
BLOCK5, BLOCK4 = ("base.block5", *HEAD), ("base.block4", "base.block5", *HEAD)
TASKS: dict[str, tuple[Labelling, str]] = {
    "masscalc": ("mass-calcification", "Mass or calcification"),
    "benmal": ("benign-malignant", "Benign or malignant"),
}
BASES = {"vgg16": "VGG16", "vgg19": "VGG19", "resnet50": "ResNet-50"}

EXTRACTED = {
    "masscalc-vgg16": (
        figure("vgg16_dense", "batch 32", 0.88, 0.87, 0.86, 0.33),
        figure("vgg16_dense", "batch 64", 0.86, 0.86, 0.85, 0.34),
    ),
    "masscalc-vgg19": (
        figure("vgg19_dense", "batch 32", 0.85, 0.85, 0.83, 0.37),
        figure("vgg19_dense", "batch 64", 0.84, 0.84, 0.83, 0.37),
    ),
    "benmal-vgg16": (
        figure("vgg16_dense", "batch 64", 0.66, 0.63, 0.52, 0.59),
        figure("vgg16_dense", "batch 64, weights 1 and 1.25", 0.69, 0.64, 0.52, 0.58),
    ),
    "benmal-vgg19": (
        figure("vgg19_dense", "batch 64", 0.67, 0.62, 0.48, 0.61),
        figure("vgg19_dense", "batch 64, weights 1 and 1.25", 0.67, 0.62, 0.48, 0.61),
    ),
}
TUNED = {
    "masscalc-vgg16": (
        figure("vgg16_dense", "from block 5", 0.89, 0.89, 0.88, 0.34),
        figure("vgg16_dense", "from block 5, dropout .5", 0.89, 0.89, 0.88, 0.33),
        figure("vgg16_dense", "from block 4", 0.88, 0.88, 0.88, 0.32),
        figure("vgg16_dense", "from block 4, dropout .5", 0.89, 0.89, 0.88, 0.31),
    ),
    "masscalc-vgg19": (
        figure("vgg19_dense", "from block 5", 0.85, 0.85, 0.84, 0.36),
        figure("vgg19_dense", "from block 5, dropout .5", 0.85, 0.85, 0.84, 0.36),
    ),
    "benmal-vgg16": (
        figure("vgg16_dense", "from block 5, dropout .5, weights", 0.66, 0.61, 0.47, 0.60),
        figure("vgg16_dense", "from block 5, dropout .5", 0.68, 0.61, 0.47, 0.60),
    ),
    "benmal-vgg19": (
        figure("vgg19_dense", "from block 5, dropout .5, weights", 0.65, 0.63, 0.53, 0.62),
        figure("vgg19_dense", "from block 5, dropout .5", 0.66, 0.63, 0.52, 0.62),
    ),
}


def _extraction(task: str, base: str) -> Declared:
    labelling, title = TASKS[task]
    model = f"{base}_dense"
    published = changed(EXTRACTION, model=model, batch_size=32 if task == "masscalc" else 64)
    return declare(
        f"{task}-{base}-fe",
        f"{title}, features of {BASES[base]}",
        f"A dense head of 256 on the features of {BASES[base]}, whose weights stay as ImageNet "
        "left them.",
        labelling,
        {
            "quick": changed(QUICK_PRETRAINED, model=model, trainable_blocks=HEAD),
            "published": published,
            **_weighted(task, published),
        },
        EXTRACTED.get(f"{task}-{base}", ()),
    )


def _fine_tuning(task: str, base: str) -> Declared:
    labelling, title = TASKS[task]
    model = f"{base}_dense"
    last = BLOCK5 if base != "resnet50" else ("base.layer4", *HEAD)
    published = changed(FINE_TUNING, model=model, trainable_blocks=last)
    if task == "benmal":
        published = changed(published, dropout=0.5, batch_size=64)
    profiles = {
        "quick": changed(QUICK_PRETRAINED, model=model, trainable_blocks=last),
        "published": published,
        **_weighted(task, published),
    }
    if task == "masscalc":
        profiles["published-dropout"] = changed(published, dropout=0.5)
    if (task, base) == ("masscalc", "vgg16"):
        profiles["published-block4"] = changed(published, trainable_blocks=BLOCK4)
    return declare(
        f"{task}-{base}-ft",
        f"{title}, {BASES[base]} tuned",
        f"{BASES[base]} with a dense head of 256, trained from its last block on, with or without "
        "dropout.",
        labelling,
        profiles,
        TUNED.get(f"{task}-{base}", ()),
    )


def _weighted(task: str, published: TrainingSettings) -> dict[str, TrainingSettings]:
    """The weights by which malignant patches counted more."""
    if task != "benmal":
        return {}
    return {"published-class-weights": changed(published, class_weight_values=WEIGHTS)}


_shared = ("shared.dense", "out")
_siamese = changed(EXTRACTION, model="siamese_vgg16", trainable_blocks=_shared)
_tuned_siamese = changed(_siamese, trainable_blocks=("shared.base.block5", *_shared))
SIAMESE = declare(
    "siamese",
    "Mass or calcification beside its baseline",
    "VGG16 sees the abnormality and the healthy tissue beside it; the difference of their features "
    "(16,812,096 shared parameters) is told apart.",
    "mass-calcification",
    {
        "quick": changed(QUICK_PRETRAINED, model="siamese_vgg16", trainable_blocks=_shared),
        "published": _siamese,
        "published-block5": _tuned_siamese,
        "published-block5-dropout": changed(_tuned_siamese, dropout=0.5),
    },
    (
        figure("siamese_vgg16", "base frozen", 0.86, 0.86, 0.85, 0.34),
        figure("siamese_vgg16", "from block 5", 0.87, 0.87, 0.86, 0.33),
        figure("siamese_vgg16", "from block 5, dropout .5", 0.87, 0.87, 0.86, 0.34),
    ),
)


def _member(experiment: str, **overrides: object) -> EnsembleMember:
    return EnsembleMember(experiment=f"cbis-{experiment}", overrides=overrides)


MASSCALC_ENSEMBLE = declare(
    "masscalc-ensemble",
    "Mass or calcification, three networks averaged",
    "The mean of the network from scratch, VGG16 tuned with dropout and the features of VGG16, the "
    "best of each; `profile` is that of its members.",
    "mass-calcification",
    {"quick": QUICK, "published": SCRATCH},
    (figure("scratch_a", "mean of scratch, VGG16 tuned, VGG16 features", 0.89, 0.89, 0.88),),
    composition=Ensemble(
        members=(
            _member("masscalc-scratch"),
            _member("masscalc-vgg16-ft", dropout=0.5),
            _member("masscalc-vgg16-fe"),
        )
    ),
    version=2,
)
BENMAL_ENSEMBLE = declare(
    "benmal-ensemble",
    "Benign or malignant, three networks averaged",
    "The mean of the network from scratch, the same with class weights and the features of VGG16 "
    "with malignant patches counting 1.25; `profile` is that of its members.",
    "benign-malignant",
    {"quick": QUICK_B, "published": RIGHT_ANGLES},
    (figure("scratch_b", "mean of scratch, scratch weighted, VGG16 features", 0.68, 0.66, 0.56),),
    composition=Ensemble(
        members=(
            _member("benmal-scratch"),
            _member("benmal-scratch", class_weights="balanced"),
            _member("benmal-vgg16-fe", class_weight_values=WEIGHTS),
        )
    ),
    version=2,
)

PRETRAINED_EXPERIMENTS = (
    *(_extraction(task, base) for task in TASKS for base in BASES),
    *(_fine_tuning(task, base) for task in TASKS for base in BASES),
    SIAMESE,
    MASSCALC_ENSEMBLE,
    BENMAL_ENSEMBLE,
)
