"""Splits anew for the folds of a cross-validation: by patient, stratified by class."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trainer.composition import Fold
from trainer.samples import TEST, TRAIN, VALIDATION, Samples, SamplesError


def apply_fold(samples: Samples, fold: Fold) -> Samples:
    """The samples with the splits of a fold.

    `k-fold`: all patients are dealt out; part ``index`` is the test, the next one validates.
    `k-holdout`: the test split stays; of the others part ``index`` validates.

    Raises:
        SamplesError: a class has fewer patients than there are folds.
    """
    splits = np.full(len(samples.labels), TRAIN, np.int8)
    if fold.method == "k-holdout":
        dealt = np.flatnonzero(samples.splits != TEST)
        splits[samples.splits == TEST] = TEST
        parts = deal_patients(samples, dealt, fold)
        splits[dealt[parts == fold.index]] = VALIDATION
    else:
        parts = deal_patients(samples, np.arange(len(splits)), fold)
        splits[parts == fold.index] = TEST
        splits[parts == (fold.index + 1) % fold.count] = VALIDATION
    return replace(samples, splits=splits)


def deal_patients(samples: Samples, places: NDArray[np.int64], fold: Fold) -> NDArray[np.int64]:
    """(len(places),) which part each sample is in: all of a patient in one, classes even.

    A patient counts to the greatest class among their images, which usually is the rarer.
    """
    patients, labels = samples.patients[places], samples.labels[places]
    known, index = np.unique(patients, return_inverse=True)
    worst = np.zeros(len(known), np.int64)
    np.maximum.at(worst, index, labels)
    generator = np.random.default_rng([fold.seed, fold.count])
    part, dealt = np.empty(len(known), np.int64), 0
    for label in range(len(samples.classes)):
        group = generator.permutation(np.flatnonzero(worst == label))
        if 0 < len(group) < fold.count:
            raise SamplesError(
                f"class {samples.classes[label]} has {len(group)} patients, "
                f"too few for {fold.count} folds"
            )
        part[group] = (np.arange(len(group)) + dealt) % fold.count
        dealt += len(group)
    return part[index]
