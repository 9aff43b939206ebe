"""CBIS-DDSM from DICOM and its case tables, on a tiny folder of the archive's layout."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from trainer.cbis import CbisError, convert, main, square_around, square_beside
from trainer.patches import Chosen, read_patches

HEADER = ("patient_id", "breast_density", "left or right breast", "image view", "abnormality id",
          "abnormality type", "assessment", "pathology", "subtlety", "image file path",
          "cropped image file path", "ROI mask file path")  # fmt: skip
SHAPE = (400, 300)
BRIGHT = 40_000


def write_dicom(path: Path, pixels: NDArray[Any], series: str) -> None:
    bits = pixels.dtype.itemsize * 8
    file = pydicom.Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    file.file_meta.MediaStorageSOPInstanceUID = f"{series}.1"
    file.SOPClassUID, file.SOPInstanceUID = SecondaryCaptureImageStorage, f"{series}.1"
    file.SeriesInstanceUID, file.Modality = series, "MG"
    file.Rows, file.Columns = pixels.shape
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated = file.BitsStored = bits
    file.HighBit, file.PixelRepresentation = bits - 1, 0
    file.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)


class Archive:
    """Writes mammograms with a bright square for an abnormality, and the rows that tell of it."""

    def __init__(self, root: Path) -> None:
        self.root, self.series = root, 0
        self.rows: dict[str, list[list[str]]] = {}

    def add(self, kind: str, split: str, patient: str, pathology: str, **options: Any) -> None:
        """One mammogram with one abnormality; ``swapped``: mask and crop in the other's column."""
        picture = np.full(SHAPE, 9_000, np.uint16)
        picture[:, 200:] = 0  # air
        mask = np.zeros(SHAPE, np.uint8)
        top, left = options.get("at", (180, 60))
        picture[top : top + 40, left : left + 30] = BRIGHT
        mask[top : top + 40, left : left + 30] = 255
        if options.get("everywhere"):
            mask[:, :200] = 255
        folder = f"{kind.capitalize()}-{split.capitalize()}_{patient}_LEFT_CC"
        image = self._file(folder, picture)
        crop = self._file(f"{folder}_1", picture[top : top + 40, left : left + 30])
        masked = self._file(f"{folder}_1", mask) if not options.get("no_mask") else crop
        if options.get("swapped"):
            crop, masked = masked, crop
        name = f"{kind}_case_description_{split}_set.csv"
        row = [patient, "2", "LEFT", "CC", "1", kind, "4", pathology, "3", image, crop, masked]
        self.rows.setdefault(name, []).append(row)

    def close(self) -> None:
        """Write the tables."""
        for name, rows in self.rows.items():
            with (self.root / name).open("w", newline="") as stream:
                writer = csv.writer(stream)
                writer.writerows([HEADER, *rows])

    def _file(self, folder: str, pixels: NDArray[Any]) -> str:
        self.series += 1
        series = f"1.2.3.{self.series}"
        # As NBIA's downloader lays them out: other folders than the tables say.
        place = self.root / folder / "07-20-2016-DDSM" / f"1.0-{series}"
        write_dicom(place / "1-1.dcm", pixels, series)
        return f"{folder}/1.2.3/{series}/000000.dcm\n"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def fill(archive: Archive) -> None:
    archive.root.mkdir()
    for number in range(4):
        archive.add("mass", "train", f"P_{number:05d}", "MALIGNANT")
        other = f"P_{number + 10:05d}"
        archive.add("calc", "train", other, "BENIGN_WITHOUT_CALLBACK", swapped=True)
    archive.add("mass", "test", "P_00020", "BENIGN")
    archive.add("calc", "test", "P_00010", "MALIGNANT", at=(10, 10))


def test_abnormalities_are_cut_out_with_the_tissue_beside_them(
    archive: Archive, tmp_path: Path
) -> None:
    fill(archive)
    archive.add("mass", "train", "P_00030", "BENIGN", no_mask=True)
    archive.add("mass", "train", "P_00031", "BENIGN", everywhere=True)
    archive.close()
    told = convert(archive.root, tmp_path / "arrays/cbis")
    assert told == {"cut": 10, "mask missing": 1, "no healthy tissue beside it": 1}
    patches = read_patches(tmp_path / "arrays", "cbis")
    assert patches.side == 150
    assert patches.paired
    assert patches.train.labels[1::2].tolist().count(2) == 4
    assert patches.train.labels[1::2].tolist().count(3) == 4
    assert sorted(patches.test.labels[1::2]) == [1, 4]
    for part in (patches.train, patches.test):
        baselines, abnormalities = part.images[0::2], part.images[1::2]
        assert (baselines == 9_000).all(), "healthy tissue, and no air"
        middle = abnormalities[:, 60:90, 60:90]
        assert (middle.max(axis=(1, 2)) == BRIGHT).all()
        share = (abnormalities == BRIGHT).mean(axis=(1, 2))
        assert share == pytest.approx(30 * 40 / 48**2, abs=0.06)
    chosen = Chosen.of(patches, "benign-malignant", pairs=True)
    assert chosen.notes == ("2 patches of patients of the test were left out of training.",)


def test_a_square_holds_the_mask_with_a_margin_and_stays_in_the_image() -> None:
    mask = np.zeros((100, 80), bool)
    mask[40:60, 30:40] = True
    assert square_around(mask) == (37, 22, 24)
    mask[:] = False
    mask[0:10, 75:80] = True
    top, left, side = square_around(mask)
    assert (top, left, side) == (0, 68, 12)
    mask[:] = True
    assert square_around(mask) == (9, 0, 80)


def test_a_baseline_lies_beside_it_where_no_mask_is() -> None:
    picture = np.full((90, 90), 1000.0)
    picture[:, 60:] = 0
    taken = np.zeros((90, 90), bool)
    taken[30:60, 30:60] = True
    assert square_beside(picture, (30, 30, 30), taken) in [
        (y, x, 30) for y in (0, 30, 60) for x in (0, 30) if (y, x) != (30, 30)
    ]
    taken[:, :60] = True
    assert square_beside(picture, (30, 30, 30), taken) is None


def test_what_is_not_the_archive_is_told(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert "holds no case table" in capsys.readouterr().err
    fill(archive)
    archive.rows["mass_case_description_test_set.csv"][0][7] = "PERHAPS"
    archive.close()
    with pytest.raises(CbisError, match=r"mass_case_description_test_set\.csv, line 2: .*PERHAPS"):
        convert(archive.root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
