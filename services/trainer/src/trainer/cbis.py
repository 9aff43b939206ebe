"""CBIS-DDSM as The Cancer Imaging Archive gives it, cropped by us into the tensors of patches.

    python -m trainer.cbis SOURCE TARGET

SOURCE holds the case tables (`mass_case_description_train_set.csv` and its three like) and the
DICOM files anywhere below. Of each abnormality the square around its mask is cut out of the full
mammogram, and a square of the same size beside it that no mask of the image touches: its baseline.
Both become 150 x 150. TARGET is then a folder that `cbis-*` experiments take, with patients told.

Known of the archive: a mask and a cropped picture stand in each other's column in many rows, and
one patient may be in the training table of masses and the test table of calcifications.
"""

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import torch
from numpy.typing import NDArray
from torch.nn import functional

SIDE = 150
MARGIN = 1.2
"""The square's side as a multiple of the mask's longer one: its edge is part of a finding."""
LABELS = {("mass", False): 1, ("mass", True): 2, ("calc", False): 3, ("calc", True): 4}
OUTCOMES = {"MALIGNANT": True, "BENIGN": False, "BENIGN_WITHOUT_CALLBACK": False}
SPLITS = {"train": "train", "test": "public_test"}

ORIGIN = {
    "title": "CBIS-DDSM, patches cut here",
    "licence": "CC BY 3.0, as The Cancer Imaging Archive gives it",
    "attribution": (
        "R. Sawyer-Lee, F. Gimenez, A. Hoogi, D. Rubin: Curated Breast Imaging Subset of DDSM "
        "(CBIS-DDSM), The Cancer Imaging Archive, 2016, doi:10.7937/K9/TCIA.2016.7O02S9CY"
    ),
}

Square = tuple[int, int, int]
"""(top, left, side)"""


class CbisError(Exception):
    """The folder is not laid out as the archive's; the text says what is missing."""


@dataclass(frozen=True)
class Case:
    """A row of a case table; paths are series instance UIDs."""

    patient: str
    split: str
    label: int
    image: str
    parts: tuple[str, str]
    """Series of the mask and of the cropped picture, in either order."""


@dataclass
class Tensors:
    """Patches of one split as they come."""

    images: list[NDArray[np.uint16]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)


def read_cases(source: Path) -> list[Case]:
    """All rows of the case tables; CbisError where there is none, or a row is not understood."""
    cases = [case for path in sorted(source.rglob("*_case_description_*_set.csv"))
             for case in _read_table(path)]  # fmt: skip
    if not cases:
        raise CbisError(f"{source} holds no case table, e.g. mass_case_description_train_set.csv")
    return cases


def _read_table(path: Path) -> Iterator[Case]:
    kind, split = path.name.split("_")[0], "test" if "_test_" in path.name else "train"
    with path.open(newline="", encoding="utf-8-sig") as stream:
        for number, row in enumerate(csv.DictReader(stream), start=2):
            try:
                yield Case(
                    patient=row["patient_id"].strip(),
                    split=split,
                    label=LABELS[kind, OUTCOMES[row["pathology"].strip()]],
                    image=_series(row["image file path"]),
                    parts=(
                        _series(row["ROI mask file path"]),
                        _series(row["cropped image file path"]),
                    ),
                )
            except (KeyError, IndexError, AttributeError) as error:
                raise CbisError(f"{path.name}, line {number}: {error!r}") from error


def _series(path: str) -> str:
    """`Mass-Training_P_00001_LEFT_CC/STUDY/SERIES/000000.dcm` -> SERIES."""
    return path.strip().split("/")[-2]


def index_files(source: Path) -> dict[str, list[Path]]:
    """DICOM files by series, whatever their folders are called."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(source.rglob("*.dcm")):
        header = pydicom.dcmread(path, specific_tags=["SeriesInstanceUID"], stop_before_pixels=True)
        found[str(header.SeriesInstanceUID)].append(path)
    return found


def cut_case(
    picture: NDArray[Any], mask: NDArray[np.bool_], taken: NDArray[np.bool_]
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]] | None:
    """(baseline, abnormality), each (150, 150); None where no healthy tissue lies beside it.

    ``picture`` (h, w); ``mask`` of the abnormality, ``taken`` of all those of the image.
    """
    square = square_around(mask)
    beside = square_beside(picture, square, taken)
    if beside is None:
        return None
    return _cut(picture, beside), _cut(picture, square)


def square_around(mask: NDArray[np.bool_]) -> Square:
    """The square about the mask's box with a margin, moved to lie within the image."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    side = min(round(MARGIN * max(height, width)), *mask.shape)
    middle = (rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2
    top, left = (
        int(np.clip(m - side // 2, 0, size - side))
        for m, size in zip(middle, mask.shape, strict=True)
    )
    return top, left, side


def square_beside(picture: NDArray[Any], square: Square, taken: NDArray[np.bool_]) -> Square | None:
    """Of the eight neighbours the one with most tissue that no mask touches; None of too little."""
    top, left, side = square
    dark = picture < max(1.0, 0.05 * float(picture.max()))
    best, least = None, 0.25
    for down in (-side, 0, side):
        for across in (-side, 0, side):
            y, x = top + down, left + across
            inside = 0 <= y <= picture.shape[0] - side and 0 <= x <= picture.shape[1] - side
            part = np.s_[y : y + side, x : x + side]
            if not inside or taken[part].any():
                continue
            air = float(dark[part].mean())
            if air < least:
                best, least = (y, x, side), air
    return best


def _cut(picture: NDArray[Any], square: Square) -> NDArray[np.uint16]:
    top, left, side = square
    part = picture[top : top + side, left : left + side].astype(np.float32)
    grey = torch.from_numpy(part)[None, None]
    sized = functional.interpolate(grey, (SIDE, SIDE), mode="bilinear", antialias=True)
    cut: NDArray[np.uint16] = sized[0, 0].round().clamp(0, 65535).numpy().astype(np.uint16)
    return cut


def convert(source: Path, target: Path) -> Counter[str]:
    """Write the tensors; how many abnormalities were cut, and why others were left out."""
    files, told = index_files(source), Counter[str]()
    tensors = {split: Tensors() for split in SPLITS}
    by_image: dict[str, list[Case]] = defaultdict(list)
    for case in read_cases(source):
        by_image[case.image].append(case)
    for series, cases in by_image.items():
        _cut_image(files, series, cases, tensors, told)
    if not all(found.images for found in tensors.values()):
        raise CbisError(f"nothing was cut for one of the splits: {dict(told)}")
    _write(target, tensors)
    return told


def _cut_image(
    files: dict[str, list[Path]],
    series: str,
    cases: list[Case],
    tensors: dict[str, Tensors],
    told: Counter[str],
) -> None:
    """All abnormalities of one mammogram, which is read once."""
    if not files.get(series):
        told["mammogram missing"] += len(cases)
        return
    picture = pydicom.dcmread(files[series][0]).pixel_array
    masks = [_mask(files, case, picture.shape) for case in cases]
    taken = np.zeros(picture.shape, bool)
    for mask in masks:
        if mask is not None:
            taken |= mask
    for case, mask in zip(cases, masks, strict=True):
        cut = None if mask is None else cut_case(picture, mask, taken)
        if cut is None:
            told["mask missing" if mask is None else "no healthy tissue beside it"] += 1
            continue
        told["cut"] += 1
        found = tensors[case.split]
        found.images += cut
        found.labels += [0, case.label]
        found.patients += [case.patient] * 2


def _mask(
    files: dict[str, list[Path]], case: Case, shape: tuple[int, ...]
) -> NDArray[np.bool_] | None:
    """The mask among the case's other files: the one of the mammogram's size."""
    for path in {path for part in case.parts for path in files.get(part, ())}:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        if (header.Rows, header.Columns) == shape:
            mask: NDArray[np.bool_] = pydicom.dcmread(path).pixel_array > 0
            return mask if mask.any() else None
    return None


def _write(target: Path, tensors: dict[str, Tensors]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for split, name in SPLITS.items():
        np.save(target / f"{name}_tensor.npy", np.stack(tensors[split].images))
        np.save(target / f"{name}_labels.npy", np.array(tensors[split].labels))
        np.save(target / f"{name}_patients.npy", np.array(tensors[split].patients))
    named = {f"{split}_patients": f"{name}_patients.npy" for split, name in SPLITS.items()}
    (target / "patches.json").write_text(json.dumps(named | {"dataset": ORIGIN}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 1 where the folder is not laid out as the archive's."""
    parser = argparse.ArgumentParser(prog="python -m trainer.cbis", description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    given = parser.parse_args(arguments)
    try:
        told = convert(given.source, given.target)
    except CbisError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for what, count in told.most_common():
        sys.stdout.write(f"{count} abnormalities: {what}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
