"""A DICOM file from an image's metadata row: the header says what the row says, the pixels what
the findings say."""

import ast
import io
import re
from typing import Any

import numpy as np
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from devstack.synthetic.encoding import Pixels, choose_syntax, encode_pixels
from devstack.synthetic.hashing import hash_keys, uniform
from devstack.synthetic.pixels import ImageSpec, render_image
from devstack.synthetic.pixels.noise import Image
from devstack.synthetic.records import ImageJob, Row

FOR_PRESENTATION = UID("1.2.840.10008.5.1.4.1.1.1.2")
"""Digital Mammography X-Ray Image Storage, For Presentation."""
_IMPLEMENTATION = UID("2.999.113681.1")
_NESTED = re.compile(r"\d+_")
_FLOATS = {"DS", "FL", "FD"}
_INTEGERS = {"IS", "US", "SS", "UL", "SL"}
_ZOOM = {"Spot Compression": 1.35, "Magnification": 1.8}
_SKIPPED = frozenset({"AcquisitionContextSequence", "0_ViewCodeSequence_ViewModifierCodeSequence"})


def image_uids(row: Row) -> tuple[str, str, str]:
    """Study, series and SOP instance UID, which only `anon_dicom_path` tells."""
    study, series, file = row["anon_dicom_path"].rsplit("/", 3)[1:]
    return study, series, file.removesuffix(".dcm")


def dicom_bytes(job: ImageJob) -> bytes:
    """The file of one image, Part 10, in one of three transfer syntaxes."""
    pixels = stored_pixels(job)
    _, _, instance = image_uids(job.row)
    syntax = choose_syntax(float(uniform(_digits(instance), 5)[0]))
    return _written(job.row, pixels, syntax)


def stored_pixels(job: ImageJob) -> Pixels:
    """Pixels (rows, columns) as stored: mapped through the window, inverted for MONOCHROME1,
    mirrored as PatientOrientation says."""
    row = job.row
    stored = brightness_to_values(row, render_image(image_spec(job)))
    if row["FieldOfViewHorizontalFlip"] == "YES" or (
        not row["FieldOfViewHorizontalFlip"] and _towards(row) == "P"
    ):
        stored = stored[:, ::-1]
    return np.ascontiguousarray(stored)


def _towards(row: Row) -> str:
    """First value of PatientOrientation; without one, the usual orientation of the side."""
    if row["PatientOrientation"]:
        return str(ast.literal_eval(row["PatientOrientation"])[0])
    return "P" if row["ImageLateralityFinal"] == "R" else "A"


def image_spec(job: ImageJob) -> ImageSpec:
    """What is to be drawn, in the chest-wall-left frame."""
    row = job.row
    rows, columns = int(float(row["Rows"])), int(float(row["Columns"]))
    spacing = float(ast.literal_eval(row["ImagerPixelSpacing"])[0])
    modifier = row["0_ViewCodeSequence_0_ViewModifierCodeSequence_CodeMeaning"]
    view = _view(row)
    seconds = round(float(row["AcquisitionTime"]))
    synthetic_2d = row["FinalImageType"] == "cview"
    return ImageSpec(
        empi=int(row["empi_anon"]),
        side="LR".index(row["ImageLateralityFinal"]),
        view=view,
        rows=rows,
        columns=columns,
        height_mm=rows * spacing,
        width_mm=columns * spacing,
        breast_density=job.density,
        number=int(hash_keys(int(row["acc_anon"]), seconds)[0] >> np.uint64(1)),
        lesions=job.lesions,
        zoom=_ZOOM.get(modifier, 1.0),
        synthetic_2d=synthetic_2d,
        implant=row["BreastImplantPresent"] == "YES" and modifier != "Implant Displaced",
    )


def _view(row: Row) -> str:
    """The view, from the series description where ViewPosition is null."""
    if row["ViewPosition"]:
        return row["ViewPosition"]
    return re.split(r"[ _]", row["SeriesDescription"])[1]


def value_range(row: Row) -> tuple[float, float]:
    """Stored values of brightness 0 and 1: the first window's lower and upper edge."""
    if row["FinalImageType"] == "cview":
        return 250.0, 830.0
    if row["Manufacturer"].startswith("GE"):
        return 1300.0, 3300.0
    return 0.0, 4095.0


def brightness_to_values(row: Row, light: Image) -> Pixels:
    """Stored values of brightness. Outside the breast is 0, or the greatest value where black is
    white."""
    low, high = value_range(row)
    largest = 2 ** int(float(row["BitsStored"])) - 1
    values = np.where(light > 0.004, low + light * (high - low), 0.0)
    values = np.clip(np.rint(values), 0, largest).astype(np.uint16)
    return (
        np.asarray(largest - values, np.uint16)
        if row["PhotometricInterpretation"] == "MONOCHROME1"
        else values
    )


def header(row: Row) -> Dataset:
    """Every DICOM attribute that the row has a value for, and the identifiers of patient, exam
    and file."""
    dataset = Dataset()
    for name, text in row.items():
        # The index column has no name, and pydicom knows an attribute without a keyword.
        if text and name and name not in _SKIPPED:
            _set(dataset, name, text)
    study, series, instance = image_uids(row)
    dataset.SOPClassUID = FOR_PRESENTATION
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = (
        instance,
        series,
        study,
    )
    dataset.PatientID = row["empi_anon"]
    dataset.PatientName = f"SYNTHETIC^{row['empi_anon']}"
    dataset.PatientBirthDate = ""
    dataset.AccessionNumber = row["acc_anon"]
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = row[
        "study_date_anon"
    ][:10].replace("-", "")
    dataset.ReferringPhysicianName = ""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "SYNTHETIC: no person, no real image"
    return dataset


def _set(dataset: Dataset, name: str, text: str) -> None:
    """One column as an attribute; `0_Sequence_Keyword` goes into the first item of the sequence."""
    if _NESTED.match(name):
        keyword, rest = name[2:].split("_", 1)
        if keyword not in dataset:
            setattr(dataset, keyword, Sequence([Dataset()]))
        _set(getattr(dataset, keyword)[0], rest, text)
    elif tag_for_keyword(name) is not None:
        setattr(dataset, name, _typed(dictionary_VR(name), text))


def _typed(representation: str, text: str) -> Any:
    values = ast.literal_eval(text) if text.startswith("[") else text
    if isinstance(values, list):
        return [_one(representation, str(value)) for value in values]
    return _one(representation, text)


def _one(representation: str, text: str) -> Any:
    if representation in _INTEGERS or "US" in representation:
        return round(float(text))
    if representation in _FLOATS:
        return float(text)
    if representation == "TM":
        return f"{round(float(text)):06d}"
    if representation == "CS" and text == "0.0":
        return "00"
    return text.removesuffix(".0") if representation == "SH" else text


def _written(row: Row, pixels: Pixels, syntax: str) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = FOR_PRESENTATION
    meta.MediaStorageSOPInstanceUID = UID(image_uids(row)[2])
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = _IMPLEMENTATION
    buffer = io.BytesIO()
    with config.disable_value_validation():
        file = FileDataset(None, header(row), file_meta=meta, preamble=b"\0" * 128)
        file.PixelData = encode_pixels(pixels, syntax, int(float(row["BitsStored"])))
        file["PixelData"].VR = "OW" if syntax == ExplicitVRLittleEndian else "OB"
        file["PixelData"].is_undefined_length = syntax != ExplicitVRLittleEndian
        file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _digits(uid: str) -> int:
    return int(uid.rsplit(".", 1)[1]) % 2**63
