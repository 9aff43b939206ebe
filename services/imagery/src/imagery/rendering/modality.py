"""Modality LUT: stored values to the modality's units (PS3.3 C.11.1)."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from imagery.dicom.attributes import numbers
from imagery.rendering.luts import Lut, Real, read_lut


@dataclass(frozen=True, eq=False)
class Modality:
    """A lookup table, or a straight line; without either stored values are what they are."""

    lut: Lut | None = None
    slope: float = 1.0
    intercept: float = 0.0


def read_modality(dataset: Dataset, *, signed: bool, big_endian: bool = False) -> Modality:
    """The Modality LUT module of ``dataset``."""
    sequence = dataset.get("ModalityLUTSequence")
    if sequence:
        return Modality(lut=read_lut(sequence[0], signed=signed, big_endian=big_endian))
    slope, intercept = numbers(dataset, "RescaleSlope"), numbers(dataset, "RescaleIntercept")
    if slope and intercept:
        return Modality(slope=slope[0], intercept=intercept[0])
    return Modality()


def apply_modality_lut(stored: Real, modality: Modality) -> Real:
    """Stored values in the modality's units, any shape."""
    if modality.lut is not None:
        return modality.lut.apply(stored)
    return stored * modality.slope + modality.intercept
