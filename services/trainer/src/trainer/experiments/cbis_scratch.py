"""CBIS-DDSM patches by networks from scratch: three tasks, folds, a sweep."""

from trainer.composition import Folds, Sweep
from trainer.experiments.cbis import (
    QUICK,
    QUICK_B,
    RIGHT_ANGLES,
    SCRATCH,
    changed,
    declare,
    figure,
)

HOLDOUT = Folds(count=4, method="k-holdout")
SWEEP = {(25, 64): (0.87, 0.87, 0.86, 0.30), (50, 64): (0.86, 0.85, 0.86, 0.32),
         (25, 128): (0.80, 0.80, 0.78, 0.46), (50, 128): (0.84, 0.83, 0.83, 0.33),
         (25, 256): (0.85, 0.84, 0.83, 0.33), (50, 256): (0.86, 0.86, 0.85, 0.29),
         (25, 512): (0.88, 0.88, 0.87, 0.29), (50, 512): (0.87, 0.87, 0.85, 0.30)}  # fmt: skip
_scratch = ("scratch_a", "scratch_b")
_masscalc = figure("scratch_a", "mean of 4 holdouts", 0.86, 0.86, 0.85, 0.31)
_benmal = figure("scratch_b", "mean of 4 holdouts", 0.66, 0.64, 0.54, 0.62)
_weighted = figure("scratch_b", "class weights, mean of 4 holdouts", 0.59, 0.63, 0.56, 0.66)

MASSCALC_SCRATCH = declare(
    "masscalc-scratch",
    "Mass or calcification, from scratch",
    "Five valid convolutions (343,842 parameters) tell masses from calcifications. Trained as "
    "published with the first augmentation, or without one.",
    "mass-calcification",
    {
        "quick": QUICK,
        "published": SCRATCH,
        "published-not-augmented": changed(SCRATCH, augment="none", batch_size=25),
    },
    (
        figure("scratch_a", "not augmented", 0.8244, None, None, 1.5748),
        figure("scratch_a", "augmented", 0.87, 0.87, 0.86, 0.30),
        _masscalc,
    ),
    models=_scratch,
)
MASSCALC_HOLDOUT = declare(
    "masscalc-holdout4",
    "Mass or calcification, four holdouts",
    "The network from scratch four times, each time another quarter of the patients validates; "
    "the mean counts.",
    "mass-calcification",
    {"quick": changed(QUICK, epochs=4), "published": SCRATCH},
    (_masscalc,),
    models=_scratch,
    composition=HOLDOUT,
)
MASSCALC_SWEEP = declare(
    "masscalc-sweep",
    "Mass or calcification, batch sizes and hidden units",
    "Eight networks from scratch: batches of 25 and 50, 64 to 512 hidden units. Validation "
    "chooses; the others are told beside it.",
    "mass-calcification",
    {"quick": changed(QUICK, epochs=4, input_size=78), "published": SCRATCH},
    tuple(
        figure("scratch_a", f"batch {batch}, {units} hidden units", *row)
        for (batch, units), row in SWEEP.items()
    ),
    models=_scratch,
    composition=Sweep(grid={"hidden_units": (64, 128, 256, 512), "batch_size": (25, 50)}),
)
BENMAL_SCRATCH = declare(
    "benmal-scratch",
    "Benign or malignant, from scratch",
    "First the five convolutions with 256 hidden units, then six (360,354 parameters) with "
    "dropout, under the second augmentation, with or without class weights.",
    "benign-malignant",
    {
        "quick": QUICK_B,
        "published": RIGHT_ANGLES,
        "published-first": changed(RIGHT_ANGLES, model="scratch_a", hidden_units=256, dropout=0.2),
        "published-class-weights": changed(RIGHT_ANGLES, class_weights="balanced"),
    },
    (_benmal, _weighted),
    models=_scratch,
)
BENMAL_HOLDOUT = declare(
    "benmal-holdout4",
    "Benign or malignant, four holdouts",
    "The network from scratch four times, each time another quarter of the patients validates; "
    "the mean counts.",
    "benign-malignant",
    {
        "quick": changed(QUICK_B, epochs=4),
        "published": RIGHT_ANGLES,
        "published-class-weights": changed(RIGHT_ANGLES, class_weights="balanced"),
    },
    (_benmal, _weighted),
    models=_scratch,
    composition=HOLDOUT,
)
BASELINE3 = declare(
    "baseline3",
    "Baseline, mass or calcification",
    "The five convolutions with three outputs and healthy tissue as a class of its own, of which "
    "there is twice as much, with or without class weights.",
    "baseline-mass-calcification",
    {
        "quick": changed(QUICK, epochs=6),
        "published": SCRATCH,
        "published-class-weights": changed(SCRATCH, class_weights="balanced"),
    },
    (
        figure("scratch_a", "batch 50, 64 hidden units", 0.83, None, 0.80, 0.46),
        figure("scratch_a", "class weights", 0.79, None, 0.79, 0.57),
    ),
    models=_scratch,
)

SCRATCH_EXPERIMENTS = (
    MASSCALC_SCRATCH,
    MASSCALC_HOLDOUT,
    MASSCALC_SWEEP,
    BENMAL_SCRATCH,
    BENMAL_HOLDOUT,
    BASELINE3,
)
